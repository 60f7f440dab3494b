"""The part `properties`: every property of RapidCheck, with more cases than under ctest."""
import json
import os
import re

from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "properties"
NEEDS = (("release", "folders/tests/property/all"),)
CASES = re.compile(r"OK, passed (\d+) tests?")


def programs(folder):
    """The property programs that were built, by name."""
    return sorted(p for p in folder.glob("property_*") if p.is_file() and os.access(p, os.X_OK))


def judge(outcome, summary, cases):
    """(verdict, status, message) from how a program ended and from GoogleTest's own report."""
    if summary is None:
        return "incomplete", "incomplete", "left no GoogleTest report"
    if summary["failures"] or summary["errors"]:
        return "FAILED", "fail", f"{summary['failures'] + summary['errors']} of {summary['tests']} tests fail"
    if not outcome.clean:
        return "FAILED", "fail", outcome.describe()
    if summary["disabled"]:
        return "incomplete", "incomplete", f"{summary['disabled']} tests are disabled"
    if not summary["tests"] or not cases:
        return "incomplete", "incomplete", "no case of a property was counted"
    return "pass", "pass", ""


def read_summary(path):
    """GoogleTest's totals, or None."""
    try:
        report_of_gtest = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(report_of_gtest.get(name, 0)) for name in ("tests", "failures", "errors", "disabled")}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def run_program(context, check):
    """Runs one property program and adds its row."""
    path = context.fresh_report(check.name)
    program = context.root / "build/release/tests" / check.name
    outcome = context.run(check.name, f"properties: {check.name}", [program, f"--gtest_output=json:{path}"], check,
                          {"RC_PARAMS": f"max_success={context.plan.property_cases}"})
    summary = read_summary(path)
    if outcome.ending != "exited" or (summary is None and not outcome.clean):
        context.add(report.ended_badly(PART, check.name, outcome, outcome.describe(), "RapidCheck", context.again(check)))
        return
    cases = sum(int(number) for number in CASES.findall(outcome.output))
    verdict, status, message = judge(outcome, summary, cases)
    evidence = "" if status == "pass" else contexts.tail(outcome.output)
    context.add(report.Row(PART, check.name, "RapidCheck", f"{cases:,} cases", outcome.seconds, verdict, status,
                           message, evidence, outcome.log, context.again(check) if status == "incomplete" else ""))


def absent(cause):
    """A check of nothing, which says why."""
    def run(context, check):
        context.add(report.incomplete(PART, "property programs", cause, go_on=context.again(check)))
    return run


def checks(context):
    """The checks of the part: one for each program."""
    cause = context.broken_presets.get("release")
    found = programs(context.root / "build/release/tests")
    if not cause and not found:
        cause = "build/release/tests holds no property_* program"
    if cause:
        return [Check(PART, "all", absent(cause))]
    return [Check(PART, program.name, run_program) for program in found]
