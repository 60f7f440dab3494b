"""The benchmarks do the work that they report."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()


def run(*command, preload=""):
    """(standard output, JSON result, seconds)."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "result.json"
        started = time.monotonic()
        done = subprocess.run([str(BENCH / command[0]), *command[1:], "--json", str(report)], capture_output=True,
                              text=True, check=True, env={**os.environ, "LD_PRELOAD": preload})
        return done.stdout, json.loads(report.read_text()), time.monotonic() - started


class Results(unittest.TestCase):
    def assert_consistent(self, result, operations=None):
        if operations is not None:
            self.assertEqual(result["operations"], operations)
        self.assertAlmostEqual(result["operations_per_second"] * result["seconds"] / result["operations"], 1, 6)
        self.assertIn("libc", result["malloc"])
        self.assertGreater(result["peak_resident_bytes"], 1 << 20)

    def test_larson_runs_for_the_given_time_and_passes_its_blocks_on(self):
        _, result, seconds = run("larson", "0.5", "8", "64", "100", "10", "1", "3")
        self.assert_consistent(result)
        self.assertGreaterEqual(seconds, 0.5)
        self.assertAlmostEqual(result["seconds"], 0.5, delta=0.4)
        self.assertGreater(result["generations"], 3)

    def test_random_mixed_does_its_iterations_in_every_thread(self):
        _, result, _ = run("random_mixed", "200000", "4096", "42", "2")
        self.assert_consistent(result, 400000)
        self.assertEqual((result["min_bytes"], result["max_bytes"]), (16, 1040))
        _, result, _ = run("random_mixed", "1000", "10", "42", "--size", "100")
        self.assertEqual((result["min_bytes"], result["max_bytes"]), (100, 100))

    def test_peak_memory_follows_the_blocks(self):
        _, small, _ = run("random_mixed", "100000", "100", "1", "--size", "4000")
        _, large, _ = run("random_mixed", "100000", "10000", "1", "--size", "4000")
        self.assertGreater(large["peak_resident_bytes"] - small["peak_resident_bytes"], 10 << 20)

    def test_scenarios_give_the_same_checksum_for_the_same_arguments_only(self):
        for scenario in ("json", "mir", "vm", "factor", "handoff"):
            _, first, _ = run("scenarios", scenario, "--threads", "2", "--iterations", "200")
            _, again, _ = run("scenarios", scenario, "--threads", "2", "--iterations", "200")
            _, other, _ = run("scenarios", scenario, "--threads", "2", "--iterations", "200", "--seed", "9")
            self.assert_consistent(first, 200 if scenario == "handoff" else 400)
            self.assertEqual(first["checksum"], again["checksum"], scenario)
            self.assertNotEqual(first["checksum"], other["checksum"], scenario)

    def test_instruction_counts_repeat_exactly(self):
        arguments = ("instructions", "--size", "64", "--size", "8388608", "--pattern", "pair", "--pairs", "64")
        text, first, _ = run(*arguments)
        _, again, _ = run(*arguments)
        self.assertEqual(first["results"], again["results"])
        empty, small, large = first["results"]
        self.assertEqual((empty["bytes"], small["bytes"], large["bytes"]), (0, 64, 8388608))
        self.assertGreater(empty["instructions"], 4)
        self.assertLess(empty["instructions"], 40)
        self.assertGreater(small["instructions"], empty["instructions"])
        self.assertEqual(small["system_calls"], 0)
        self.assertIn("empty functions", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
