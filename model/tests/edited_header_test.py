"""The model checks the header's own lines: one order changed there, and the suites fail and show the line."""
import pathlib
import subprocess
import sys
import unittest

CHECK = HEADER = None
CHANGED = "next, std::memory_order_acquire"


class EditedHeader(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([CHECK, "run", "remote_word", "--quick"], text=True, capture_output=True, check=False)
        cls.code, cls.output = done.returncode, done.stdout

    def test_the_run_fails(self):
        self.assertEqual(self.code, 1)

    def test_a_suite_finds_the_race(self):
        self.assertRegex(self.output, r"FAIL +remote_word/two_pushers +.*DATA RACE")

    def test_the_trace_shows_the_changed_line_of_the_shipping_header(self):
        lines = HEADER.read_text().splitlines()
        changed = next(number for number, line in enumerate(lines, 1) if CHANGED in line)
        self.assertRegex(self.output,
                         rf"CAS succ .*order=acquire, in push_chain, src/lockfree/remote_word\.hpp\({changed}\)")

    def test_the_trace_names_the_states_of_the_word(self):
        self.assertRegex(self.output, r"orig=asleep, cmp=asleep, xchg=awake with 1 from #\d, order=acquire")
        self.assertRegex(self.output, r"prev=awake with \d from #\d")


if __name__ == "__main__":
    CHECK, HEADER = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
    unittest.main()
