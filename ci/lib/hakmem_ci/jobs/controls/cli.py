"""The command line of ci/controls."""
import dataclasses
import os
import re
import shutil
import time
import xml.etree.ElementTree

from hakmem_ci.core import command_line, lock, report, screen
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.jobs.controls import catalogue
from hakmem_ci.pages import stamps
from hakmem_ci.pages.catalogue import BY_NAME

CAUGHT, ESCAPED, CLEAN, NOISY, NOT_RUN = "caught", "ESCAPED", "clean", "NOT CLEAN", "NOT RUN"
STATUS_OF = {CAUGHT: "pass", CLEAN: "pass", ESCAPED: "fail", NOISY: "fail", NOT_RUN: "incomplete"}
SECONDS = {"build": 14400, "control": 3600}  # of processor time, which only what hangs uses


@dataclasses.dataclass
class ControlRow(report.Row):
    """What has become of a control."""

    checker: str = ""
    fault: str = ""
    remark: str = ""

    def line(self):
        return f"{self.verdict:<9}  {self.checker:<26}  {self.fault:<62}  {self.seconds:7.1f} s  {self.remark}"


def row_of(control, verdict, remark, seconds):
    """A control's row."""
    status = STATUS_OF[verdict]
    go_on = f"ci/controls --only {control.checker}" if status == "incomplete" else ""
    return ControlRow("controls", f"{control.checker}: {control.fault}", "", "", seconds, verdict, status,
                      "" if status == "pass" else remark, go_on=go_on, checker=control.checker, fault=control.fault,
                      remark=remark)


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

    def __init__(self, root, jobs, found=lambda row: None):
        self.root, self.jobs, self.found = root, jobs, found
        self.work = root / "build/controls"
        self.work.mkdir(parents=True, exist_ok=True)
        self.stop = Stop()
        self.stop.install()
        self.runner = Runner(root, self.work, self.stop)
        self.rows = []
        # A kernel may put programs where the sanitizers keep their books.
        self.wrapper = ("setarch", "-R") if shutil.which("setarch") else ()

    def add(self, control, verdict, remark, started):
        row = row_of(control, verdict, remark, time.monotonic() - started)
        self.rows.append(row)
        self.found(row)
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
                                                    "--output-junit", junit], SECONDS["build"])
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


def page_of(cells):
    """The page for the documentation: no times, so that it changes only with what it says. `cells`: those of each row."""
    lines = ["# Negative controls: who catches what", "",
             "Generated by `ci/controls`; do not edit. Each checker is shown faults; a fault that it does not report is a",
             "failure. Where the fault is `none`, the checker must keep quiet.", "",
             "| checker | planted fault | verdict | reported as |", "|---|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in cells]) + "\n"


def rows_of_page(root):
    """(checker, fault) -> the cells of its row, as the page has them now."""
    path = root / BY_NAME["controls"].path
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines if line.startswith("| ")]
    return {row[:2]: row for row in rows[1:] if len(row) == 4}


def still_says(row, control):
    """Whether a row of the page is what the control would give, as far as can be seen without running it."""
    if isinstance(control, catalogue.Planted) and control.fault != "none":
        return row[2] == CAUGHT and re.fullmatch(control.report, row[3]) is not None
    remark = control.test if isinstance(control, catalogue.Tested) else ""
    return row[2:] == ((CLEAN if control.fault == "none" else CAUGHT), remark)


def kept_rows(root):
    """The rows of the page that can stay."""
    page = rows_of_page(root)
    keys = [(control.checker, control.fault) for control in catalogue.ALL]
    return {key: page[key] for key, control in zip(keys, catalogue.ALL) if key in page and still_says(page[key], control)}


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser("controls", "Plants faults for every checker and prints who caught what: every fault must "
                                             "be caught, and where there is none the checker must keep quiet.")
    parser.add_argument("--only", nargs="+", choices=catalogue.CHECKERS, default=list(catalogue.CHECKERS),
                        metavar="CHECKER", help="only these: " + ", ".join(catalogue.CHECKERS))
    parser.add_argument("--new", action="store_true", help="only those that the page does not have; its other rows stay")
    return parser.parse_args(argv)


def publish(root, kept, rows):
    """Writes the page, if there is a row for each control."""
    cells = {**kept, **{(row.checker, row.fault): (row.checker, row.fault, row.verdict, row.remark) for row in rows}}
    keys = [(control.checker, control.fault) for control in catalogue.ALL]
    if all(key in cells for key in keys):
        stamps.publish(root, "controls", page_of(cells[key] for key in keys))


def run(root, arguments, argv):
    """Runs the controls and returns the exit code."""
    facts = command_line.facts_of(root, " ".join(["ci/controls", *argv]))
    results = report.Report("controls", root / "build/controls", facts, command_line.copies_of(arguments))
    session = Session(root, arguments.jobs, results.add)
    kept = kept_rows(root) if arguments.new else {}
    for controls, run_them in ((catalogue.PLANTED, session.run_planted), (catalogue.TESTED, session.run_tested),
                               (catalogue.CALLED, session.run_called)):
        run_them([control for control in controls
                  if control.checker in arguments.only and (control.checker, control.fault) not in kept])
    rows = session.rows
    caught, clean = (sum(row.verdict == word for row in rows) for word in (CAUGHT, CLEAN))
    code = report.finish(results, screen.Screen(), session.stop.is_set(), more=[
        f"{len(rows)} controls: {caught} faults caught, {clean} clean runs, {len(rows) - caught - clean} not as they must be"])
    if code == 0:
        publish(root, kept, rows)
    return code


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    return lock.alone("controls", root / "build/controls", lambda: run(root, arguments, argv))
