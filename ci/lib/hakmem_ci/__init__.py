"""The project's continuous integration: a core and the jobs over it. Python's standard library alone."""
