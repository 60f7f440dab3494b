"""Negative controls of the benchmarks that check: a malloc with a planted fault must not pass."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
import broken_malloc

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()


class PlantedFaults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.libraries = {fault: broken_malloc.build(folder.name, fault) for fault in broken_malloc.FAULTS}
        cls.busy_machine = broken_malloc.compiled(pathlib.Path(__file__).parent / "slow_failure.c", pathlib.Path(folder.name) / "libslow.so")

    def run_bench(self, fault, *command, also=()):
        environment = {**os.environ, "LD_PRELOAD": " ".join(map(str, (*also, self.libraries[fault])))}
        done = subprocess.run([str(BENCH / command[0]), *command[1:]], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def assert_found(self, fault, message, *command, also=()):
        code, output = self.run_bench(fault, *command, also=also)
        self.assertEqual(code, 1, output)
        self.assertIn(message, output)

    LARSON = ("larson", "0", "8", "1024", "500", "10", "1", "4", "--iterations", "20000", "--check")
    RANDOM_MIXED = ("random_mixed", "100000", "500", "1", "2", "--check")

    # What is run, the fault, and what the scenario says of it.
    OPERATIONS = ("operations", "--seconds", "0.001")
    SCENARIOS = {
        "handoff": ("--iterations", "50000", "overlap", "was overwritten"),
        "producer": ("--iterations", "50000", "overlap", "was overwritten"),
        "exchange": ("--iterations", "20000", "overlap", "was overwritten"),
        "false-sharing-active": ("--iterations", "5000", "same", "a counter was overwritten"),
        "false-sharing-passive": ("--iterations", "5000", "same", "a counter was overwritten"),
        "large": ("--iterations", "80", "same", "a page of a large block was overwritten"),
        "batch": ("--iterations", "20", "overlap", "a block was overwritten"),
        "working-set": ("--iterations", "100", "overlap", "a block was overwritten"),
        "realloc": ("--iterations", "5000", "short_realloc", "a buffer has lost its bytes"),
        "calloc": ("--iterations", "5000", "dirty_calloc", "a block from calloc is not zero"),
        "tree": ("--iterations", "3", "overlap", "a node was overwritten"),
        "peak": ("--iterations", "5000", "--idle", "0", "overlap", "a block was overwritten"),
    }

    def test_a_sound_malloc_passes(self):
        for command in (self.LARSON, (*self.LARSON, "--exchange"), self.RANDOM_MIXED, self.OPERATIONS, ("scenarios", "vm"),
                        *(("scenarios", name, *arguments) for name, (*arguments, _, _) in self.SCENARIOS.items())):
            code, output = self.run_bench("none", *command)
            self.assertEqual(code, 0, output)

    def test_larson_reports_overlapping_blocks_with_their_owners(self):
        self.assert_found("overlap", "FAILED: corrupted: block", *self.LARSON)

    def test_random_mixed_reports_overlapping_blocks(self):
        self.assert_found("overlap", "FAILED: corrupted: block", *self.RANDOM_MIXED)

    def test_every_scenario_of_its_own_blocks_reports_what_happens_to_them(self):
        for name, (*arguments, fault, message) in self.SCENARIOS.items():
            with self.subTest(name):
                self.assert_found(fault, message, "scenarios", name, *arguments)

    def test_a_fault_is_reported_before_other_threads_crash_of_it(self):
        for name in ("handoff", "producer", "exchange", "false-sharing-active", "false-sharing-passive", "peak"):
            *arguments, fault, message = self.SCENARIOS[name]
            with self.subTest(name):
                self.assert_found(fault, message, "scenarios", name, *arguments, also=(self.busy_machine,))

    def test_single_operations_report_a_block_that_is_not_zero(self):
        self.assert_found("dirty_calloc", "a block from calloc is not zero", *self.OPERATIONS)

    def test_null_is_reported(self):
        self.assert_found("null", "malloc returned null", *self.OPERATIONS)
        self.assert_found("null", "returned null", *self.LARSON)
        self.assert_found("null", "returned null", *self.RANDOM_MIXED)
        for name in ("large", "batch", "tree", "false-sharing-active"):
            self.assert_found("null", "malloc returned null", "scenarios", name, "--iterations", "5000")


if __name__ == "__main__":
    unittest.main(verbosity=2)
