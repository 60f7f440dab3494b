"""The part `programs`: real programs with the library preloaded, their output compared with the system's malloc."""
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.core import report

PART = "programs"
LIBRARY = "libhakmem.so"
FIELDS = {"program": str, "seconds": (int, float), "status": str}


def row_of(result, outcome):
    """The row of one program."""
    message = result.get("message") or ""
    if result["status"] == "pass":
        return report.Row(PART, result["program"], LIBRARY, "", result["seconds"], "pass", "pass")
    if result["status"] == "not run":
        return report.not_run(PART, result["program"], message or "no cause given", LIBRARY, outcome.log)
    return report.Row(PART, result["program"], LIBRARY, "", result["seconds"], "FAILED", "fail",
                      message or f"status {result['status']}", "", outcome.log)


def run(context):
    """Adds the rows of the part."""
    library, cause = context.program("release", LIBRARY)
    tool = context.root / "ci" / "programs"
    if cause is None and not tool.is_file():
        cause = "ci/programs does not exist"
    if cause is not None:
        context.add(report.not_run(PART, "ci/programs", cause, LIBRARY))
        return
    path = context.fresh_report("programs")
    outcome = context.run("programs", "programs", [tool, *context.plan.program_arguments, "--jobs", context.jobs,
                                                     "--preload", library, "--json", path],
                          context.plan.program_seconds)
    results, problem = contexts.read_results(path, FIELDS)
    rows = [row_of(result, outcome) for result in results or []]
    for row in rows:
        context.add(row)
    cut_off = outcome.ending != "exited"  # then what was found until then is in the report
    if results is None or cut_off or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/programs", outcome, why, LIBRARY))
