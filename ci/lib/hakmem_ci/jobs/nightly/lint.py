"""ci/lint over everything: what the tests leave out because it takes an hour where nothing is known from before; and the
generated pages, which a change may owe until somebody has the time to measure."""
import json

from hakmem_ci.core import report
from hakmem_ci.jobs.nightly.work import Item

PART = "lint"


def run(context, _):
    """The rows of ci/lint. What was clean before with the same content costs nothing."""
    path = context.fresh_report(PART)
    outcome = context.run(PART, "lint of everything", [context.root / "ci/lint", "--all", "--jobs", context.jobs, "--json", path])
    try:
        rows = [report.row_from(fields) for fields in json.loads(path.read_text(encoding="utf-8"))["results"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        context.add(report.ended_badly(PART, "everything", outcome, f"left no report that can be read ({error})"))
        return
    for row in rows:
        context.add(row)


def run_pages(context, _):
    """Whether every generated page still says what is true."""
    outcome = context.run("pages", "generated pages", [context.root / "ci/update", "--check"])
    owed = [line for line in outcome.output.splitlines() if line.startswith("owed: ")]
    if outcome.clean:
        context.add(report.Row(PART, "generated pages", "ci/update", "", outcome.seconds, "up to date", "pass"))
    elif owed:
        context.add(report.Row(PART, "generated pages", "ci/update", "", outcome.seconds, "owed", "fail",
                               f"{len(owed)} pages are owed; write them by: ci/update", "\n".join(owed), outcome.log))
    else:
        context.add(report.ended_badly(PART, "generated pages", outcome, outcome.describe(), "ci/update", judges=True))


LINT = (Item("lint: everything", (("release", "hakmem"), ("model", "hakmem-check")), run, fills=False),
        Item("lint: generated pages", (), run_pages, fills=False))
