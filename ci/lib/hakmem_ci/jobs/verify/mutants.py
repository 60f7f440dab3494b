"""The part `mutants`: changes of plain logic, each noticed by a test or explained. Only on request."""
from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "mutants"
NEEDS = (("model", "hakmem-check"),)
FIELDS = {"header": str, "mutant": str, "verdict": str}


def rows_of(report_of_mutants, problems, seconds, log, go_on):
    """One row for each header."""
    headers = {}
    for result in report_of_mutants:
        headers.setdefault(result["header"], []).append(result["verdict"])
    rows = []
    for header, verdicts in headers.items():
        killed = sum(verdict == "killed" for verdict in verdicts)
        absent = sum(verdict == "not run" for verdict in verdicts)
        wrong = [problem for problem in problems if problem.startswith(header)]
        share = seconds * len(verdicts) / len(report_of_mutants)
        status = "fail" if wrong else "incomplete" if absent else "pass"
        word = {"fail": "FAILED", "incomplete": "incomplete",
                "pass": f"{killed} killed, {len(verdicts) - killed} explained"}[status]
        message = "; ".join(wrong[:3]) or (f"{absent} of {len(verdicts)} were not run" if absent else "")
        rows.append(report.Row(PART, header, "", f"{len(verdicts)} mutants", share, word, status, message, "\n".join(wrong),
                               log, go_on if status == "incomplete" else ""))
    return rows


def run_all(context, check):
    """Runs ci/mutants and adds a row for each header."""
    tool = context.root / "ci" / "mutants"
    cause = context.broken_presets.get("model") or (None if tool.is_file() else "ci/mutants does not exist")
    if cause is not None:
        context.add(report.incomplete(PART, "ci/mutants", cause, go_on=context.again(check)))
        return
    path = context.fresh_report("mutants")
    outcome = context.run("mutants", "mutants", [tool, "--jobs", context.jobs, "--page", "", "--json", path], check)
    results, problem = contexts.read_results(path, FIELDS)
    rows = []
    if results is not None:
        rows = rows_of(results, contexts.read_problems(path), outcome.seconds, outcome.log, context.again(check))
    for row in rows:
        context.add(row)
    if results is None or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/mutants", outcome, why, go_on=context.again(check)))


def checks(_):
    """The checks of the part."""
    return [Check(PART, "all", run_all, one_core=False)]
