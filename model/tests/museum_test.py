"""The museum catches its exhibits, says who escapes, and runs the guards."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = FAULTY = None
PASSING = "#!/bin/sh\necho '[  PASSED  ] 1 test.'\n"
FAILING = "#!/bin/sh\necho '[  FAILED  ] 1 test'\nexit 1\n"
EMPTY = "#!/bin/sh\necho '[==========] 0 tests ran.'\necho '[  PASSED  ] 0 tests.'\n"


def museum(program, *words):
    done = subprocess.run([program, "museum", "--page", "", *words], text=True, capture_output=True, check=False,
                          timeout=300)
    return done.returncode, done.stdout + done.stderr


def guards(directory, script):
    for name in ("unit_lockfree", "unit_layout", "unit_superslab", "unit_heap", "unit_api"):
        path = pathlib.Path(directory) / name
        path.write_text(script)
        path.chmod(0o755)


class Museum(unittest.TestCase):
    def test_every_exhibit_is_caught(self):
        code, output = museum(CHECK, "--tests", "")
        self.assertEqual(code, 0, output)
        self.assertIn("22 exhibits, 22 caught, 0 escaped", output)

    def test_exhibit_whose_suite_is_gone_escapes(self):
        code, output = museum(FAULTY, "10", "--tests", "")
        self.assertEqual(code, 1)
        self.assertRegex(output, r"ESCAPED +10 .*there is no bitmap_word/hints~clears_without_second_look")

    def test_guard_that_is_not_built_fails(self):
        with tempfile.TemporaryDirectory() as directory:
            code, output = museum(CHECK, "3", "--tests", directory)
        self.assertEqual(code, 1)
        self.assertIn("guard is not built", output)

    def test_guards_are_run(self):
        for script, code, word in ((PASSING, 0, "guard passes"), (FAILING, 1, "guard FAILS"), (EMPTY, 1, "guard FAILS")):
            with tempfile.TemporaryDirectory() as directory:
                guards(directory, script)
                self.assertEqual(museum(CHECK, "3", "--tests", directory)[0], code, word)

    def test_unknown_exhibit_is_a_wrong_call(self):
        self.assertEqual(museum(CHECK, "23", "--tests", "")[0], 2)


if __name__ == "__main__":
    FAULTY = sys.argv.pop()
    CHECK = sys.argv.pop()
    unittest.main()
