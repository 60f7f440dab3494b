"""Each guard that the museum names for an exhibit is a test that there is: one that was renamed guards nothing.

usage: museum_guards_test.py DIRECTORY_OF_UNIT_TESTS
"""
import pathlib
import re
import subprocess
import sys
import unittest

TESTS = pathlib.Path(sys.argv.pop(1))
EXHIBITS = pathlib.Path(__file__).resolve().parents[2] / "model/museum/exhibits.cpp"
GUARD = re.compile(r'"(unit_\w+) ([^"]+)"')


def tests_of(program, pattern):
    """The tests of a program whose names match a pattern of GoogleTest's."""
    said = subprocess.run([TESTS / program, "--gtest_list_tests", f"--gtest_filter={pattern}"], text=True,
                          capture_output=True, check=True).stdout
    return [line.strip() for line in said.splitlines() if line.startswith("  ")]


class Guards(unittest.TestCase):
    def test_every_guard_is_a_test(self):
        guards = GUARD.findall(EXHIBITS.read_text(encoding="utf-8"))
        self.assertGreater(len(guards), 10)
        for program, pattern in guards:
            with self.subTest(f"{program} {pattern}"):
                self.assertTrue(tests_of(program, pattern))

    def test_a_name_that_no_test_has_is_noticed(self):
        self.assertEqual(tests_of("unit_layout", "PageMapTest.HasHadThisNameOnce"), [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
