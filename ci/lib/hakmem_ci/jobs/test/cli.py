"""The command line of ci/test."""
import re
import xml.etree.ElementTree

from hakmem_ci.core import command_line, lock, process, report, screen, verdict
from hakmem_ci.jobs.verify import build
from hakmem_ci.jobs.verify.context import Context
from hakmem_ci.jobs.verify.plan import QUICK

PRESETS = ("release", "model", "tsan", "asan", "valgrind", "short-arm64")
MORE = ("debug", "clang", "asan-clang", "tsan-clang", "release-arm64", "release-riscv64", "short-riscv64")
TESTS_SECONDS = 24 * 3600.0  # of processor time for a preset's tests; each has its own guard against hanging
ENDED = re.compile(r"^\s*\d+/(\d+) Test\s+#(\d+): (.+?) \.{3,}\s*(?:\*\*\*)?([A-Z][A-Za-z]*(?: [A-Z][a-z]+)*)(?:: (\S+))?"
                   r"(?:.*?([\d.]+) sec)?")
STATUS_OF = {"Passed": "pass", "Failed": "fail", "Exception": "fail"}  # anything else shows nothing: Timeout, Not Run ...


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser("test", "Builds every preset that has tests of its own and runs them. Ends with a line "
                                         "'N passed, N failed' (', N skipped' for what shows nothing).")
    parser.add_argument("presets", nargs="*", metavar="PRESET",
                        help=f"any of: {' '.join(PRESETS + MORE)} (default: {' '.join(PRESETS)})")
    arguments = parser.parse_args(argv)
    for preset in arguments.presets:
        if preset not in PRESETS + MORE:
            parser.error(f"there is no preset '{preset}' with tests; choose from {', '.join(PRESETS + MORE)}")
    arguments.presets = list(dict.fromkeys(arguments.presets or PRESETS))
    return arguments


class Tests:
    """The tests of one preset: a row for each as it ends."""

    def __init__(self, context, preset, add):
        self.context, self.preset, self.add = context, preset, add
        self.rows = {}  # by number: two tests may have one name
        self.count = 0

    def listen(self, line):
        """A line that ctest prints."""
        ended = ENDED.match(line)
        if ended is None:
            return
        count, number, name, word, detail, seconds = ended.groups()
        self.count = int(count)
        status = STATUS_OF.get(word, "incomplete")
        go_on = f"ctest --preset {self.preset} -R '^{re.escape(name)}$'" if status == "incomplete" else ""
        said = f"{word} {detail or ''}".strip()
        self.rows[number] = report.Row(self.preset, name, "", "", float(seconds or 0), said, status,
                                       "" if status == "pass" else f"ctest says: {said}", go_on=go_on)
        self.add(self.rows[number])
        if status != "pass":
            self.context.screen.line(f"{self.preset}: {name}: {said}")
        bad = sum(row.status == "fail" for row in self.rows.values())
        self.context.screen.live(self.preset, f"{self.preset}: {len(self.rows)} of {count} tests" + (f", {bad} fail" if bad else ""))

    def explain(self, junit, log):
        """What the tests that do not hold have printed."""
        printed = {}
        try:
            for case in xml.etree.ElementTree.parse(junit).getroot().iter("testcase"):
                printed[case.get("name")] = printed.get(case.get("name"), "") + (case.findtext("system-out") or "")
        except (OSError, xml.etree.ElementTree.ParseError):
            pass
        for row in self.rows.values():
            if row.status != "pass":
                row.evidence, row.log = "\n".join(printed.get(row.check, "").rstrip().splitlines()[-report.TAIL_LINES:]), log

    def run(self):
        """Runs the tests; what ctest does not tell of is a row too."""
        junit = self.context.root / "build" / self.preset / "junit.xml"
        junit.unlink(missing_ok=True)
        # One more than there are processors: a fifth of the time, tests wait for something.
        command = ["ctest", "--preset", self.preset, "-j", self.context.jobs + 1, "--no-tests=error", "--output-junit", junit]
        outcome = self.context.runner.run(f"ctest-{self.preset}", command, TESTS_SECONDS, on_line=self.listen)
        self.context.screen.live(self.preset, "")
        self.explain(junit, outcome.log)
        broken = outcome.ending != process.EXITED or (outcome.code != 0 and all(r.status == "pass" for r in self.rows.values()))
        if broken or not self.rows or len(self.rows) < self.count:
            message = f"ctest {outcome.describe()} after {len(self.rows)} of {self.count or '?'} tests"
            self.add(report.ended_badly(self.preset, "ctest", outcome, message, go_on=f"ci/test {self.preset}"))


def test_preset(context, preset, add):
    """Builds a preset and runs its tests."""
    context.screen.line(f"== {preset}: build")
    build.build_preset(context, preset, ["all"])
    if preset in context.broken_presets:
        return
    context.screen.line(f"== {preset}: tests")
    Tests(context, preset, add).run()


def closing_lines(rows):
    """A line for each preset, and the one that others read."""
    lines = []
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        count = report.counted(mine)
        if part != report.BUILD:
            lines.append(f"{part:<12} {count['pass']:6} passed {count['fail']:6} failed {count['incomplete']:6} show nothing "
                         f"{sum(row.seconds for row in mine):8.0f} s of tests")
    return lines


def conclude(results, shown, interrupted):
    """Prints what does not hold, the verdict and the closing line, writes the reports, returns the exit code."""
    word, sentence = results.conclude(interrupted)
    shown.close()
    print("\n".join([*report.details(results.rows, report.TRACE_LINES), "", *closing_lines(results.rows), "",
                     f"reports: {results.folder}/report.json, .txt, .xml (JUnit), .md", f"VERDICT: {word}: {sentence}"]))
    count = report.counted(results.rows)
    skipped = f", {count['incomplete']} skipped" if count["incomplete"] else ""
    print(f"{count['pass']} passed, {count['fail']} failed{skipped}", flush=True)
    return verdict.EXIT_CODES[word]


def run(root, arguments, argv):
    """Runs the job and returns its exit code."""
    scratch = root / "build" / "test"
    (scratch / "logs").mkdir(parents=True, exist_ok=True)
    stop, shown = process.Stop(), screen.Screen()
    stop.install()
    context = Context(root, QUICK, arguments.jobs, shown, process.Runner(root, scratch / "logs", stop))
    results = report.Report("test", scratch, command_line.facts_of(root, " ".join(["ci/test", *argv])),
                            command_line.copies_of(arguments))
    context.keep = results.add
    setup = context.runner.run("setup", [root / "ci/setup"], TESTS_SECONDS)
    if not setup.clean and setup.ending != process.INTERRUPTED:
        shown.line("going on with what is installed: " + (setup.output.strip().splitlines() or [setup.describe()])[-1])
    for preset in arguments.presets:
        if not stop.is_set():
            test_preset(context, preset, results.add)
        else:
            results.add(report.incomplete(preset, "all tests", "interrupted", go_on=f"ci/test {preset}"))
    return conclude(results, shown, stop.is_set())


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    return lock.alone("test", root / "build" / "test", lambda: run(root, arguments, argv))
