"""ci/coverage on small counts: what is below a bound, not explained or explained for nothing is red."""
import pathlib
import re
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
from hakmem_ci.jobs.coverage import cli as coverage

NAME = "src/heap/thing.hpp"
NONE = coverage.Explanations([])
GROW = coverage.Explanations([{"file": NAME, "lines": ["grow();"], "why": "because"}])
TEXT = ["if (a) return 1;", "return 2;", "grow();"]

def tally_of(counts, taken=(1, 1)):
    """A tally of a file of three lines."""
    with tempfile.TemporaryDirectory(prefix="hakmem-coverage-") as folder:
        root = pathlib.Path(folder)
        (root / NAME).parent.mkdir(parents=True)
        (root / NAME).write_text("\n".join(TEXT), encoding="utf-8")
        lines = [{"line_number": i + 1, "count": count, "gcovr/noncode": False,
                  "branches": [{"count": one, "throw": False} for one in taken if i == 0]}
                 for i, count in enumerate(counts)]
        return coverage.Tally(root, {"files": [{"file": NAME, "lines": lines}]})


class Coverage(unittest.TestCase):
    def test_all_reached_is_green(self):
        self.assertEqual(coverage.problems_of(tally_of([1, 1, 1]), NONE), [])

    def test_a_line_without_a_reason_is_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 0]), NONE)
        self.assertIn(f"{NAME}:3 is not reached and not explained", problems)

    def test_too_few_lines_are_red_however_well_explained(self):
        problems = coverage.problems_of(tally_of([1, 1, 0]), GROW)
        self.assertEqual(problems, ["66.7 % of lines are reached, less than 95 %"])

    def test_too_few_branches_are_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 1], (1, 0)), NONE)
        self.assertEqual(problems, ["50.0 % of branches are reached, less than 90 %"])

    def test_a_reason_for_what_is_reached_is_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 1]), GROW)
        self.assertEqual(problems, [f"explained, and reached or gone: {NAME}: grow();"])

    def test_a_reason_for_what_a_race_reaches_now_and_then_is_green(self):
        known = coverage.Explanations([{"file": NAME, "lines": ["grow();"], "why": "because", "by_chance": True}])
        self.assertEqual(coverage.problems_of(tally_of([1, 1, 1]), known), [])

    def test_what_no_such_test_runs_is_not_counted(self):
        folders = {name: re.fullmatch(coverage.NOT_TARGETS, f"/build/coverage/folders/tests/{name}") is not None
                   for name in ("unit", "property", "fuzz", "support", "heap_program", "stress", "unit_like")}
        self.assertEqual([name for name, left_out in folders.items() if left_out], ["stress", "unit_like"])
        for target in coverage.TARGETS:
            self.assertIsNone(re.match(coverage.NOT_TARGETS, f"/build/coverage/{target}"))

    def test_nothing_counted_is_red(self):
        self.assertEqual(coverage.problems_of(coverage.Tally(SOURCE, {"files": []}), NONE), ["nothing was counted"])


if __name__ == "__main__":
    unittest.main()
