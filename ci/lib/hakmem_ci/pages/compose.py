"""Pages that consist of the output of several commands."""

MODELS_HEAD = """# What the models proved, suite by suite

Written by `ci/update models`; what the words mean, and what they do not: [models.md](../models.md).

## Suites

`hakmem-check run --quick`.

"""
LITMUS_HEAD = """
## Litmus tests

`hakmem-check litmus --hardware`.

"""
BASELINES_HEAD = """# Baselines: the tables

Written by `ci/update baselines`; what the pairs are and what to read from them: [baselines.md](../baselines.md).

A ships, B is what it is compared with; a ratio above 1: A is faster. Median (smallest..largest).

"""


def table_in(text):
    """The rows of the table in a program's output."""
    rows = [line for line in text.splitlines() if line.startswith("|")]
    if len(rows) < 3:
        raise ValueError("the program has printed no table")
    return "\n".join(rows) + "\n"


def models(work):
    """The table of the suites and that of the litmus tests."""
    tables = [table_in((work / name).read_text(encoding="utf-8")) for name in ("suites", "litmus")]
    return MODELS_HEAD + tables[0] + LITMUS_HEAD + tables[1]


def baselines(work):
    """What `ab` has written, below a heading."""
    text = (work / "baselines.md").read_text(encoding="utf-8")
    if "\n|" not in text:
        raise ValueError("the program has written no table")
    return BASELINES_HEAD + text
