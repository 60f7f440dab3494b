"""ci/controls: a fault counts as caught only when the checker says so, and whatever did not run is red."""
import contextlib
import io
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
from hakmem_ci.jobs.controls import catalogue, cli
from hakmem_ci.core.process import Outcome

FAULT = catalogue.Planted("Memcheck", "overflow", "Invalid write")
NONE = catalogue.Planted("Memcheck", "none", "")
TESTED = catalogue.Tested("DRD", "DrdReports", "valgrind", ("stress",), "a race")
CALLED = catalogue.Called("properties", "faults", "release", (), (), r"\[  PASSED  \] [1-9]")


def exited(code, output):
    return Outcome("exited", code, 0.1, "log", output)


class Judgement(unittest.TestCase):
    def test_fault_is_caught_when_the_tool_reports_it_and_the_program_fails(self):
        self.assertEqual(cli.judge_planted(FAULT, exited(99, "== Invalid write of size 4"))[0], cli.CAUGHT)

    def test_silence_another_report_and_a_good_end_are_escapes(self):
        for code, output in ((99, ""), (99, "Invalid read"), (0, "Invalid write")):
            self.assertEqual(cli.judge_planted(FAULT, exited(code, output))[0], cli.ESCAPED, output)

    def test_clean_program_must_be_clean(self):
        self.assertEqual(cli.judge_planted(NONE, exited(0, ""))[0], cli.CLEAN)
        self.assertEqual(cli.judge_planted(NONE, exited(99, ""))[0], cli.NOISY)

    def test_what_did_not_end_did_not_run(self):
        for ending in ("used up", "interrupted", "not started"):
            outcome = Outcome(ending, 0, 1.0, "log", "Invalid write")
            self.assertEqual(cli.judge_planted(FAULT, outcome)[0], cli.NOT_RUN)
            self.assertEqual(cli.judge_called(CALLED, outcome)[0], cli.NOT_RUN)

    def test_test_that_is_missing_did_not_run(self):
        self.assertEqual(cli.judge_tested(TESTED, {})[0], cli.NOT_RUN)
        self.assertEqual(cli.judge_tested(TESTED, {"DrdReports": False})[0], cli.ESCAPED)
        self.assertEqual(cli.judge_tested(TESTED, {"DrdReports": True})[0], cli.CAUGHT)

    def test_command_without_a_single_test_is_an_escape(self):
        self.assertEqual(cli.judge_called(CALLED, exited(0, "[  PASSED  ] 0 tests."))[0], cli.ESCAPED)
        self.assertEqual(cli.judge_called(CALLED, exited(0, "[  PASSED  ] 1 test."))[0], cli.CAUGHT)

    def test_junit_tells_passed_failed_and_skipped_apart(self):
        with tempfile.TemporaryDirectory() as folder:
            junit = pathlib.Path(folder) / "junit.xml"
            junit.write_text('<testsuite><testcase name="A" status="run"/><testcase name="B" status="fail"/>'
                             '<testcase name="C" status="notrun"/></testsuite>', encoding="utf-8")
            self.assertEqual(cli.results_of(junit), {"A": True, "B": False})
            self.assertEqual(cli.results_of(pathlib.Path(folder) / "none.xml"), {})


class Catalogue(unittest.TestCase):
    """A control that is written down in the tests and not in the catalogue would not be run by ci/controls."""

    PATTERNS = (("**/CMakeLists.txt", r"\((\w*PlantedFaults\w*) "),
                ("**/CMakeLists.txt", r"add_test\(NAME (\w*PlantedFaults)"),
                ("tests/edges/CMakeLists.txt", r"edge_test\((\w+) .*--fault"),
                ("tests/property/*.cpp", r"TEST\((\w+, Refutes?PlantedFaults)"))

    def test_it_names_every_control_of_the_tree(self):
        known = " ".join(control.test for control in catalogue.TESTED)
        known += " " + " ".join(word for control in catalogue.CALLED for word in control.command)
        for files, pattern in self.PATTERNS:
            found = [name.replace(", ", ".") for top in ("tests", "model", "bench") for path in ROOT.glob(files)
                     if path.relative_to(ROOT).parts[0] == top
                     for name in re.findall(pattern, path.read_text(encoding="utf-8"))]
            self.assertTrue(found, pattern)
            self.assertEqual([name for name in found if name not in known], [])


class Page(unittest.TestCase):
    """What the page has already need not be shown again."""

    ALL = (FAULT, NONE, TESTED, CALLED)
    CELLS = (("Memcheck", "overflow", "caught", "Invalid write"), ("Memcheck", "none", "clean", ""),
             ("DRD", "a race", "caught", "DrdReports"), ("properties", "faults", "caught", ""))

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        (self.root / "docs/reports").mkdir(parents=True)
        self.page = self.root / "docs/reports/controls.md"

    def kept(self, cells, controls=ALL):
        self.page.write_text(cli.page_of(cells), encoding="utf-8")
        with mock.patch.object(catalogue, "ALL", controls):
            return cli.kept_rows(self.root)

    def test_rows_of_controls_that_are_still_the_same_stay(self):
        self.assertEqual(self.kept(self.CELLS), {cells[:2]: cells for cells in self.CELLS})
        self.page.unlink()
        self.assertEqual(cli.kept_rows(self.root), {})

    def test_rows_that_say_anything_else_do_not(self):
        for changed in ("ESCAPED", "Invalid read"), ("caught", "Invalid read"), ("NOT RUN", "Invalid write"):
            self.assertNotIn(("Memcheck", "overflow"), self.kept([("Memcheck", "overflow", *changed), *self.CELLS[1:]]))
        another = catalogue.Tested("DRD", "DrdReportsMore", "valgrind", ("stress",), "a race")
        self.assertNotIn(("DRD", "a race"), self.kept(self.CELLS, (FAULT, NONE, another, CALLED)))

    def test_page_is_written_when_there_is_a_row_for_each_control_and_no_sooner(self):
        new = cli.row_of(TESTED, cli.CAUGHT, "DrdReports", 1.0)
        kept = {cells[:2]: cells for cells in self.CELLS if cells[0] != "DRD"}
        with mock.patch.object(catalogue, "ALL", self.ALL), mock.patch.object(cli.stamps, "publish") as publish:
            cli.publish(self.root, kept, [])
            publish.assert_not_called()
            cli.publish(self.root, kept, [new])
        self.assertEqual(publish.call_args.args[2], cli.page_of(self.CELLS))


class Program(unittest.TestCase):
    """Against a compiler that makes programs in which no tool finds anything."""

    def run_controls(self, compiler, *words):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "docs/reports").mkdir(parents=True)
            fake = root / "compiler"
            fake.write_text(compiler, encoding="utf-8")
            fake.chmod(0o755)
            output = io.StringIO()
            with mock.patch.dict("os.environ", CXX=str(fake)), contextlib.redirect_stdout(output):
                code = cli.main(root, [*words, "--json", str(root / "report.json")])
            report = json.loads((root / "report.json").read_text(encoding="utf-8"))
            return code, output.getvalue(), report["results"], (root / "docs/reports/controls.md").exists()

    def test_checker_that_reports_nothing_is_red(self):
        blind = '#!/bin/sh\nwhile [ "$1" != -o ]; do shift; done\nprintf "#!/bin/sh\\n" >"$2"\nchmod +x "$2"\n'
        code, output, rows, page = self.run_controls(blind, "--only", "UndefinedBehaviorSanitizer")
        self.assertEqual((code, page), (1, False))
        self.assertIn("0 faults caught, 1 clean runs, 5 not as they must be", output)
        self.assertEqual({row["verdict"] for row in rows}, {cli.ESCAPED, cli.CLEAN})

    def test_fault_that_does_not_compile_shows_nothing(self):
        code, _, rows, _ = self.run_controls("#!/bin/sh\nexit 1\n", "--only", "UndefinedBehaviorSanitizer")
        self.assertEqual(code, 3)
        self.assertEqual({row["verdict"] for row in rows}, {cli.NOT_RUN})

    def test_nothing_is_built_for_a_test_that_needs_no_program(self):
        with tempfile.TemporaryDirectory() as folder:
            session = cli.Session(pathlib.Path(folder), 1)
            with mock.patch.object(session.runner, "run", return_value=exited(0, "")) as run:
                self.assertEqual(session.built("release", [])[1], "")
                self.assertEqual([call.args[0] for call in run.call_args_list], ["configure-release"])
                session.built("release", ["stress"])
            self.assertEqual(run.call_args_list[-1].args[0], "build-release")

    def test_wrong_calls_end_with_usage_and_2(self):
        for words in (["--only", "nobody"], ["--jobs", "0"], ["--unknown"], ["stray"], ["--json", "/nowhere/report"]):
            done = subprocess.run([ROOT / "ci/controls", *words], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("ci/controls", done.stderr)


if __name__ == "__main__":
    unittest.main()
