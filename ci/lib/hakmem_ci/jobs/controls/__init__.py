"""Negative controls: every checker is shown faults that it must report."""
