"""The part `programs`: real programs with the library preloaded, their output compared with the system's malloc."""
from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "programs"
NEEDS = (("release", "hakmem"),)
LIBRARY = "libhakmem.so"
FIELDS = {"program": str, "seconds": (int, float), "status": str}


def row_of(result, outcome, go_on, how=LIBRARY):
    """The row of one program under the library `how`."""
    message = result.get("message") or ""
    if result["status"] == "pass":
        return report.Row(PART, result["program"], how, "", result["seconds"], "pass", "pass")
    if result["status"] != "fail":
        return report.incomplete(PART, result["program"], message or "no cause given", how, outcome.log,
                                 result.get("continue") or go_on)
    return report.Row(PART, result["program"], how, "", result["seconds"], "FAILED", "fail",
                      message, "", outcome.log)


def run_all(context, check, how=LIBRARY, more=()):
    """Runs ci/programs with the library `how`, and with `more` arguments, and adds a row for each program."""
    library, cause = context.program("release", how)
    tool = context.root / "ci" / "programs"
    if cause is None and not tool.is_file():
        cause = "ci/programs does not exist"
    if cause is not None:
        context.add(report.incomplete(PART, "ci/programs", cause, how, go_on=context.again(check)))
        return
    key = contexts.file_name(f"programs-{how}") if how != LIBRARY else "programs"
    path = context.fresh_report(key)
    command = [tool, *context.plan.program_arguments, *more, "--jobs", context.jobs, "--preload", library, "--json", path]
    outcome = context.run(key, "programs", command, check)
    results, problem = contexts.read_results(path, FIELDS)
    rows = [row_of(result, outcome, context.again(check), how) for result in results or []]
    for row in rows:
        context.add(row)
    cut_off = outcome.ending != "exited"  # then what was found until then is in the report
    if results is None or cut_off or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/programs", outcome, why, how, context.again(check), True))


def checks(_):
    """The checks of the part."""
    return [Check(PART, "all", run_all, one_core=False)]
