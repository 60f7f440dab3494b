"""The part `models`: litmus tests of the engine, then every suite of hakmem-check."""
import fnmatch
import re

from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "models"
NEEDS = (("model", "hakmem-check"),)
VERDICT = re.compile(r"COMPLETE|BOUNDED\(\d+\)|SAMPLED\(\d+\)")
FIELDS = {"suite": str, "scheduler": str, "executions": int, "seconds": (int, float), "verdict": str, "status": str,
          "broken_variant": bool}


def judge(result):
    """(verdict, status, message) of one result; whatever is not clearly good is not good."""
    verdict, status, message = result["verdict"], result["status"], result.get("message", "")
    if status == "incomplete":
        return verdict, "incomplete", message or "did not finish its search"
    if status != "pass":
        return ("NOT CAUGHT" if result["broken_variant"] else "COUNTEREXAMPLE"), "fail", message
    if result["executions"] <= 0:
        return verdict, "incomplete", "claims to pass without an execution"
    if result["broken_variant"]:
        return "caught", "pass", ""
    if not VERDICT.fullmatch(verdict):
        return verdict, "incomplete", "did not finish its search: neither COMPLETE nor BOUNDED nor SAMPLED"
    return verdict, "pass", ""


def row_of(result, log):
    """The row of one suite, or of one broken variant."""
    verdict, status, message = judge(result)
    if status == "fail" and result.get("replay"):
        message += f" (again: build/model/hakmem-check replay {result['replay']})"
    return report.Row(PART, result["suite"], result["scheduler"], f"{result['executions']:,} executions",
                      result["seconds"], verdict, status, message.strip(), result.get("trace", ""), log,
                      result.get("continue", ""))


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


def listed_suites(context, check, tool):
    """(names, None) of the suites that a run must report, or (None, why they are unknown)."""
    outcome = context.runner.run("models-list", [tool, "list"], context.costs.allowed(check), deadline=context.deadline)
    if not outcome.clean:
        return None, f"hakmem-check list {outcome.describe()}"
    names = {line.split()[0] for line in outcome.output.splitlines() if line.strip()}
    names = {name for name in names if matches(name, context.suites)}
    return (names, None) if names else (None, "hakmem-check list names no such suite")


def matches(name, pattern):
    """As hakmem-check matches: a part of the name, or with * and ? all of it."""
    return fnmatch.fnmatchcase(name, pattern) if set(pattern) & set("*?[") else pattern in name


def pattern_of(context):
    return [context.suites] if context.suites else []


def run_tool(context, check, tool, arguments, fold):
    """Runs the tool once, adds what it reports, and returns the names of the suites it reported."""
    path = context.fresh_report(check.name)
    outcome = context.run(check.name, f"models: {check.name}", [tool, *arguments, "--json", path], check)
    results, problem = contexts.read_results(path, FIELDS)
    if results is not None:
        add_results(context, results, fold, outcome.log)
    what = f"hakmem-check {arguments[0]}"
    if results is None:
        why = problem if outcome.clean else f"{outcome.describe()} and {problem}"
        context.add(report.ended_badly(PART, what, outcome, why, go_on=context.again(check), judges=True))
    elif not outcome.clean and all(judge(result)[1] == "pass" for result in results):
        why = f"{outcome.describe()} though all that it reports holds"
        context.add(report.ended_badly(PART, what, outcome, why, go_on=context.again(check), judges=True))
    return {result["suite"] for result in results or []}


def run_litmus(context, check):
    """The engine's own tests."""
    tool, cause = context.program("model", "hakmem-check")
    if tool is None:
        context.add(report.incomplete(PART, "hakmem-check litmus", cause, go_on=context.again(check)))
        return
    run_tool(context, check, tool, ["litmus"], lambda _: "litmus tests of the engine")


def run_suites(context, check):
    """All suites, or those that were asked for; what is listed must be reported."""
    tool, cause = context.program("model", "hakmem-check")
    suites = None
    if tool is not None:
        suites, cause = listed_suites(context, check, tool)
    if suites is None:
        context.add(report.incomplete(PART, "suites", cause, go_on=context.again(check)))
        return
    left = context.seconds_left()
    bound = [] if left is None else ["--seconds", f"{max(1.0, left - 2):.0f}"]
    arguments = ["run", *pattern_of(context), *context.plan.model_arguments, "--jobs", context.jobs, "--seed", context.seed, *bound]
    reported = run_tool(context, check, tool, arguments,
                        lambda result: "broken variants, each caught" if result["broken_variant"] else None)
    silent = "interrupted" if context.runner.stop.is_set() else "hakmem-check lists it, but reported nothing of it"
    for suite in sorted(suites - reported):
        context.add(report.incomplete(PART, suite, silent, go_on=f"build/model/hakmem-check run '{suite}'"))


def checks(_):
    """The checks of the part."""
    return [Check(PART, "litmus", run_litmus), Check(PART, "suites", run_suites, one_core=False)]
