"""What every job stands on: processes, screen, reports."""
