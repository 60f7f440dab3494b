"""Negative controls of the checker: every planted fault is reported for what it is, and nothing of it is green."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = None  # the checker with the planted faults

# What each faulty suite's message must contain.
FAULTS = {
    "race_on_variable": "DATA RACE",
    "race_on_link": "DATA RACE",
    "use_after_free_of_atomic": "ACCESS TO FREED MEMORY",
    "use_after_free_of_variable": "ACCESS TO FREED MEMORY",
    "double_free": "DOUBLE FREE",
    "leak": "MEMORY LEAK",
    "load_of_unpublished_atomic": "UNINITIALIZED",
    "store_to_unpublished_atomic": "UNINITIALIZED",
    "unwritten_memory": "UNINITIALIZED",
    "touch_after_release": "I4 mapped: touch of memory that is not mapped",
    "touch_after_decommit": "UNINITIALIZED",
    "double_release": "I4 mapped: touch of memory that is not mapped",
    "release_against_touch": ("DATA RACE", "I4 mapped"),
    "touch_outside": "I4 mapped: touch outside all memory",
    "deadlock": "DEADLOCK",
    "lock_twice": "RECURSION",
    "livelock": "LIVELOCK",
    "lock_holder_vanishes": "LIVELOCK",
    "forks_under_a_mutex": "DEADLOCK",
    "half_written": "both or none",
    "refusal_is_ignored": "there is memory",
    "invariant_broken": "USER INVARIANT FAILED (fewer than two)",
    "crash": "crashed: Segmentation fault",
    "stack_overflow": "crashed: Segmentation fault",
    "exits": "ended with exit code 0",
    "hangs": "hangs: no execution ended within",
    "walks_in_a_circle": "hangs: no execution ended within",
    "takes_all_memory": ("crashed: Aborted", "crashed: Segmentation fault"),
    "other_steps": "not deterministic",
    "other_stores": "not deterministic",
    "other_values": "not deterministic",
    "too_large": "ended before it was done",
}


# What the graph engine says of it instead.
BY_GRAPHS = {
    "release_against_touch": "DATA RACE",
    "forks_under_a_mutex": "a fork stops the others at one moment",
    "invariant_broken": "not by graphs: an invariant of every state",
    "walks_in_a_circle": "LIVELOCK (livelock: a loop over plain memory does not end)",
    "takes_all_memory": "MISUSE OF THE ENGINE (the scenario takes more memory than an execution has)",
}

# Of these, what is no fault: the plan ends the search, or there is none.
INCOMPLETE = {"relacy": {"too_large"}, "graph": {"too_large", "invariant_broken"}}


def run(*arguments):
    """(exit code, output, results) of one run of the checker."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        done = subprocess.run([CHECK, "run", *arguments, "--json", report], text=True, capture_output=True, check=False)
        results = json.loads(report.read_text())["results"] if report.exists() else []
    return done.returncode, done.stdout + done.stderr, {result["suite"]: result for result in results}


class PlantedFaults:
    """What holds for both engines."""

    ENGINE = None
    EXPECTED = FAULTS

    @classmethod
    def setUpClass(cls):
        cls.code, cls.output, cls.results = run("faults/", "--patience", "5", "--engine", cls.ENGINE)

    def test_every_planted_fault_is_listed_here(self):
        self.assertEqual(set(self.results), {f"faults/{name}" for name in FAULTS})

    def test_each_is_reported_for_what_it_is(self):
        for name, expected in self.EXPECTED.items():
            result = self.results[f"faults/{name}"]
            ends = name not in INCOMPLETE[self.ENGINE]
            with self.subTest(name):
                self.assertEqual(result["status"], "fail" if ends else "incomplete")
                self.assertEqual(result["verdict"], "FAILED" if ends else "TRUNCATED")
                texts = (expected,) if isinstance(expected, str) else expected
                self.assertTrue(any(text in result["message"] for text in texts), result["message"])

    def test_the_exit_code_says_so(self):
        self.assertEqual(self.code, 1)

    def test_threads_that_wait_for_ever_are_shown(self):
        for name in ("deadlock", "livelock", "lock_holder_vanishes"):
            with self.subTest(name):
                self.assertGreater(len(self.results[f"faults/{name}"]["trace"].splitlines()), 3)

    def test_what_never_ends_says_where_it_was(self):
        self.assertRegex(self.results["faults/hangs"]["message"], r"thread \d was last at \w+ of \w+, model/tests/faults.cpp:\d+")

    def test_traces_name_operation_and_place(self):
        trace = self.results["faults/use_after_free_of_atomic"]["trace"]
        self.assertIn("atomic load, value=1, order=acquire, in thread, model/tests/faults.cpp(", trace)

    def test_a_counterexample_is_replayed(self):
        for name in ("race_on_link", "touch_after_release", "livelock"):
            result = self.results[f"faults/{name}"]
            again = subprocess.run([CHECK, "replay", result["replay"]], text=True, capture_output=True, check=False)
            with self.subTest(name):
                self.assertEqual(again.returncode, 1)
                shown, explained = again.stdout.removesuffix("\n").rsplit("\n", 1)
                self.assertEqual(shown, result["trace"] + result["message"])
                self.assertRegex(explained, "^(Missing edge|No edge is missing): ")


class BySearches(PlantedFaults, unittest.TestCase):
    ENGINE = "relacy"


class ByGraphs(PlantedFaults, unittest.TestCase):
    ENGINE = "graph"
    EXPECTED = {**FAULTS, **BY_GRAPHS}

    def test_a_scenario_that_depends_on_anything_but_what_it_reads_is_said_to_with_the_step(self):
        self.assertRegex(self.results["faults/other_values"]["message"], r"step \d+ of thread \d is another than before")
        self.assertRegex(self.results["faults/other_steps"]["message"], r"step \d+ of thread \d is another than before")
        self.assertRegex(self.results["faults/other_stores"]["message"], r"thread \d has done \d steps, and \d before")


class BothEngines(unittest.TestCase):
    def check(self, suite, engine):
        """A suite of whose fault this engine alone knows is a disagreement."""
        code, output, results = run(suite, "--exact", "--engine", "both")
        self.assertEqual(code, 1)
        self.assertRegex(output, rf"FAIL +{suite} +both +ENGINES DISAGREE")
        self.assertIn(f"the {engine} engine finds a fault, and the other one none", output)
        self.assertEqual(results[suite]["verdict"], "ENGINES DISAGREE")
        return output

    def test_what_one_engine_alone_finds_is_a_disagreement(self):
        for engine, suite in (("graph", "graphs"), ("relacy", "searches")):
            self.check(f"one_engine_alone/{suite}", engine)

    def test_that_no_engine_shows_load_buffering_excuses_none(self):
        output = self.check("one_engine_alone/blind_to_load_buffering", "relacy")
        self.assertRegex(output, r"(?m)^pass .*one_engine_alone/blind_to_load_buffering +graph\+1 .*\[blind to LB\]$")

    def test_what_one_engine_cannot_see_is_none(self):
        code, output, results = run("one_engine_alone/excused", "--exact", "--engine", "both")
        self.assertEqual(code, 1, "a fault is a fault")
        self.assertNotIn("DISAGREE", output)
        self.assertRegex(output, r"(?m)^pass .*one_engine_alone/excused +full .*\[blind to LB 2\+2W\]$")
        self.assertIn("one_engine_alone/excused", results)

    def test_what_both_find_is_none(self):
        code, output, _ = run("healthy", "--exact", "--engine", "both")
        self.assertEqual(code, 0, output)
        self.assertNotIn("DISAGREE", output)
        self.assertRegex(output, r"pass +healthy +full +COMPLETE")
        self.assertRegex(output, r"pass +healthy +graph\+1 +COMPLETE")


class BrokenVariants:
    """What holds for both engines."""

    ENGINE = None

    @classmethod
    def setUpClass(cls):
        cls.code, cls.output, cls.results = run("healthy", "--engine", cls.ENGINE)

    def check(self, variant, status, text):
        result = self.results["healthy" + variant]
        self.assertEqual(result["status"], status)
        self.assertIn(text, result["message"])

    def test_right_suite_passes(self):
        self.check("", "pass", "")
        self.assertEqual(self.results["healthy"]["verdict"], "COMPLETE")

    def test_caught_variant_passes(self):
        self.check("~counter_is_not_atomic", "pass", "both are counted")
        self.assertTrue(self.results["healthy~counter_is_not_atomic"]["broken_variant"])

    def test_variant_that_is_not_caught_fails(self):
        self.check("~not_broken", "fail", "not caught")

    def test_variant_caught_for_another_reason_fails(self):
        self.check("~wrong_reason", "fail", "expected DATA RACE")

    def test_variant_that_changes_nothing_fails(self):
        self.check("~no_such_site", "fail", "0 sites")

    def test_the_exit_code_says_so(self):
        self.assertEqual(self.code, 1)


class VariantsBySearches(BrokenVariants, unittest.TestCase):
    ENGINE = "relacy"


class VariantsByGraphs(BrokenVariants, unittest.TestCase):
    ENGINE = "graph"


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    unittest.main()
