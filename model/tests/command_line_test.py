"""The checker's command line: what it refuses, what it lists, what it leaves behind."""
import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CHECK = None
SMALL = "pointer_cache/put_and_take"  # a suite that ends at once
LARGE = "pointer_cache/two_taker?"  # one that takes more than a second, without its broken variants
LONG = "slot_word/late_clai?"  # one that does not end within seconds
TOKENS = pathlib.Path(__file__).resolve().parents[1] / "fuzz" / "corpus" / "tokens"


def run(*arguments):
    return subprocess.run([CHECK, *map(str, arguments)], text=True, capture_output=True, check=False)


class WrongCalls(unittest.TestCase):
    def assert_refused(self, arguments, text):
        done = run(*arguments)
        with self.subTest(arguments):
            self.assertEqual(done.returncode, 2)
            self.assertIn(text, done.stderr.splitlines()[0])
            self.assertIn("Usage:", done.stderr)
            self.assertEqual(done.stdout, "")

    def test_parts_are_refused_where_they_make_no_sense(self):
        self.assert_refused(["run", SMALL, "--split", "0"], "--split")
        self.assert_refused(["run", SMALL, "--split", "2", "--shard", "1/2"], "--split takes neither")
        self.assert_refused(["run", SMALL, "--split", "2", "--scheduler", "random"], "needs a search of all executions")

    def test_engines_are_refused_where_they_make_no_sense(self):
        self.assert_refused(["run", SMALL, "--engine", "fast"], "--engine")
        self.assert_refused(["run", SMALL, "--engine", "graph", "--scheduler", "random"], "--scheduler takes no --engine")
        for engine in (["--engine", "graph"], ["--engine", "both"], ["--scheduler", "graph"]):
            self.assert_refused(["run", SMALL, *engine, "--plain"], "--plain is for searches, as by --engine relacy")
        for division in (["--split", "2"], ["--part", "1/2"], ["--state", "."]):
            self.assert_refused(["run", SMALL, "--engine", "both", *division], "--engine both takes neither")

    def test_unknown_things_are_named(self):
        self.assert_refused([], "no command")
        self.assert_refused(["explore"], "explore")
        self.assert_refused(["run", "--fast"], "--fast")
        self.assert_refused(["run", "no_such_suite"], "no suite matches 'no_such_suite'")
        self.assert_refused(["run", "--scheduler", "wide"], "unknown scheduler 'wide'")
        self.assert_refused(["litmus", "everything"], "everything")

    def test_values_out_of_range_are_refused(self):
        self.assert_refused(["run", "--jobs", "0"], "--jobs")
        self.assert_refused(["run", "--jobs", "many"], "--jobs")
        self.assert_refused(["run", "--seconds", "-1"], "--seconds")
        self.assert_refused(["run", "--scheduler", "bound="], "no number")
        self.assert_refused(["run", "--scheduler", "bound=65"], "0 to 64")
        self.assert_refused(["run", "--scheduler", "pct=0"], "1 to 16")
        self.assert_refused(["run", "--executions", "0"], "--executions")
        self.assert_refused(["run", "--executions", "5"], "--scheduler")
        self.assert_refused(["run", "--executions", "5", "--scheduler", "full"], "random")
        self.assert_refused(["run", "--seed", "x"], "--seed")
        for shard in ("0/2", "3/2", "1", "1/2x", "a/b"):
            self.assert_refused(["run", SMALL, "--shard", shard], "--shard takes i/n")
        self.assert_refused(["run", SMALL, "--state", "/nonexistent"], "--state")
        self.assert_refused(["report", "/nonexistent"], "cannot read /nonexistent")

    def test_tokens_that_are_damaged_or_of_another_build_are_refused(self):
        self.assert_refused(["replay", "nonsense"], "no replay token")
        self.assert_refused(["replay", "nonsense", "--picture", "race.png"], "ends neither in .svg nor in .dot nor in .json")
        self.assert_refused(["replay", f"{SMALL}:full:00000000:0011"], "another build")
        self.assert_refused(["replay", f"{SMALL}:wide:00000000:0011"], "unknown scheduler")

    def test_report_that_cannot_be_written_is_a_wrong_call(self):
        for command in (["run", SMALL], ["litmus"], ["museum", "--page", ""]):
            done = run(*command, "--json", "/nonexistent/report.json")
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertIn("cannot write /nonexistent/report.json", done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)

    def test_output_to_a_full_disk_is_not_green(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            done = subprocess.run([CHECK, "run", SMALL], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        self.assertEqual(done.returncode, 3)
        self.assertIn("cannot write to standard output: No space left", done.stderr)


class Runs(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.report = pathlib.Path(self.folder.name) / "report.json"

    def results(self):
        return json.loads(self.report.read_text())["results"]

    def test_every_listed_suite_is_reported(self):
        listed = [line.split()[0] for line in run("list").stdout.splitlines()]
        self.assertEqual(run("run", "pointer_cache", "--json", self.report).returncode, 0)
        self.assertEqual({result["suite"] for result in self.results()},
                         {name for name in listed if name.startswith("pointer_cache")})

    def test_tokens_in_the_corpus_name_suites_that_exist(self):
        """Else the fuzzer would start from nothing but what is refused."""
        suites = {line.split()[0] for line in run("list").stdout.splitlines() if line}
        tokens = [path.read_text(encoding="utf-8").split(":") for path in TOKENS.iterdir()]
        named = [token[0] for token in tokens if len(token) == 4 and not token[0].startswith("program=")]
        self.assertGreater(len(named), 3)
        self.assertLessEqual(set(named), suites)

    def test_every_suite_has_two_broken_variants(self):
        listed = [line.split()[0] for line in run("list").stdout.splitlines()]
        for suite in (name for name in listed if "~" not in name):
            self.assertGreaterEqual(sum(name.startswith(suite + "~") for name in listed), 2, suite)

    def test_report_has_what_the_contract_says(self):
        run("run", SMALL, "--json", self.report)
        suite = next(result for result in self.results() if result["suite"] == SMALL)
        self.assertEqual(suite["scheduler"], "graph+1")
        self.assertEqual(suite["verdict"], "COMPLETE")
        self.assertEqual(suite["status"], "pass")
        self.assertFalse(suite["broken_variant"])
        self.assertEqual(suite["trace"], "")
        self.assertGreater(suite["executions"], 10)

    def test_chosen_scheduler_is_used_and_named(self):
        run("run", SMALL, "--scheduler", "bound=3", "--json", self.report)
        self.assertEqual({result["verdict"] for result in self.results() if not result["broken_variant"]}, {"BOUNDED(3)"})
        run("run", SMALL, "--scheduler", "random", "--executions", 1000, "--json", self.report)
        self.assertEqual({result["verdict"] for result in self.results() if not result["broken_variant"]},
                         {"SAMPLED(1000)"})

    def test_random_runs_repeat_with_their_seed(self):
        def caught(seed):
            run("run", "pointer_cache", "--scheduler", "random", "--executions", 3000, "--seed", seed, "--json", self.report)
            return sorted((r["suite"], r["executions"]) for r in self.results() if r["broken_variant"])
        self.assertEqual(caught(5), caught(5))

    def test_report_becomes_a_table(self):
        run("run", SMALL, "--json", self.report)
        done = run("report", self.report)
        table = done.stdout.splitlines()
        self.assertEqual(len(table), 3)
        self.assertEqual((done.returncode, done.stderr), (0, "VERDICT: PASSED: all 5 hold\n"))
        self.assertRegex(table[2], rf"^\| `{SMALL}` \| I1 .* \| graph\+1 \| COMPLETE \| \d+ \| \d+\.\d+ \| 4 of 4 \|$")

    def test_verdict_comes_last_where_both_streams_are_one_pipe(self):
        run("run", SMALL, "--json", self.report)
        done = subprocess.run([CHECK, "report", self.report], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False)
        self.assertEqual(done.stdout.splitlines()[-1], "VERDICT: PASSED: all 5 hold")

    def test_shards_have_every_search_once(self):
        def searches(*shard):
            run("run", "pointer_cache", *shard, "--json", self.report)
            return [result["suite"] for result in self.results()]
        self.assertEqual(sorted(searches("--shard", "1/2") + searches("--shard", "2/2")), sorted(searches()))

    def in_parts(self, verdict, *arguments):
        """The result of a whole search, and those of the same search in parts of a third of the time that it took."""
        run(*arguments)
        whole, parts = self.results()[0], []
        self.assertEqual(whole["verdict"], verdict)
        while not parts or parts[-1]["verdict"] == "TRUNCATED":
            run(*arguments, "--seconds", max(1.0, whole["seconds"] / 3), "--state", self.folder.name)
            parts += self.results()
            self.assertLess(len(parts), 1000)
        return whole, parts

    def search_of_seconds(self, suite, searches):
        """The first of these searches by graphs, each several times the work of the one before, that takes seconds on this
        machine."""
        for search in searches:
            run("run", suite, "--scheduler", search, "--jobs", 1, "--json", self.report)
            if self.results()[0]["seconds"] > 1.5:
                return search
        return self.fail("none is large enough")

    def bounded_search(self):
        return self.search_of_seconds("heap/first_us?", [f"graph={bound}" for bound in range(8, 20)])

    def test_search_that_is_cut_goes_on_and_ends_with_the_same_number_of_executions(self):
        complete, bounded = self.search_of_seconds("heap/idle_owne?", ("graph", "graph+1", "graph+2")), self.bounded_search()
        for verdict, suite, *search in (("COMPLETE", LARGE, "full", "--plain"), ("COMPLETE", "heap/idle_owne?", complete),
                                        (f"BOUNDED({bounded.removeprefix('graph=')})", "heap/first_us?", bounded)):
            # Where the machine has become so much faster meanwhile that one part is all, it shows nothing.
            for _ in range(20):
                whole, parts = self.in_parts(verdict, "run", suite, "--scheduler", *search, "--jobs", 1, "--json", self.report)
                if len(parts) > 1:
                    break
            with self.subTest(suite):
                self.assertGreater(len(parts), 1)
                self.assertEqual((parts[-1]["verdict"], parts[-1]["executions"]), (verdict, whole["executions"]))
                self.assertEqual(list(pathlib.Path(self.folder.name).glob("*.position")), [])

    def test_position_that_is_damaged_is_no_verdict(self):
        search = ("run", "heap/first_us?", "--scheduler", self.bounded_search(), "--state", self.folder.name)
        run(*search, "--seconds", 1, "--json", self.report)
        position = next(pathlib.Path(self.folder.name).glob("*.position"))
        position.write_text(position.read_text().splitlines()[0] + "\nhalf\n")
        done = run(*search)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("the position to go on from is damaged", done.stdout)

    def test_position_of_another_build_is_refused(self):
        position = pathlib.Path(self.folder.name) / f"{SMALL.replace('/', '.')}-full.position"
        position.write_text("00000000\n64|2.0.0 |\n")
        done = run("run", SMALL, "--scheduler", "full", "--state", self.folder.name)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another build", done.stderr.splitlines()[0])

    def test_way_that_does_not_fit_a_graph_is_refused(self):
        run("run", "pointer_cache", "--json", self.report)
        token = next(result["replay"] for result in self.results() if result.get("replay") and ":graph+1:" in result["replay"])
        for way, why in (("a9999b", "do not fit"), ("zz", "damaged"), ("a!", "damaged"), ("h", "do not fit")):
            done = run("replay", token.rsplit(":", 1)[0] + ":" + way)
            self.assertNotEqual(done.returncode, 0, way)
            self.assertIn(why, done.stdout + done.stderr, way)

    def test_pct_says_what_it_promises(self):
        run("run", SMALL, "--scheduler", "pct=3", "--executions", 5000, "--json", self.report)
        suite = next(result for result in self.results() if result["suite"] == SMALL)
        self.assertRegex(suite["message"], r"a bug of depth 3 shows with p >= 1/\(3\*\d+\^2\) = \d\.\de-\d+ each time")

    def test_terminal_shows_what_is_under_way(self):
        master, slave = pty.openpty()
        process = subprocess.Popen([CHECK, "run", LONG, "--scheduler", "full", "--plain", "--seconds", "4"],
                                   stdout=subprocess.DEVNULL, stderr=slave)
        process.wait(600)
        shown = os.read(master, 1 << 16).decode()
        self.assertRegex(shown, r"\d+ (?:\(\d+k/s\) )?\d+%, \d+ s left")

    def test_given_time_is_used(self):
        started = time.monotonic()
        self.assertEqual(run("run", SMALL, "--seconds", 8, "--json", self.report).returncode, 0)
        self.assertGreater(time.monotonic() - started, 4)
        sampled = [result for result in self.results() if result["verdict"].startswith("SAMPLED")]
        self.assertGreater(sum(result["executions"] for result in sampled), 1000)

    def test_what_there_is_no_time_for_is_the_dearest_and_incomplete(self):
        done = run("run", "*_to_the_end", "--engine", "relacy", "--seconds", 1, "--jobs", 1, "--json", self.report)
        self.assertEqual(done.returncode, 3)
        self.assertIn("VERDICT: INCOMPLETE", done.stdout)
        for result in self.results():
            self.assertTrue(result["status"] == "pass" or "--exact" in result["continue"], result)

    def test_interrupted_run_keeps_its_results_and_is_no_success(self):
        process = subprocess.Popen([CHECK, "run", "pointer_cache", "--scheduler", "random", "--executions", "2000000000",
                                    "--json", self.report], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(2)
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(600), 3)
        self.assertIn("TRUNCATED", {result["verdict"] for result in self.results()})
        self.assertEqual({result["status"] for result in self.results()} - {"pass"}, {"incomplete"})
        self.assertEqual(json.loads(self.report.read_text())["verdict"], "INCOMPLETE")

    def begin_long(self, *more):
        """A run of something small and of something that does not end; returns when the small has its row."""
        process = subprocess.Popen([CHECK, "run", "slot_word/*", "--scheduler", "full", "--plain", "--jobs", "4", "--json",
                                    self.report, *more], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        end = time.monotonic() + 600
        while time.monotonic() < end:
            try:
                if any(row["status"] == "pass" for row in self.results()):
                    return process
            except (OSError, ValueError):
                pass
            time.sleep(0.1)
        process.kill()
        self.fail("nothing passes")

    def children_of(self, process):
        return [int(pid) for pid in pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()]

    def assert_gone(self, pids):
        for _ in range(100):
            if not any(pathlib.Path(f"/proc/{pid}/exe").exists() for pid in pids):
                return
            time.sleep(0.1)
        self.fail("something still runs")

    def test_killed_run_keeps_what_was_found_and_leaves_nobody_running(self):
        process = self.begin_long()
        time.sleep(1)
        children = self.children_of(process)
        process.kill()
        process.communicate()
        self.assert_gone(children)
        written = json.loads(self.report.read_text())
        self.assertEqual(written["verdict"], "INCOMPLETE")
        self.assertEqual({row["status"] for row in written["results"]}, {"pass", "incomplete"})

    def test_run_that_is_interrupted_twice_says_so_and_leaves_nobody_running(self):
        process = self.begin_long()
        children = self.children_of(process)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        output = process.communicate()[0]
        self.assertEqual(process.returncode, 3)
        self.assertIn("VERDICT: INCOMPLETE: interrupted", output)
        self.assert_gone(children)
        self.assertEqual({row["status"] for row in self.results()}, {"pass", "incomplete"})

    def test_child_that_is_killed_from_outside_is_no_failure(self):
        process = self.begin_long()
        killed = self.children_of(process)[0]
        os.kill(killed, signal.SIGKILL)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        process.communicate()
        messages = [row["message"] for row in self.results() if row["status"] == "incomplete"]
        self.assertEqual(process.returncode, 3)
        self.assertTrue(any("killed from outside" in message for message in messages), messages)

    def test_what_is_cut_says_how_to_go_on_and_that_does(self):
        arguments = ("run", "pointer_cache/two_takers", "--exact", "--scheduler", "full", "--plain", "--json", self.report,
                     "--state", self.folder.name)
        done = run(*arguments, "--seconds", 1)
        row = self.results()[0]
        if row["status"] == "pass":
            self.skipTest("this machine ends within a second what others do not")
        self.assertEqual((done.returncode, row["status"]), (3, "incomplete"))
        self.assertIn("go on with: " + row["continue"], done.stdout)
        words = row["continue"].replace("'", "").split()
        self.assertEqual(words[0], "hakmem-check")
        again = run(*words[1:], "--json", self.report)
        self.assertEqual((again.returncode, self.results()[0]["verdict"]), (0, "COMPLETE"))
        self.assertEqual(self.results()[0]["executions"], 1_028_808)

    def test_only_in_a_build_what_searches_cost_is_kept_beside_the_program(self):
        program = pathlib.Path(self.folder.name) / "hakmem-check"
        shutil.copy(CHECK, program)
        costs = program.with_name("hakmem-check.costs")
        for built in False, True:
            if built:
                (program.parent / "CMakeCache.txt").touch()
            done = subprocess.run([program, "run", SMALL], text=True, capture_output=True, check=False)
            self.assertEqual((done.returncode, costs.exists()), (0, built), done.stderr)


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    unittest.main()
