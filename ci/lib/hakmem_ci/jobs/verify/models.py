"""The part `models`: litmus tests of the engine, then every suite of hakmem-check."""
import re

from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.core import report

PART = "models"
VERDICT = re.compile(r"COMPLETE|BOUNDED\(\d+\)|SAMPLED\(\d+\)")
FIELDS = {"suite": str, "scheduler": str, "executions": int, "seconds": (int, float), "verdict": str, "status": str,
          "broken_variant": bool}


def judge(result):
    """(verdict, status, message) of one result; whatever is not clearly good is not good."""
    verdict, status = result["verdict"], result["status"]
    if status != "pass" and verdict == "TRUNCATED":
        return verdict, "fail", result.get("message", "") or "did not finish its search"
    if status != "pass":
        what = "NOT CAUGHT" if result["broken_variant"] else "COUNTEREXAMPLE"
        return what, "fail", result.get("message", "")
    if result["executions"] <= 0:
        return "FAILED", "fail", "claims to pass without an execution"
    if result["broken_variant"]:
        return "caught", "pass", ""
    if not VERDICT.fullmatch(verdict):
        return verdict, "fail", "did not finish its search: neither COMPLETE nor BOUNDED nor SAMPLED"
    return verdict, "pass", ""


def row_of(result, log):
    """The row of one suite, or of one broken variant."""
    verdict, status, message = judge(result)
    if status != "pass" and result.get("replay"):
        message += f" (again: build/model/hakmem-check replay {result['replay']})"
    return report.Row(PART, result["suite"], result["scheduler"], f"{result['executions']:,} executions",
                      result["seconds"], verdict, status, message.strip(), result.get("trace", ""), log)


def folded(results, check):
    """Many small results that all pass, as one row."""
    return report.Row(PART, check, "", f"{sum(r['executions'] for r in results):,} executions",
                      sum(r["seconds"] for r in results), f"{len(results)} hold", "pass")


def add_results(context, results, fold, log):
    """Adds a row for each result; those that `fold` names by a title become one row when they pass."""
    groups = {}
    for result in results:
        title = fold(result)
        row = row_of(result, log)
        if title is not None and row.status == "pass":
            groups.setdefault(title, []).append(result)
        else:
            context.add(row)
    for title, group in groups.items():
        context.add(folded(group, title))


def listed_suites(context, tool):
    """(names, None) of the suites that a run must report, or (None, why they are unknown)."""
    outcome = context.run("models-list", "models: list", [tool, "list"], 30)
    if not outcome.clean:
        return None, f"hakmem-check list {outcome.describe()}"
    names = {line.split()[0] for line in outcome.output.splitlines() if line.strip()}
    return (names, None) if names else (None, "hakmem-check list names no suite")


def run_tool(context, tool, name, arguments, seconds, fold):
    """Runs the tool once, adds what it reports, and returns the names of the suites it reported."""
    path = context.fresh_report(name)
    outcome = context.run(name, f"models: {name}", [tool, *arguments, "--json", path], seconds)
    results, problem = contexts.read_results(path, FIELDS)
    if results is not None:
        add_results(context, results, fold, outcome.log)
    what = f"hakmem-check {arguments[0]}"
    if results is None:
        why = problem if outcome.clean else f"{outcome.describe()} and {problem}"
        context.add(report.ended_badly(PART, what, outcome, why))
    elif not outcome.clean and all(judge(result)[1] == "pass" for result in results):
        context.add(report.ended_badly(PART, what, outcome, f"{outcome.describe()} though it reports no failure"))
    return {result["suite"] for result in results or []}


def run(context):
    """Adds the rows of the part."""
    tool, cause = context.program("model", "hakmem-check")
    if tool is None:
        context.add(report.not_run(PART, "hakmem-check", cause))
        return
    run_tool(context, tool, "litmus", ["litmus"], context.plan.litmus_seconds, lambda _: "litmus tests of the engine")
    suites, cause = listed_suites(context, tool)
    if suites is None:
        context.add(report.not_run(PART, "suites", cause))
        return
    arguments = ["run", *context.plan.model_arguments, "--jobs", context.jobs, "--seed", context.seed]
    reported = run_tool(context, tool, "suites", arguments, context.plan.model_seconds,
                        lambda result: "broken variants, each caught" if result["broken_variant"] else None)
    silent = "interrupted" if context.runner.stop.is_set() else "hakmem-check lists it, but reported nothing of it"
    for suite in sorted(suites - reported):
        context.add(report.not_run(PART, suite, silent))
