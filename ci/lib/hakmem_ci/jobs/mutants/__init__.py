"""Mutants of plain logic: what the tests notice when one place of a header is changed."""
