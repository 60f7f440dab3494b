"""The command line of ci/controls."""
import argparse
import json
import os
import pathlib
import re
import shutil
import sys
import time
import xml.etree.ElementTree

from hakmem_ci.jobs.controls import catalogue
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.pages import stamps

CAUGHT, ESCAPED, CLEAN, NOISY, NOT_RUN = "caught", "ESCAPED", "clean", "NOT CLEAN", "NOT RUN"
GOOD = (CAUGHT, CLEAN)
SECONDS = {"build": 1500, "control": 600}
EXIT_GREEN, EXIT_RED, EXIT_WRONG, EXIT_INTERRUPTED = 0, 1, 2, 130


class Row:
    """What has become of a control."""

    def __init__(self, control, verdict, remark, seconds):
        self.checker, self.fault, self.verdict = control.checker, control.fault, verdict
        self.remark, self.seconds = remark, seconds

    def line(self):
        return f"{self.verdict:<9}  {self.checker:<26}  {self.fault:<62}  {self.seconds:7.1f} s  {self.remark}"


def judge_planted(control, outcome):
    """A tool has caught a fault if it prints its report and the program does not end well."""
    if outcome.ending != "exited":
        return NOT_RUN, outcome.describe()
    if control.fault == "none":
        return (CLEAN, "") if outcome.code == 0 else (NOISY, outcome.describe())
    found = re.search(control.report, outcome.output)
    if found is None:
        return ESCAPED, f"nothing printed matches '{control.report}'"
    return (CAUGHT, found[0]) if outcome.code != 0 else (ESCAPED, "reported, but the exit code is 0")


def judge_called(control, outcome):
    if outcome.ending != "exited":
        return NOT_RUN, outcome.describe()
    found = re.search(control.caught, outcome.output)
    if outcome.code != 0 or found is None:
        return ESCAPED, f"{outcome.describe()}, see {outcome.log}"
    return CAUGHT, ""


def judge_tested(control, results):
    """`results`: name of a test -> whether it passed."""
    if control.test not in results:
        return NOT_RUN, f"the build has no test {control.test}"
    return (CAUGHT, control.test) if results[control.test] else (ESCAPED, f"{control.test} fails")


def results_of(junit):
    """Name -> passed, of the tests that ran."""
    if not junit.is_file():
        return {}
    cases = xml.etree.ElementTree.parse(junit).getroot().iter("testcase")
    return {case.get("name"): case.get("status") == "run" for case in cases if case.get("status") in ("run", "fail")}


class Session:
    """Builds what the controls need and runs them, one after the other."""

    def __init__(self, root, jobs):
        self.root, self.jobs = root, jobs
        self.work = root / "build/controls"
        self.work.mkdir(parents=True, exist_ok=True)
        self.stop = Stop()
        self.stop.install()
        self.runner = Runner(root, self.work, self.stop)
        self.rows = []
        # A kernel may put programs where the sanitizers keep their books.
        self.wrapper = ("setarch", "-R") if shutil.which("setarch") else ()

    def add(self, control, verdict, remark, started):
        row = Row(control, verdict, remark, time.monotonic() - started)
        self.rows.append(row)
        print(row.line(), flush=True)

    def run_planted(self, controls):
        programs = {}
        for control in controls:
            started = time.monotonic()
            if control.flags not in programs:
                programs[control.flags] = self.compile(control.flags, len(programs))
            program, problem = programs[control.flags]
            if problem:
                self.add(control, NOT_RUN, problem, started)
                continue
            wrapper = control.tool or self.wrapper
            outcome = self.runner.run(f"planted-{control.checker}-{control.fault}", [*wrapper, program, control.fault],
                                      SECONDS["control"])
            self.add(control, *judge_planted(control, outcome), started)

    def compile(self, flags, number):
        program = self.work / f"planted-{number}"
        source = self.root / "ci/lib/hakmem_ci/jobs/controls/planted.cpp"
        command = [os.environ.get("CXX", "c++"), "-std=c++20", "-g", "-O0", *flags, source, "-o", program, "-pthread"]
        outcome = self.runner.run(f"compile-{number}", command, SECONDS["build"])
        return program, "" if outcome.clean else f"not compiled, see {outcome.log}"

    def built(self, preset, targets):
        """The folder of the build, and what went wrong."""
        folder = self.root / "build" / preset
        configure = ["cmake", "--preset", preset]
        build = ["cmake", "--build", folder, "-j", self.jobs, "--target", *targets]
        for step, command in (("configure", configure), *((("build", build),) if targets else ())):
            outcome = self.runner.run(f"{step}-{preset}", command, SECONDS["build"])
            if not outcome.clean:
                return folder, f"{step} {outcome.describe()}, see {outcome.log}"
        return folder, ""

    def run_tested(self, controls):
        for preset in dict.fromkeys(control.preset for control in controls):
            mine = [control for control in controls if control.preset == preset]
            targets = sorted({target for control in mine for target in control.targets})
            started = time.monotonic()
            print(f"building {preset}: {' '.join(targets)}", flush=True)
            folder, problem = self.built(preset, targets)
            junit = self.work / f"{preset}.xml"
            junit.unlink(missing_ok=True)
            if not problem:
                names = "|".join(control.test for control in mine)
                self.runner.run(f"ctest-{preset}", ["ctest", "--test-dir", folder, "-R", f"^({names})$", "-j", self.jobs,
                                                    "--timeout", "300", "--output-junit", junit], SECONDS["build"])
            results = results_of(junit)
            for control in mine:
                verdict = (NOT_RUN, problem) if problem else judge_tested(control, results)
                self.add(control, *verdict, started)
                started = time.monotonic()

    def run_called(self, controls):
        for preset in dict.fromkeys(control.preset for control in controls):
            mine = [control for control in controls if control.preset == preset]
            targets = sorted({target for control in mine for target in control.targets})
            print(f"building {preset}: {' '.join(targets)}", flush=True)
            folder, problem = self.built(preset, targets)
            for control in mine:
                started = time.monotonic()
                if problem:
                    self.add(control, NOT_RUN, problem, started)
                    continue
                command = [word.replace("{build}", str(folder)) for word in control.command]
                outcome = self.runner.run(f"{control.checker}-{len(self.rows)}", command, SECONDS["control"])
                self.add(control, *judge_called(control, outcome), started)


def page_of(rows):
    """The page for the documentation: no times, so that it changes only with what it says."""
    lines = ["# Negative controls: who catches what", "",
             "Generated by `ci/controls`; do not edit. Each checker is shown faults; a fault that it does not report is a",
             "failure. Where the fault is `none`, the checker must keep quiet.", "",
             "| checker | planted fault | verdict | reported as |", "|---|---|---|---|"]
    for row in rows:
        lines.append(f"| {row.checker} | {row.fault} | {row.verdict} | {row.remark} |")
    return "\n".join(lines) + "\n"


def job_count(text):
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 512")
    return int(text)


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog="ci/controls", allow_abbrev=False,
        description="Plants faults for every checker and prints who caught what. Exit code 0 only if every control ran "
                    "and every fault was caught.")
    parser.add_argument("--only", nargs="+", choices=catalogue.CHECKERS, default=list(catalogue.CHECKERS),
                        metavar="CHECKER", help="only these: " + ", ".join(catalogue.CHECKERS))
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="compilations and tests at a time (default: the number of cores)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the report there")
    return parser.parse_args(argv)


def conclude(root, rows, arguments, interrupted):
    bad = [row for row in rows if row.verdict not in GOOD]
    caught = sum(row.verdict == CAUGHT for row in rows)
    print(f"{len(rows)} controls: {caught} faults caught, {sum(row.verdict == CLEAN for row in rows)} clean runs, "
          f"{len(bad)} not as they must be")
    if arguments.json is not None:
        report = {"results": [{"checker": row.checker, "fault": row.fault, "verdict": row.verdict, "remark": row.remark,
                               "seconds": round(row.seconds, 2)} for row in rows]}
        arguments.json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    if interrupted:
        return EXIT_INTERRUPTED
    if bad or not rows:
        return EXIT_RED
    if set(arguments.only) == set(catalogue.CHECKERS):
        stamps.publish(root, "controls", page_of(rows))
    return EXIT_GREEN


def main(root, argv):
    arguments = arguments_of(argv)
    if arguments.json is not None and not arguments.json.resolve().parent.is_dir():
        print(f"ci/controls: cannot write {arguments.json}: there is no such folder", file=sys.stderr)
        return EXIT_WRONG
    session = Session(root, arguments.jobs)
    for controls, run in ((catalogue.PLANTED, session.run_planted), (catalogue.TESTED, session.run_tested),
                          (catalogue.CALLED, session.run_called)):
        run([control for control in controls if control.checker in arguments.only])
    return conclude(root, session.rows, arguments, session.stop.is_set())
