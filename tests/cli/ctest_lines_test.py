"""What ci/test makes of the lines that ctest prints."""
import pathlib
import sys
import types
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))
from hakmem_ci.jobs.test.cli import Tests  # noqa: E402 pylint: disable=wrong-import-position


class Lines(unittest.TestCase):
    def setUp(self):
        quiet = types.SimpleNamespace(line=lambda text: None, live=lambda name, text: None)
        self.tests = Tests(types.SimpleNamespace(screen=quiet), "release", lambda row: None)

    def row_of(self, line):
        self.tests.listen(line + "\n")
        return next(iter(self.tests.rows.values()), None)

    def test_a_test_that_holds(self):
        row = self.row_of("  3/741 Test #12: Slab.IsEmpty ..........   Passed    0.02 sec")
        self.assertEqual((row.check, row.status, row.seconds, self.tests.count), ("Slab.IsEmpty", "pass", 0.02, 741))

    def test_names_may_hold_blanks(self):
        for name in ("Both/Direct.Frees/Flat  # GetParam() = 1-byte object <00>", "Typed<Slab<Config<A, B> >, 10u>.Holds"):
            self.tests.rows.clear()
            self.assertEqual(self.row_of(f"417/741 Test #418: {name} ....   Passed    0.00 sec").check, name)

    def test_two_tests_may_have_one_name(self):
        for number in (7, 9):
            self.tests.listen(f"{number}/741 Test #{number}: Typed<Std>.Holds .....   Passed    0.00 sec\n")
        self.assertEqual([row.check for row in self.tests.rows.values()], ["Typed<Std>.Holds"] * 2)

    def test_the_longest_name_has_three_dots(self):
        self.assertEqual(self.row_of("741/741 Test   #1: TheLongest ...   Passed    1.00 sec").check, "TheLongest")

    def test_a_test_that_fails(self):
        for line in ("1/2 Test #1: A .....***Failed    1.00 sec", "1/2 Test #1: A .....***Exception: SegFault  0.10 sec"):
            self.tests.rows.clear()
            self.assertEqual(self.row_of(line).status, "fail")

    def test_what_shows_nothing_is_no_failure(self):
        for line in ("1/2 Test #1: A .....***Skipped   0.10 sec", "1/2 Test #1: A .....***Timeout 14400.01 sec",
                     "1/2 Test #1: A .....***Not Run   0.00 sec"):
            self.tests.rows.clear()
            row = self.row_of(line)
            self.assertEqual(row.status, "incomplete")
            self.assertIn("ctest --preset release -R", row.go_on)

    def test_other_lines_are_no_tests(self):
        for line in ("        Start  1: A", "100% tests passed, 0 tests failed out of 2", ""):
            self.assertIsNone(self.row_of(line))


if __name__ == "__main__":
    unittest.main()
