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
        cls.libraries = {fault: broken_malloc.build(folder.name, fault) for fault in ("none", "overlap", "null")}

    def run_bench(self, fault, *command):
        environment = {**os.environ, "LD_PRELOAD": str(self.libraries[fault])}
        done = subprocess.run([str(BENCH / command[0]), *command[1:]], env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def assert_found(self, fault, message, *command):
        code, output = self.run_bench(fault, *command)
        self.assertEqual(code, 1, output)
        self.assertIn(message, output)

    LARSON = ("larson", "0", "8", "1024", "500", "10", "1", "4", "--iterations", "20000", "--check")
    RANDOM_MIXED = ("random_mixed", "100000", "500", "1", "2", "--check")

    def test_a_sound_malloc_passes(self):
        for command in (self.LARSON, (*self.LARSON, "--exchange"), self.RANDOM_MIXED, ("scenarios", "vm")):
            code, output = self.run_bench("none", *command)
            self.assertEqual(code, 0, output)

    def test_larson_reports_overlapping_blocks_with_their_owners(self):
        self.assert_found("overlap", "FAILED: corrupted: block", *self.LARSON)

    def test_random_mixed_reports_overlapping_blocks(self):
        self.assert_found("overlap", "FAILED: corrupted: block", *self.RANDOM_MIXED)

    def test_handoff_reports_overlapping_messages(self):
        self.assert_found("overlap", "was overwritten", "scenarios", "handoff", "--iterations", "50000")

    def test_null_is_reported(self):
        self.assert_found("null", "returned null", *self.LARSON)
        self.assert_found("null", "returned null", *self.RANDOM_MIXED)


if __name__ == "__main__":
    unittest.main(verbosity=2)
