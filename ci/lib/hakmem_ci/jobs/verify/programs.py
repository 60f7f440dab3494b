"""The part `programs`: real programs with the library preloaded, their output compared with the system's malloc."""
from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "programs"
NEEDS = (("release", "hakmem"),)
LIBRARY = "libhakmem.so"
FIELDS = {"program": str, "seconds": (int, float), "status": str}


def row_of(result, outcome, go_on):
    """The row of one program."""
    message = result.get("message") or ""
    if result["status"] == "pass":
        return report.Row(PART, result["program"], LIBRARY, "", result["seconds"], "pass", "pass")
    if result["status"] != "fail":
        return report.incomplete(PART, result["program"], message or "no cause given", LIBRARY, outcome.log,
                                 result.get("continue") or go_on)
    return report.Row(PART, result["program"], LIBRARY, "", result["seconds"], "FAILED", "fail",
                      message, "", outcome.log)


def run_all(context, check):
    """Runs ci/programs and adds a row for each program."""
    library, cause = context.program("release", LIBRARY)
    tool = context.root / "ci" / "programs"
    if cause is None and not tool.is_file():
        cause = "ci/programs does not exist"
    if cause is not None:
        context.add(report.incomplete(PART, "ci/programs", cause, LIBRARY, go_on=context.again(check)))
        return
    path = context.fresh_report("programs")
    command = [tool, *context.plan.program_arguments, "--jobs", context.jobs, "--preload", library, "--json", path]
    outcome = context.run("programs", "programs", command, check)
    results, problem = contexts.read_results(path, FIELDS)
    rows = [row_of(result, outcome, context.again(check)) for result in results or []]
    for row in rows:
        context.add(row)
    cut_off = outcome.ending != "exited"  # then what was found until then is in the report
    if results is None or cut_off or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/programs", outcome, why, LIBRARY, context.again(check), True))


def checks(_):
    """The checks of the part."""
    return [Check(PART, "all", run_all, one_core=False)]
