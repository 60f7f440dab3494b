#!/usr/bin/env python3
"""Negative controls of cmake/check_spec.py: what rots in docs/spec.md is reported."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKER = ROOT / "cmake" / "check_spec.py"


class CheckSpec(unittest.TestCase):
    def check(self, change):
        """Runs the checker on this tree with another docs/spec.md. Returns its exit code and output."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for entry in ROOT.iterdir():
                if entry.name not in ("docs", ".git", "build"):
                    (root / entry.name).symlink_to(entry)
            (root / "docs").mkdir()
            for entry in (ROOT / "docs").iterdir():
                (root / "docs" / entry.name).symlink_to(entry)
            text = (ROOT / "docs" / "spec.md").read_text(encoding="utf-8")
            (root / "docs" / "spec.md").unlink()
            (root / "docs" / "spec.md").write_text(change(text), encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", CHECKER, root], text=True, capture_output=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def assert_reported(self, old, new, words):
        def change(text):
            self.assertIn(old, text)
            return text.replace(old, new)
        code, output = self.check(change)
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)

    def test_accepts_the_table_as_it_is(self):
        code, output = self.check(lambda text: text)
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"\d+ rows, \d+ open, 0 wrong")

    def test_reports_a_row_that_is_gone(self):
        self.assert_reported("| D4 |", "| D |", "row D4 is missing")

    def test_reports_a_row_that_is_there_twice(self):
        self.assert_reported("| D4 |", "| D3 |", "row D3 is there twice")

    def test_reports_a_test_that_was_renamed(self):
        self.assert_reported("FreeSlotsTest.HasNoCapacity", "FreeSlotsTest.HasACapacity", "D6: no such test: FreeSlots")
        self.assert_reported("`CrashLogReportsAndChains`", "`CrashLog`", "H4: no such test: CrashLog")

    def test_reports_a_file_that_is_gone(self):
        self.assert_reported("`src/heap/outbox.hpp` |", "`src/heap/postbox.hpp` |", "no such file: src/heap/postbox.hpp")

    def test_reports_a_program_that_is_gone(self):
        self.assert_reported("`build/release/bench/larson`", "`build/release/bench/smith`", "no such program")

    def test_reports_a_row_that_nothing_proves(self):
        self.assert_reported("| `ci/bench` |", "| some day |", "E6: nothing proves it")
        self.assert_reported("`OptionsComeFromTheEnvironment`, `LearnerOverTheHeap.CapsAndWasteMayMoveUnderUse`", "open:",
                             "O9: nothing proves it")

    def test_reports_an_option_that_no_row_names(self):
        self.assert_reported("HAKMEM_CRASH_LOG", "a report", "option HAKMEM_CRASH_LOG is in no row")

    def test_reports_what_is_no_option(self):
        self.assert_reported("HAKMEM_LOG", "HAKMEM_LOG, HAKMEM_DEBUG", "section O names HAKMEM_DEBUG, which is no option")

    def test_wrong_calls_end_with_2(self):
        for arguments in ([], ["/", "--bogus"], ["/nonexistent"]):
            done = subprocess.run([sys.executable, "-B", CHECKER, *arguments], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)


if __name__ == "__main__":
    unittest.main()
