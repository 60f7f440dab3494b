"""The long job: a written plan, work that fills the time it is given, reports that can be compared and merged."""
