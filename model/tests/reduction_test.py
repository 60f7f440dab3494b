"""The reduced search and the plain one agree on every suite that is small enough for both: the same verdicts, the same
broken variants caught, and never more executions."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = None

# Searches that end within seconds without reduction.
SEARCHES = [
    ("remote_word/one_pusher*", "full"), ("remote_word/sleep*", "full"), ("remote_word/owner_wakes*", "full"),
    ("slot_word/three*", "full"), ("slot_word/claim*", "full"), ("slot_word/second*", "full"),
    ("pointer_cache/put*", "full"), ("take_all_list/two_takers*", "full"), ("bitmap_word/*", "bound=3"),
    ("direct/*", "bound=2"), ("page_map/*", "bound=2"), ("free_slots/*", "bound=2"),
    ("descriptor_table/*", "bound=2"), ("shared_pool/*", "bound=0"),
    ("heap/late_free*", "bound=0"), ("heap/exit_against_remote_free*", "bound=0"),
    ("heap/sleeping_slab_is_inherited*", "bound=0"),
]

# {suite: executions of the plain and of the reduced full search}
PINNED = {
    "remote_word/one_pusher": (346, 117), "remote_word/sleep": (139_963, 5686),
    "remote_word/owner_wakes": (135_563, 6732), "remote_word/two_pushers": (36_708, 1900),
    "slot_word/three_release": (110_280, 2166), "slot_word/claim_against_release": (1070, 196),
    "pointer_cache/two_takers": (1_028_808, 2774), "free_slots/stale_hint": (973_346, 1609),
}


def run(pattern, scheduler, *more):
    """{suite: result} of a run."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        subprocess.run([CHECK, "run", pattern, "--scheduler", scheduler, *more, "--json", report], check=False,
                       stdout=subprocess.DEVNULL)
        return {result["suite"]: result for result in json.loads(report.read_text())["results"]}


class Reduction(unittest.TestCase):
    def test_agrees_with_the_plain_search(self):
        saved = sum(self.compare(pattern, scheduler) for pattern, scheduler in SEARCHES)
        self.assertGreater(saved, 10_000)

    def test_numbers_of_executions_are_known(self):
        """A change here is a change of what is explored: understand it before writing the new number down."""
        for name, (plain_number, reduced_number) in PINNED.items():
            with self.subTest(name):
                plain, reduced = run(name, "full", "--plain")[name], run(name, "full")[name]
                self.assertEqual((plain["verdict"], reduced["verdict"]), ("COMPLETE", "COMPLETE"))
                self.assertEqual((plain["executions"], reduced["executions"]), (plain_number, reduced_number))

    def test_three_threads_need_fifty_times_fewer_executions(self):
        for name in ("pointer_cache/two_takers", "free_slots/stale_hint"):
            plain_number, reduced_number = PINNED[name]
            self.assertGreater(plain_number, 50 * reduced_number, name)

    def test_parts_of_a_search_add_up_to_the_whole(self):
        for pattern, scheduler, *more in [("remote_word/sleep", "full"), ("remote_word/sleep", "full", "--plain"),
                                          ("remote_word/two_wakers", "full"), ("free_slots/stale_hint", "full"),
                                          ("trim/against_use", "bound=1"), ("fork_image/child", "full")]:
            whole = run(pattern, scheduler, *more)[pattern]
            for parts in (2, 5):
                with self.subTest(pattern, parts=parts):
                    split = run(pattern, scheduler, *more, "--split", str(parts))[pattern]
                    self.assertEqual((split["verdict"], split["executions"]), (whole["verdict"], whole["executions"]))

    def compare(self, pattern, scheduler):
        """\return how many executions the reduction has saved."""
        reduced, plain = run(pattern, scheduler), run(pattern, scheduler, "--plain")
        self.assertEqual(set(reduced), set(plain))
        self.assertTrue(reduced, pattern)
        saved = 0
        for name in reduced:
            with self.subTest(name):
                self.assertEqual(reduced[name]["status"], plain[name]["status"])
                if not reduced[name]["broken_variant"]:
                    self.assertEqual(reduced[name]["verdict"], plain[name]["verdict"])
                    self.assertLessEqual(reduced[name]["executions"], plain[name]["executions"])
                    saved += plain[name]["executions"] - reduced[name]["executions"]
        return saved


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    unittest.main()
