#!/usr/bin/env python3
"""Faults that model/manual.py must report, shown by a program that only has a help."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

SCRIPT = pathlib.Path(__file__).resolve().parents[1] / "manual.py"
PROGRAM = """#!/bin/sh
case $1 in
  look) cat <<'END'
looks 'around'
Usage: check look [OPTIONS] place

Positionals:
  place TEXT REQUIRED         where

Options:
  -h,--help                   Print this help message and exit
  --far UINT:UINT in [1 - 9]
                              how far it looks
  --deep                      .SH is no request
END
  ;;
  *) cat <<'END'
Checks.
Usage: check [OPTIONS] [SUBCOMMAND]

Options:
  -h,--help                   Print this help message and exit

Subcommands:
  look                        looks 'around'
END
  ;;
esac
"""


class Manual(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program, self.page = pathlib.Path(folder.name) / "check", pathlib.Path(folder.name) / "page"
        self.plant(PROGRAM)

    def plant(self, text):
        self.program.write_text(text, encoding="utf-8")
        self.program.chmod(0o755)

    def call(self, *words):
        done = subprocess.run([sys.executable, "-B", SCRIPT, *words], text=True, capture_output=True, check=False)
        return done.returncode, done.stderr

    def check(self):
        return self.call("--check", self.program, self.page)

    def test_it_has_every_option_and_every_argument(self):
        self.assertEqual(self.call("--write", self.program, self.page), (0, ""))
        self.assertEqual(self.check(), (0, ""))
        lines = self.page.read_text(encoding="utf-8").splitlines()
        for line in (".SS look place", '.BR place " TEXT REQUIRED"', '.BR \\-\\-far " UINT in [1 \\- 9]"', "how far it looks.",
                     ".B \\-\\-deep", "\\&.SH is no request.", "looks \\(aqaround\\(aq."):
            self.assertIn(line, lines)

    def test_planted_faults(self):
        self.call("--write", self.program, self.page)
        for old, new in ("how far", "how near"), ("--deep", "--deeper"), ("  look  ", "  gaze  "), ("REQUIRED", "NEEDED"):
            with self.subTest(new):
                self.plant(PROGRAM.replace(old, new))
                code, said = self.check()
                self.assertEqual(code, 1, said)
                self.assertIn("write it by: ci/update manual", said)

    def test_a_program_or_a_page_that_is_not_there_and_a_help_without_commands(self):
        self.assertEqual(self.check()[0], 1)
        self.assertEqual(self.call("--write", self.page, self.page)[0], 1)
        self.plant(PROGRAM.replace("Subcommands:", "Nothing:"))
        code, said = self.call("--write", self.program, self.page)
        self.assertEqual((code, said.count("\n")), (1, 1))
        self.assertIn("names no commands", said)

    def test_wrong_calls(self):
        for words in ([], ["--write"], ["--print", self.program, self.page]):
            code, said = self.call(*words)
            self.assertEqual(code, 2)
            self.assertIn("usage:", said)


if __name__ == "__main__":
    unittest.main()
