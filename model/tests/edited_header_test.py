"""The model checks the header's own lines: one order changed there, and the suites fail and show the line."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

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

    def replay(self, *words):
        token = re.search(r"replay: hakmem-check replay '(remote_word/two_pushers:[^']*)'", self.output)[1]
        return subprocess.run([CHECK, "replay", token, *words], text=True, capture_output=True, check=False)

    def test_the_replay_states_the_missing_edge_and_draws_it(self):
        with tempfile.TemporaryDirectory() as directory:
            picture = pathlib.Path(directory, "race.svg")
            done = self.replay("--picture", str(picture))
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertRegex(done.stdout, r"Missing edge: .* take_all src/lockfree/remote_word\.hpp:\d+\) reads what .*"
                                          r"push_chain src/lockfree/remote_word\.hpp:\d+\) wrote, but the write does not release")
            drawn = xml.etree.ElementTree.fromstring(picture.read_text())
            self.assertTrue(drawn.tag.endswith("svg"))
            texts = [one.text for one in drawn.iter() if one.tag.endswith("text")]
            self.assertEqual([one for one in texts if one.startswith("thread")], ["thread 0", "thread 1", "thread 2"])

    def test_picture_that_cannot_be_written_is_a_wrong_call(self):
        done = self.replay("--picture", "/nowhere/race.svg")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere/race.svg", done.stderr)


if __name__ == "__main__":
    CHECK, HEADER = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
    unittest.main()
