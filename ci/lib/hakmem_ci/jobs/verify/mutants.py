"""The part `mutants`: changes of plain logic, each noticed by a test or explained. Only on request."""
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.core import report

PART = "mutants"
FIELDS = {"header": str, "mutant": str, "verdict": str}


def rows_of(report_of_mutants, problems, seconds, log):
    """One row for each header."""
    headers = {}
    for result in report_of_mutants:
        headers.setdefault(result["header"], []).append(result["verdict"])
    rows = []
    for header, verdicts in headers.items():
        killed = sum(verdict == "killed" for verdict in verdicts)
        wrong = [problem for problem in problems if problem.startswith(header)]
        share = seconds * len(verdicts) / len(report_of_mutants)
        rows.append(report.Row(PART, header, "", f"{len(verdicts)} mutants", share,
                               "FAILED" if wrong else f"{killed} killed, {len(verdicts) - killed} explained",
                               "fail" if wrong else "pass", "; ".join(wrong[:3]), "\n".join(wrong), log))
    return rows


def run(context):
    """Adds the rows of the part."""
    tool = context.root / "ci" / "mutants"
    cause = context.broken_presets.get("model") or (None if tool.is_file() else "ci/mutants does not exist")
    if cause is not None:
        context.add(report.not_run(PART, "ci/mutants", cause))
        return
    path = context.fresh_report("mutants")
    outcome = context.run("mutants", "mutants", [tool, "--jobs", context.jobs, "--page", "", "--json", path],
                          context.plan.mutant_seconds)
    results, problem = contexts.read_results(path, FIELDS)
    rows = []
    if results is not None:
        rows = rows_of(results, contexts.read_problems(path), outcome.seconds, outcome.log)
    for row in rows:
        context.add(row)
    if results is None or (not outcome.clean and all(row.status == "pass" for row in rows)):
        why = "; ".join(text for text in (None if outcome.clean else outcome.describe(), problem) if text)
        context.add(report.ended_badly(PART, "ci/mutants", outcome, why))
