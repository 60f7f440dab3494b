"""Golden counts are exact, tell of a library that does more, and of every figure that rises beyond its bounds.

usage: golden_controls_test.py BENCH_DIRECTORY LIBRARY SLOWER_LIBRARY
"""
import copy
import pathlib
import sys
import unittest

import golden

BENCH, LIBRARY, SLOWER = (pathlib.Path(word).resolve() for word in sys.argv[1:4])
del sys.argv[1:]

FEW = {"hit": ("pair", 64, (16, 2048)), "remote": ("remote", 256, (64,))}


class Controls(unittest.TestCase):
    """A library, and one that takes a lock for each call."""

    @classmethod
    def setUpClass(cls):
        cls.counts = golden.count(BENCH, LIBRARY, FEW)

    def test_counts_are_the_same_each_time(self):
        self.assertEqual(golden.count(BENCH, LIBRARY, FEW), self.counts)

    def test_a_library_that_does_more_is_reported(self):
        risen, _, missing = golden.differences(self.counts, golden.count(BENCH, SLOWER, FEW))
        self.assertEqual(missing, [])
        for row in ("hit, 16 bytes", "hit, 2048 bytes"):
            self.assertTrue(any(line.startswith(row) and "instructions" in line for line in risen), (row, risen))

    def test_counts_of_another_malloc_are_refused(self):
        with self.assertRaisesRegex(RuntimeError, "were counted, not of"):
            golden.count(BENCH, pathlib.Path(golden.__file__), FEW)


class Bounds(unittest.TestCase):
    COUNTS = {"hit": {"16": {"instructions": 50.0, "calls": 0.0, "system_calls": 0.0},
                      "64": {"instructions": 10.0, "calls": 1.0, "system_calls": 0.5}}}

    def changed(self, size, figure, by):
        counts = copy.deepcopy(self.COUNTS)
        counts["hit"][size][figure] += by
        return golden.differences(self.COUNTS, counts)

    def test_what_is_equal_or_differs_by_little_is_no_difference(self):
        self.assertEqual(golden.differences(self.COUNTS, self.COUNTS), ([], [], []))
        for size, figure, by in (("16", "instructions", 1.0), ("64", "instructions", 0.5), ("64", "instructions", -0.5),
                                 ("64", "calls", 0.02), ("16", "system_calls", 0.02)):
            self.assertEqual(self.changed(size, figure, by), ([], [], []), (size, figure, by))

    def test_two_percent_or_half_an_instruction_more_is_reported(self):
        for size, figure, by in (("16", "instructions", 1.01), ("64", "instructions", 0.51), ("64", "calls", 0.03),
                                 ("16", "system_calls", 0.03)):
            risen, fallen, missing = self.changed(size, figure, by)
            self.assertEqual((len(risen), fallen, missing), (1, [], []), (size, figure, by))
            self.assertIn(f"hit, {size} bytes: ", risen[0])

    def test_fewer_are_told_of_and_are_no_fault(self):
        risen, (line,), missing = self.changed("16", "instructions", -5)
        self.assertEqual((risen, missing), ([], []))
        self.assertEqual(line, "hit, 16 bytes: 45 instructions for malloc + free, not 50")

    def test_a_row_that_one_side_lacks_is_reported(self):
        fewer = {"hit": {"16": self.COUNTS["hit"]["16"]}}
        self.assertEqual(golden.differences(fewer, self.COUNTS), ([], [], ["hit, 64 bytes"]))
        self.assertEqual(golden.differences(self.COUNTS, fewer), ([], [], ["hit, 64 bytes"]))
        self.assertEqual(golden.differences({}, fewer), ([], [], ["hit, 16 bytes"]))

    def test_the_file_reads_as_it_was_written(self):
        everything = {"compiler": {"default": self.COUNTS}}
        self.assertEqual(golden.json.loads(golden.as_text(everything)), everything)


if __name__ == "__main__":
    unittest.main(verbosity=2)
