"""ci/coverage on small counts: what is below a bound, not explained or explained for nothing is red."""
import pathlib
import sys
import tempfile
import unittest

SOURCE = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(SOURCE / "ci/lib"))
import coverage  # noqa: E402
from hakmem_coverage import branches  # noqa: E402

NAME = "src/heap/thing.hpp"
TEXT = ["if (a) return 1;", "return 2;", "grow();"]
TWO_INSTANTIATIONS = """        -:    0:Source:src/heap/thing.hpp
        3:    1:if (a) return 1;
------------------
_ZN5ThingIiE3getEv:
        2:    1:if (a) return 1;
branch  0 taken 2 (fallthrough)
branch  1 taken 0
branch  2 taken 0 (throw)
------------------
_ZN5ThingIlE3getEv:
        1:    1:if (a) return 1;
branch  0 taken 0 (fallthrough)
branch  1 taken 1
------------------
        -:    0:Source:src/api/other.cpp
        1:    1:if (b) return;
branch  0 never executed
branch  1 taken 1
"""


def tally_of(counts, points=None):
    """A tally of a file of three lines."""
    with tempfile.TemporaryDirectory(prefix="hakmem-coverage-") as folder:
        root = pathlib.Path(folder)
        (root / NAME).parent.mkdir(parents=True)
        (root / NAME).write_text("\n".join(TEXT), encoding="utf-8")
        lines = [{"line_number": i + 1, "count": count, "branches": [], "gcovr/noncode": False}
                 for i, count in enumerate(counts)]
        return coverage.Tally(root, {"files": [{"file": NAME, "lines": lines}]}, {NAME: points or {1: [[1, 1]]}})


class Coverage(unittest.TestCase):
    def test_a_branch_counts_when_some_instantiation_takes_it(self):
        found = {}
        branches.read(TWO_INSTANTIATIONS, lambda name: name if name == NAME else None, found)
        self.assertEqual(found, {(NAME, 1): {2: [2, 1]}})

    def test_all_reached_is_green(self):
        self.assertEqual(coverage.problems_of(tally_of([1, 1, 1]), {}), [])

    def test_a_line_without_a_reason_is_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 0]), {})
        self.assertIn(f"{NAME}:3 is not reached and not explained", problems)

    def test_too_few_lines_are_red_however_well_explained(self):
        problems = coverage.problems_of(tally_of([1, 1, 0]), {(NAME, "grow();"): "because"})
        self.assertEqual(problems, ["66.7 % of lines are reached, less than 95 %"])

    def test_too_few_branches_are_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 1], {1: [[1, 0]]}), {})
        self.assertEqual(problems, ["50.0 % of branches are reached, less than 90 %"])

    def test_a_reason_for_what_is_reached_is_red(self):
        problems = coverage.problems_of(tally_of([1, 1, 1]), {(NAME, "grow();"): "because"})
        self.assertEqual(problems, [f"explained, and reached or gone: {NAME}: grow();"])

    def test_nothing_counted_is_red(self):
        self.assertEqual(coverage.problems_of(coverage.Tally(SOURCE, {"files": []}, {}), {}), ["nothing was counted"])


if __name__ == "__main__":
    unittest.main()
