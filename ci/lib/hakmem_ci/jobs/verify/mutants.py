"""The part `mutants`: changes of plain logic, each noticed by a test or explained. Only on request."""
from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "mutants"
NEEDS = (("model", "hakmem-check"), ("release", "all"))
FIELDS = {"check": str, "work": str, "seconds": (int, float), "verdict": str, "status": str}


def run_all(context, check):
    """Runs ci/mutants, whose rows, one for each file, are the part's."""
    tool = context.root / "ci" / "mutants"
    broken = [context.broken_presets[preset] for preset, _ in NEEDS if preset in context.broken_presets]
    cause = broken[0] if broken else (None if tool.is_file() else "ci/mutants does not exist")
    if cause is not None:
        context.add(report.incomplete(PART, "ci/mutants", cause, go_on=context.again(check)))
        return
    path = context.fresh_report("mutants")
    outcome = context.run("mutants", "mutants", [tool, "--jobs", context.jobs, "--page", "", "--json", path], check)
    results, problem = contexts.read_results(path, FIELDS)
    try:
        rows = [report.row_from({**result, "log": outcome.log}) for result in results or []]
    except (TypeError, ValueError) as error:
        rows, results, problem = [], None, f"left a report that cannot be read ({error})"
    for row in rows:
        context.add(row)
    if results is None or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/mutants", outcome, why, go_on=context.again(check), judges=True))


def checks(_):
    """The checks of the part."""
    return [Check(PART, "all", run_all, one_core=False)]
