"""The part `properties`: every property program, its RapidCheck cases counted."""
import json
import os
import re

from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.core import report

PART = "properties"
CASES = re.compile(r"OK, passed (\d+) tests?")


def programs(folder):
    """The property programs that were built, by name."""
    return sorted(p for p in folder.glob("property_*") if p.is_file() and os.access(p, os.X_OK))


def judge(outcome, summary, cases):
    """(verdict, status, message) from how a program ended and from GoogleTest's own report."""
    if summary is None:
        return "FAILED", "fail", "left no GoogleTest report"
    if summary["failures"] or summary["errors"]:
        return "FAILED", "fail", f"{summary['failures'] + summary['errors']} of {summary['tests']} tests fail"
    if not outcome.clean:
        return "FAILED", "fail", outcome.describe()
    if summary["disabled"]:
        return "not run", "not run", f"{summary['disabled']} tests are disabled"
    if not summary["tests"] or not cases:
        return "not run", "not run", "no case of a property was counted"
    return "pass", "pass", ""


def read_summary(path):
    """GoogleTest's totals, or None."""
    try:
        report_of_gtest = json.loads(path.read_text(encoding="utf-8"))
        return {name: int(report_of_gtest.get(name, 0)) for name in ("tests", "failures", "errors", "disabled")}
    except (OSError, ValueError, AttributeError, TypeError):
        return None


def run_program(context, program):
    """Runs one property program and adds its row."""
    path = context.fresh_report(program.name)
    parameters = f"max_success={context.plan.property_cases}"
    outcome = context.run(program.name, f"properties: {program.name}", [program, f"--gtest_output=json:{path}"],
                          context.plan.property_seconds, {"RC_PARAMS": parameters})
    summary = read_summary(path)
    if outcome.ending != "exited" or (summary is None and not outcome.clean):
        context.add(report.ended_badly(PART, program.name, outcome, outcome.describe(), "RapidCheck"))
        return
    cases = sum(int(number) for number in CASES.findall(outcome.output))
    verdict, status, message = judge(outcome, summary, cases)
    evidence = "" if status == "pass" else contexts.tail(outcome.output)
    context.add(report.Row(PART, program.name, "RapidCheck", f"{cases:,} cases", outcome.seconds, verdict, status,
                           message, evidence, outcome.log))


def run(context):
    """Adds the rows of the part."""
    if "release" in context.broken_presets:
        context.add(report.not_run(PART, "property programs", context.broken_presets["release"]))
        return
    found = programs(context.root / "build" / "release" / "tests")
    if not found:
        context.add(report.not_run(PART, "property programs", "build/release/tests holds no property_* program"))
    context.in_parallel(run_program, found)
