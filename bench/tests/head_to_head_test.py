"""ci/bench compares what it says it compares, and calls a scenario that went wrong a failure. Broken mallocs are its
negative control.

usage: head_to_head_test.py BUILD_DIRECTORY
"""
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
import broken_malloc
from hakmem_ci.jobs.bench import allocators, catalogue, measure, shared_lines, summary

TOOL = ROOT / "ci" / "bench"
BUILT = pathlib.Path(sys.argv.pop(1)).resolve()
TINY = ("--built", str(BUILT), "--quick", "--rounds", "1")


class HeadToHead(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def bench(self, *arguments):
        """(exit code, output, report)."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run([str(TOOL), *TINY, "--json", str(report), *arguments], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr, json.loads(report.read_text()) if report.exists() else None

    def assert_reports(self, fault, scenario, message, *arguments):
        library = broken_malloc.build(self.folder, fault)
        code, output, report = self.bench("--against", "glibc", "--allocator", f"broken={library}", "--only", scenario,
                                          *arguments)
        self.assertEqual(code, 1, output)
        self.assertRegex(output, f"FAILED: {scenario} with broken, round 1: .*{message}")
        (entry,) = report["results"]
        self.assertEqual(entry["allocators"]["glibc"]["problems"], [])
        self.assertEqual(len(entry["allocators"]["broken"]["problems"]), 1)
        self.assertIsNone(entry["allocators"]["broken"]["ratio"])
        self.assertEqual(report["failures"], 1)

    def test_compares_sound_allocators_in_every_round(self):
        library = broken_malloc.build(self.folder, "none")
        markdown = self.folder / "report.md"
        code, output, report = self.bench("--against", "hakmem,glibc", "--allocator", f"mine={library}", "--rounds", "2",
                                          "--only", "larson-2", "--only", "factor-1", "--markdown", str(markdown),
                                          "--plots", str(self.folder / "drawn"))
        self.assertEqual(code, 0, output)
        self.assertEqual([entry["scenario"] for entry in report["results"]], ["larson-2", "factor-1"])
        shared = {entry["scenario"]: entry["allocators"]["hakmem"]["shared_updates"] for entry in report["results"]}
        self.assertGreater(shared["larson-2"]["a slab's"], 100, "its blocks are passed on")
        self.assertLessEqual(shared["factor-1"]["a slab's"], 1000, "of a thousand operations, what its thread was started with")
        self.assertIn("| larson-2 | hakmem |", markdown.read_text())
        for entry in report["results"]:
            self.assertEqual(entry["allocators"]["glibc"]["shared_updates"], {})
            self.assertEqual(list(entry["allocators"]), ["hakmem", "glibc", "mine"])
            for name, cell in entry["allocators"].items():
                self.assertEqual((cell["rounds"], cell["problems"]), (2, []), name)
                self.assertGreater(cell["operations_per_second"], 0)
                self.assertGreater(cell["peak_resident_bytes"], 1 << 20)
                self.assertGreater(cell["page_faults"], 0)
                self.assertLessEqual(cell["system_share"], 1)
        self.assertIn("VERDICT: PASSED", output)
        self.assertIn("| larson-2 |", markdown.read_text())
        self.assertIn("![Operations per processor second](drawn/speed.svg)", markdown.read_text())
        self.assertEqual(sorted(path.name for path in (self.folder / "drawn").iterdir()), ["memory.svg", "speed.svg"])
        self.assertNotIn("report.json", markdown.read_text())

    def test_a_peak_has_its_memory_over_time(self):
        markdown = self.folder / "peak.md"
        code, output, report = self.bench("--against", "glibc", "--allocator", str(BUILT / "libhakmem.so"), "--only", "peak-*",
                                          "--markdown", str(markdown))
        self.assertEqual(code, 0, output)
        (entry,) = report["results"]
        self.assertEqual(list(entry["allocators"]), ["glibc", "hakmem"], "a path alone has the name of its library")
        for cell in entry["allocators"].values():
            self.assertEqual([moment["when"] for moment in cell["rss_over_time"]],
                             ["peak", "freed", "idle", "idle", "idle", "trimmed"])
        for words in ("peak-2, peak", "peak-2, freed", "peak-2, 1.5 s idle", "peak-2, trimmed"):
            self.assertEqual(markdown.read_text().count(f"| {words} |"), 1, words)

    def test_counts_instructions_under_each_allocator(self):
        code, output, report = self.bench("--against", "hakmem,glibc", "--only", "instructions")
        self.assertEqual(code, 0, output)
        for name in ("hakmem", "glibc"):
            (sample,) = report["samples"]["instructions"][name]
            self.assertTrue(all(count["instructions"] > 4 for count in sample["counts"]))

    def test_reports_a_crash(self):
        self.assert_reports("crash", "larson-2", "was ended by SIGSEGV")

    def test_reports_a_hang(self):
        self.assert_reports("hang", "larson-1", "hangs", "--patience", "3")

    def test_reports_a_malloc_that_returns_null(self):
        self.assert_reports("null", "larson-2", "returned null")

    def test_reports_overlapping_blocks(self):
        self.assert_reports("overlap", "handoff-2", "was overwritten")

    def test_reports_a_library_that_is_no_malloc(self):
        self.assert_reports("absent", "larson-1", "ran with .*libc.*, not with")

    def test_an_interrupted_run_keeps_its_results(self):
        report = self.folder / "interrupted.json"
        running = subprocess.Popen([str(TOOL), "--built", str(BUILT), "--against", "glibc,hakmem", "--only", "larson-1",
                                    "--rounds", "500", "--json", str(report)], stdout=subprocess.PIPE, text=True)
        while not running.stdout.readline().startswith("round 2 "):
            self.assertIsNone(running.poll())
        running.send_signal(signal.SIGINT)
        output, _ = running.communicate()
        self.assertEqual(running.returncode, 3, output)
        self.assertIn("VERDICT: INCOMPLETE", output)
        kept = json.loads(report.read_text())
        self.assertTrue(kept["interrupted"])
        self.assertGreaterEqual(kept["results"][0]["allocators"]["glibc"]["rounds"], 1)

    def test_wrong_calls_end_with_usage_and_2(self):
        text_file = self.folder / "text.so"
        text_file.write_text("no library")
        for arguments in (("--bogus",), ("surplus",), ("--rounds", "0"), ("--rounds", "x"), ("--only", "no-such-*"),
                          ("--against", "umem"), ("--against", ""), ("--allocator", "mine"),
                          ("--allocator", "mine=/nowhere/lib.so"), ("--allocator", f"mine={text_file}"),
                          ("--json", "/nowhere/at/all.json"), ("--markdown", "/nowhere/at/all.md"), ("--plots", "/nowhere/at/all"),
                          ("--built", "/nowhere"), ("--patience", "0"), ("--compare", str(text_file)),
                          ("--compare", str(text_file), str(text_file)), ("--compare", "/nowhere", "/nowhere")):
            done = subprocess.run([str(TOOL), *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done.stdout, done.stderr))
            self.assertIn("usage: ci/bench", done.stderr)
            self.assertIn("ci/bench: error:", done.stderr)


class Figures(unittest.TestCase):
    """What is made of the samples."""

    SCENARIO = catalogue.Scenario("work-1", ("work",), "work")

    def results(self, **speeds):
        results = measure.Results()
        for name, values in speeds.items():
            for number, speed in enumerate(values):
                results.add(self.SCENARIO, allocators.Allocator(name), measure.Sample(number, "", speed, speed, 1 << 20))
        return results

    def test_each_allocator_is_first_in_turn(self):
        self.assertEqual([measure.order_of(["a", "b", "c"], number)[0] for number in range(4)], ["a", "b", "c", "a"])

    def test_ratios_are_taken_within_a_round(self):
        results = self.results(hakmem=[10, 200, 30], peer=[5, 100, 10])
        (entry,) = summary.summarise(results, [self.SCENARIO], ["hakmem", "peer"], "hakmem")
        self.assertEqual(entry["allocators"]["peer"]["ratio"], {"median": 2, "min": 2, "max": 3})
        self.assertEqual(entry["allocators"]["peer"]["operations_per_second"], 10)

    def test_a_ratio_that_differs_widely_between_rounds_is_marked(self):
        for speeds, mark in (([10, 10], ""), ([10, 90], "~")):
            results = self.results(hakmem=speeds, peer=[10, 10])
            (entry,) = summary.summarise(results, [self.SCENARIO], ["hakmem", "peer"], "hakmem")
            self.assertEqual(summary.ratio(entry["allocators"]["peer"]).partition(".")[0].rstrip("0123456789"), mark)
            mean, left_out = summary.geometric_means([entry], ["hakmem", "peer"], "hakmem")["peer"]
            self.assertEqual((mean is None, left_out), (bool(mark), len(mark)))

    def test_a_failed_round_has_no_ratio_and_the_headline_says_so(self):
        results = self.results(hakmem=[10], peer=[5])
        results.of(self.SCENARIO, "hakmem")[0].problem = "crashed"
        other = catalogue.Scenario("other-1", ("work",), "work")
        for name, speed in (("hakmem", 4), ("peer", 2)):
            results.add(other, allocators.Allocator(name), measure.Sample(0, "", speed, speed))
        entries = summary.summarise(results, [self.SCENARIO, other], ["hakmem", "peer"], "hakmem")
        self.assertIsNone(entries[0]["allocators"]["peer"]["ratio"])
        self.assertIn("2.00 x peer (without 1 of 2 scenarios)", summary.headline(entries, ["hakmem", "peer"], "hakmem"))

    def test_updates_of_shared_lines_are_sums_for_a_million_operations(self):
        statistics = dict.fromkeys((name for names in shared_lines.KINDS.values() for name in names), 0)
        statistics.update(outbox_chains=3, late_frees=1, slabs_released=2, mmap_calls=5)
        output = "larson: so many operations\n" + json.dumps(statistics) + "\n"
        self.assertEqual(shared_lines.updates(shared_lines.statistics_in(output), 2_000_000),
                         {"a slab's": 2.0, "a SuperSlab's": 1.0, "everybody's": 0.0, "the kernel's": 2.5})
        for other in ("larson: so many operations\n", '{"outbox_chains" cut off\n', '{"other": 1}\n'):
            self.assertEqual(shared_lines.updates(shared_lines.statistics_in(other), 1), {})

    def test_an_answer_that_differs_from_that_of_the_c_library_is_a_failure(self):
        results = self.results(hakmem=[1], glibc=[1], jemalloc=[1])
        for name, checksum in (("hakmem", "bad"), ("glibc", "good"), ("jemalloc", "good")):
            results.of(self.SCENARIO, name)[0].checksum = checksum
        results.compare_checksums()
        self.assertEqual([(name, problem) for _, name, _, problem in results.problems()],
                         [("hakmem", "computed bad, expected good")])


if __name__ == "__main__":
    unittest.main(verbosity=2)
