"""ci/lint over everything: what the tests leave out because it takes an hour where nothing is known from before."""
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


LINT = (Item("lint: everything", (("release", "hakmem"), ("model", "hakmem-check")), run, fills=False),)
