"""The benchmarks do the work that they report.

usage: results_test.py BENCH_DIRECTORY [LIBRARY]
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time
import unittest

BENCH = pathlib.Path(sys.argv[1]).resolve()
LIBRARY = os.path.realpath(sys.argv[2]) if len(sys.argv) > 2 else ""
del sys.argv[1:3]


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

    def test_single_operations_are_told_by_name_each_once_and_in_part_where_that_is_asked(self):
        _, result, _ = run("operations", "--seconds", "0.01", preload=LIBRARY)
        if LIBRARY:
            self.assertEqual(os.path.realpath(result["malloc"]), LIBRARY)
        names = [one["name"] for one in result["results"]]
        self.assertEqual(len(names), len(set(names)))
        self.assertLessEqual({"malloc_free/16", "burst_of_64/1024", "calloc_free/4096", "aligned_alloc_free/64/64", "new_delete/64",
                              "realloc_to_a_mebibyte", "malloc_usable_size/64"}, set(names))
        self.assertGreater(min(one["nanoseconds"] for one in result["results"]), 0)
        _, part, _ = run("operations", "--seconds", "0.01", "--only", "calloc*")
        self.assertEqual([one["name"] for one in part["results"]], [name for name in names if name.startswith("calloc")])

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

    # Scenario: the threads of a group, which share the iterations.
    SCENARIOS = {"json": 1, "mir": 1, "vm": 1, "factor": 1, "handoff": 2, "producer": 4, "exchange": 1,
                 "false-sharing-active": 1, "false-sharing-passive": 1, "large": 1, "batch": 1, "working-set": 1,
                 "realloc": 1, "calloc": 1, "tree": 1, "peak": 1}

    def scenario(self, name, *arguments, preload="", iterations=50):
        threads = max(2, self.SCENARIOS[name])
        _, result, _ = run("scenarios", name, "--threads", str(threads), "--iterations", str(iterations), "--idle", "0",
                           *arguments, preload=preload)
        self.assertEqual(result["operations"], iterations * threads // self.SCENARIOS[name], name)
        return result

    def test_scenarios_give_the_same_checksum_for_the_same_arguments_only(self):
        for name in self.SCENARIOS:
            first, again, other = (self.scenario(name, *more) for more in ((), (), ("--seed", "9")))
            self.assert_consistent(first)
            self.assertEqual(first["checksum"], again["checksum"], name)
            self.assertNotEqual(first["checksum"], other["checksum"], name)

    def test_checksums_of_scenarios_do_not_depend_on_the_allocator(self):
        for name in self.SCENARIOS if LIBRARY else ():
            own = self.scenario(name, preload=LIBRARY)
            self.assertEqual(own["malloc"], LIBRARY)
            self.assertEqual(own["checksum"], self.scenario(name)["checksum"], name)

    def test_work_of_the_kernel_is_counted(self):
        large = self.scenario("large", iterations=20)
        self.assertGreater(large["page_faults"], 40 * 5 * 256)  # each of the pages of 5 MiB is touched
        self.assertGreater(large["system_seconds"], 0)
        self.assertLessEqual(large["system_seconds"], large["cpu_seconds"] + 0.1)
        self.assertLess(self.scenario("vm")["page_faults"], 2000)

    def test_peak_tells_how_memory_went(self):
        _, result, seconds = run("scenarios", "peak", "--threads", "2", "--iterations", "4000", "--idle", "1.2")
        samples = result["rss_over_time"]
        self.assertEqual([sample["when"] for sample in samples], ["peak", "freed", "idle", "idle", "idle", "trimmed"])
        times = [sample["seconds"] for sample in samples]
        self.assertEqual(times, sorted(times))
        self.assertGreaterEqual(times[4] - times[1], 1.2)
        self.assertGreaterEqual(seconds - result["seconds"], 1.2, "what is idle is no part of the time")
        self.assertGreater(samples[0]["bytes"], samples[-1]["bytes"])
        self.assertLess(samples[0]["bytes"], result["peak_resident_bytes"] + (4 << 20))

    def test_instructions_are_counted_in_both_threads_and_beyond_the_caches(self):
        arguments = ("instructions", "--size", "16384", "--pattern", "miss", "--pattern", "remote", "--pairs", "64")
        _, first, _ = run(*arguments, preload=LIBRARY)
        _, again, _ = run(*arguments, preload=LIBRARY)
        for of_first, of_again in zip(first["results"], again["results"]):
            self.assertEqual(of_first["own_instructions"], of_again["own_instructions"])
        _, _, miss, remote = first["results"]
        self.assertEqual((miss["pattern"], remote["pattern"]), ("miss", "remote"))
        _, hit, _ = run(*arguments[:3], "--pattern", "pair", "--pairs", "64", preload=LIBRARY)
        for row in (miss, remote):
            self.assertGreater(row["own_instructions"], hit["results"][1]["own_instructions"] + 10, row)

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
        self.assertEqual((empty["own_instructions"], empty["own_ways_out"]), (0, 0))
        self.assertGreater(small["own_instructions"], 10)
        self.assertLess(small["own_instructions"], small["instructions"])
        self.assertEqual(small["own_ways_out"], 2, "malloc returns, free returns")
        self.assertIn("empty functions", text)


if __name__ == "__main__":
    unittest.main(verbosity=2)
