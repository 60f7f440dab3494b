"""`ab` names its pairs, measures both sides of each, and its exact counts keep the specification's bounds."""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import unittest

AB = str(pathlib.Path(sys.argv.pop(1)).resolve() / "ab")
PAIRS = {"atomics", "spin", "locked", "sharing", "tag", "guard", "registry", "caches", "refill", "refill-batch", "drain",
         "statistics"}
RATIOS = {"wall_ratio": "seconds", "cpu_ratio": "cpu_seconds"}


def run(*arguments):
    """(standard output, JSON result, Markdown result)."""
    with tempfile.TemporaryDirectory() as folder:
        report, page = pathlib.Path(folder) / "result.json", pathlib.Path(folder) / "result.md"
        done = subprocess.run([AB, *arguments, "--json", str(report), "--markdown", str(page)], capture_output=True,
                              text=True, check=True)
        return done.stdout, json.loads(report.read_text()), page.read_text()


def comparisons_of(result, pair):
    return next(entry for entry in result["pairs"] if entry["pair"] == pair)["comparisons"]


class Ab(unittest.TestCase):
    def assert_consistent(self, comparison, rounds):
        """Every ratio is that of its rounds."""
        self.assertEqual(len(comparison["rounds"]), rounds)
        for name, clock in RATIOS.items():
            speeds = [(each["a"]["operations"] / max(each["a"][clock], 1e-9),
                       each["b"]["operations"] / max(each["b"][clock], 1e-9)) for each in comparison["rounds"]]
            ratios = [a / b for a, b in speeds]
            ratio = comparison[name]
            for word, expected in (("median", statistics.median(ratios)), ("least", min(ratios)),
                                   ("most", max(ratios))):
                self.assertAlmostEqual(ratio[word] / expected, 1, 6, comparison)

    def test_list_names_every_pair_and_what_it_asks(self):
        text = subprocess.run([AB, "--list"], capture_output=True, text=True, check=True).stdout
        lines = text.splitlines()
        self.assertEqual({line.split()[0] for line in lines}, PAIRS)
        for line in lines:
            self.assertTrue(line.endswith("?"), line)

    def test_every_pair_is_measured_and_reported(self):
        text, result, page = run("--all", "--rounds", "2", "--operations", "2000", "--counted", "20")
        self.assertEqual((result["benchmark"], result["rounds"], result["operations"]), ("ab", 2, 2000))
        self.assertEqual({entry["pair"] for entry in result["pairs"]}, PAIRS)
        for entry in result["pairs"]:
            self.assertIn(f"\n{entry['pair']} ({entry['rows']}): {entry['question']}", text)
            self.assertIn(f"### `{entry['pair']}`", page)
            self.assertGreater(len(entry["comparisons"]), 0, entry["pair"])
            for comparison in entry["comparisons"]:
                self.assertNotEqual(comparison["a"], comparison["b"])
                self.assert_consistent(comparison, 2)
                self.assertEqual(comparison["met"] is None, entry["target"] is None)
                self.assertIn(f"| {comparison['workload']} | {comparison['threads']} | {comparison['a']} "
                              f"| {comparison['b']} |", page)
        threads = {each["threads"] for pair in ("spin", "locked") for each in comparisons_of(result, pair)}
        self.assertEqual(threads, {1, 2, 4})
        self.assertEqual({each["b"] for each in comparisons_of(result, "refill")}, {"16", "32", "64"})

    def test_size_classes_that_share_need_fewer_superslabs_and_mappings_d7(self):
        _, result, _ = run("sharing", "--rounds", "1", "--counted", "0")
        comparison, = comparisons_of(result, "sharing")
        self.assertEqual([entry["pair"] for entry in result["pairs"]], ["sharing"])
        a, b = comparison["counts"]["a"], comparison["counts"]["b"]
        self.assertGreaterEqual(a["superslabs"], 1)
        self.assertLessEqual(a["superslabs"], (1 - 0.92) * b["superslabs"])
        self.assertLessEqual(a["mapping_calls"], (1 - 0.48) * b["mapping_calls"])
        _, again, _ = run("sharing", "--rounds", "1", "--counted", "0")
        for side, counts in comparisons_of(again, "sharing")[0]["counts"].items():
            before = comparison["counts"][side]
            for count in ("superslabs", "refills"):
                self.assertEqual(counts[count], before[count], "counts are exact")
            # Memory that happens to lie across the border of two parts of the page map needs one part more.
            self.assertLessEqual(abs(counts["mapping_calls"] - before["mapping_calls"]), 2)

    def test_instruction_counts_repeat_and_a_lock_shows_in_them(self):
        _, first, _ = run("locked", "--rounds", "1", "--operations", "2000", "--counted", "200")
        _, again, _ = run("locked", "--rounds", "1", "--operations", "2000", "--counted", "200")
        for one, two in zip(comparisons_of(first, "locked"), comparisons_of(again, "locked")):
            self.assertEqual(one["instructions"], two["instructions"])
            if one["threads"] > 1:
                self.assertIsNone(one["instructions"])
            else:
                self.assertGreater(one["instructions"]["b"], 1.5 * one["instructions"]["a"])
                self.assertGreater(one["instructions"]["a"], 20)

    def test_thread_caches_spare_refills_b6(self):
        _, result, _ = run("caches", "--rounds", "1", "--operations", "200000", "--counted", "0")
        for comparison in comparisons_of(result, "caches")[:3]:
            counts = comparison["counts"]
            self.assertLess(counts["a"]["refills"], counts["b"]["refills"], comparison["workload"])
        whales = comparisons_of(result, "caches")[3]["counts"]
        self.assertLess(whales["a"]["mapping_calls"], whales["b"]["mapping_calls"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
