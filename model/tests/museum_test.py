"""The museum catches its exhibits, says who escapes, and runs the guards."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

CHECK = FAULTY = None
PASSING = "#!/bin/sh\necho '[  PASSED  ] 1 test.'\n"
FAILING = "#!/bin/sh\necho '[  FAILED  ] 1 test'\nexit 1\n"
EMPTY = "#!/bin/sh\necho '[==========] 0 tests ran.'\necho '[  PASSED  ] 0 tests.'\n"


def museum(program, *words):
    done = subprocess.run([program, "museum", "--page", "", *words], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


def guards(directory, script):
    for name in ("unit_lockfree", "unit_layout", "unit_superslab", "unit_heap", "unit_api", "unit_reentrancy", "unit_learner"):
        path = pathlib.Path(directory) / name
        path.write_text(script)
        path.chmod(0o755)


class Museum(unittest.TestCase):
    def test_every_exhibit_is_caught_by_each_engine(self):
        for engine, scheduler in (("graph", r"\(graph=\d\+1\)"), ("relacy", r"\(bound=\d\)")):
            code, output = museum(CHECK, "--tests", "", "--engine", engine)
            self.assertEqual(code, 0, output)
            self.assertIn("26 exhibits of 22 bugs, 26 caught, 0 escaped", output)
            self.assertIn("VERDICT: PASSED", output)
            self.assertGreaterEqual(len(re.findall(scheduler, output)), 20, output)

    def test_report_has_a_row_for_each_exhibit_and_guard(self):
        with tempfile.TemporaryDirectory() as directory:
            guards(directory, FAILING)
            report = pathlib.Path(directory, "report.json")
            museum(CHECK, "3", "--tests", directory, "--json", str(report))
            written = json.loads(report.read_text())
        self.assertEqual(written["verdict"], "FAILED")
        self.assertEqual({row["suite"]: row["status"] for row in written["results"]}, {"3": "pass", "3 guard": "fail"})

    def test_page_has_a_picture_of_every_counterexample(self):
        with tempfile.TemporaryDirectory() as directory:
            page = pathlib.Path(directory, "page.md")
            done = subprocess.run([CHECK, "museum", "--tests", "", "--page", str(page)], text=True, capture_output=True,
                                  check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            shown = re.findall(r"!\[Exhibit (\w+): [^]]*\]\((page/\1\.svg)\)", page.read_text())
            self.assertEqual(len(shown), 22, "of 26, four are programs without a schedule")
            for label, name in shown:
                self.assertIn(f"{label}. ", (page.parent / name).read_text())

    def test_what_escapes_is_named_with_the_reason(self):
        code, output = museum(FAULTY, "--tests", "")
        self.assertEqual(code, 1)
        for number, reason in ((1, "escaped: no search has noticed it"), (2, "escaped: the program has not noticed it"),
                               (3, "the sound twin does not hold"), (4, "there is no suite~variant"),
                               (5, "expected another problem")):
            self.assertRegex(output, rf"ESCAPED +{number} .*{reason}")
        self.assertIn("5 exhibits of 5 bugs, 0 caught, 5 escaped", output)

    def test_guard_that_is_not_built_fails(self):
        with tempfile.TemporaryDirectory() as directory:
            code, output = museum(CHECK, "3", "--tests", directory)
        self.assertEqual(code, 3)
        self.assertIn("guard is not built", output)
        self.assertIn("VERDICT: INCOMPLETE", output)

    def test_guards_are_run(self):
        for script, code, word in ((PASSING, 0, "guard passes"), (FAILING, 1, "guard FAILS"), (EMPTY, 1, "guard FAILS")):
            with tempfile.TemporaryDirectory() as directory:
                guards(directory, script)
                result, output = museum(CHECK, "3", "--tests", directory)
            self.assertEqual(result, code, output)
            self.assertIn(word, output)

    def test_library_is_preloaded_where_an_exhibit_says_so(self):
        holds = '#!/bin/sh\ntest "$LD_PRELOAD" && echo "$1: holds"\n'
        for edges, library, word in ((holds, True, "guard passes"), (holds, False, "guard is not built"),
                                     ("#!/bin/sh\necho nothing: holds\n", True, "guard FAILS")):
            with tempfile.TemporaryDirectory() as directory:
                tests = pathlib.Path(directory, "tests")
                tests.mkdir()
                guards(tests, PASSING)
                (tests / "edges").write_text(edges)
                (tests / "edges").chmod(0o755)
                if library:
                    pathlib.Path(directory, "libhakmem.so").write_text("")
                result, output = museum(CHECK, "Nothing for fork", "--tests", str(tests))
            self.assertEqual(result, {"guard passes": 0, "guard FAILS": 1, "guard is not built": 3}[word], output)
            self.assertIn(word, output)

    def test_number_shows_every_part_and_a_letter_only_one(self):
        self.assertIn("4 exhibits of 1 bugs, 4 caught", museum(CHECK, "20", "--tests", "")[1])
        self.assertIn("1 exhibits of 1 bugs, 1 caught", museum(CHECK, "20c", "--tests", "")[1])

    def test_unknown_exhibits_and_engines_are_wrong_calls(self):
        self.assertEqual(museum(CHECK, "23", "--tests", "")[0], 2)
        code, output = museum(CHECK, "3", "--tests", "", "--engine", "spin")
        self.assertEqual(code, 2)
        self.assertIn("--engine spin: the engines are graph and relacy", output)


if __name__ == "__main__":
    FAULTY = sys.argv.pop()
    CHECK = sys.argv.pop()
    unittest.main()
