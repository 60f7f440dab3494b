"""The guide to adding a lock-free structure can be followed to its end, and faults planted in it are reported."""
import pathlib
import sys
import tempfile
import unittest

import guide

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs/guide/add-a-structure.md"
NINJA = BUILD = None


class OnACopy(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-guide-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.text = GUIDE.read_text(encoding="utf-8")

    def follow(self):
        return guide.follow(self.text, guide.Copy(ROOT, BUILD, NINJA, self.folder))


class Works(OnACopy):
    def test_every_file_can_be_made_and_every_command_says_what_the_guide_says(self):
        steps = self.follow()
        kinds = [step.kind for step in steps]
        self.assertEqual([kinds.count(kind) for kind in ("new", "edit", "moment")], [4, 5, 1])
        commands = " ".join(step.what for step in steps if step.kind == "run")
        for word in ("one_source.py", "run gate_word", "replay", "unit_lockfree", "audit gate_word", "museum 23"):
            self.assertIn(word, commands)

    def test_what_it_adds_is_not_in_the_tree_already(self):
        for step in guide.steps_of(self.text):
            if step.kind == "new":
                self.assertFalse((ROOT / step.what).exists(), step.what)


class PlantedFaults(OnACopy):
    def assert_reported(self, old, new, what):
        self.assertIn(old, self.text)
        self.text = self.text.replace(old, new, 1)
        with self.assertRaisesRegex(guide.Fault, what):
            self.follow()

    def test_an_order_of_the_header_that_is_too_weak(self):
        self.assert_reported("fetch_or(kClosed, std::memory_order_acq_rel)", "fetch_or(kClosed, std::memory_order_relaxed)",
                             r"run gate_word.*does not print.*pass gate_word/last_one_out graph\+1 COMPLETE.*DATA RACE")

    def test_a_variant_that_breaks_nothing(self):
        self.assert_reported("weaken(kLeave, kAcquire)", "weaken(kLeave, kAcqRel)",
                             r"does not print.*leave_does_not_release graph\+1 CAUGHT.*leave_does_not_release .*not caught")

    def test_a_header_that_is_no_header(self):
        self.assert_reported("seen + kOne, std", "seen + kTwo, std", r"gate_word.cpp is not built:(?s:.*)kTwo")

    def test_a_word_that_nobody_checks(self):
        self.assert_reported("New file **model/scenarios/gate_word.cpp**:", "As above:", r"run gate_word")

    def test_an_edit_of_what_is_not_there(self):
        self.assert_reported("-  take_all_list_test.cpp)", "-  take_it_all_list_test.cpp)", r"is 0 times in tests/unit/CMakeLists")

    def test_a_unit_test_that_fails(self):
        self.assert_reported("EXPECT_FALSE(gate.enter());", "EXPECT_TRUE(gate.enter());", r"unit_lockfree.*does not print.*PASSED")

    def test_a_unit_test_that_is_not_listed(self):
        self.assert_reported("+  bitmap_word_test.cpp bounded_cache_test.cpp gate_word_test.cpp", "+  bitmap_word_test.cpp",
                             r"does not name gate_word_test.cpp")

    def test_a_survivor_that_is_not_explained(self):
        self.assert_reported('        "lockfree/gate_word.hpp/enter/pause/lost"', '        "lockfree/gate_word.hpp/leave/pause/lost"',
                             r"audit gate_word does not print")

    def test_an_output_that_is_none(self):
        self.assert_reported("15 killed, 3 survived, 0 timeouts, 0 not run, 0 explained", "16 killed", r"audit gate_word does not print")

    def test_a_guide_without_a_step(self):
        self.text = "# A guide\n"
        with self.assertRaisesRegex(guide.Fault, "nothing to follow"):
            self.follow()


if __name__ == "__main__":
    NINJA, BUILD = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1))
    unittest.main()
