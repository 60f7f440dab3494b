"""ci/nightly against fake programs: what it plans, that shards cover what one run covers, and that only what ran and
holds is green."""
import json
import re
import subprocess
import sys
import unittest

from fake_tree import MODELS, PROGRAMS, SOURCE, STRESS, FakeTree, hakmem_check, reporting
from hakmem_ci.jobs.nightly import plan, work

HOUR = 3600
AUDIT = """
    import json, sys
    if sys.argv[1] == "audit":
        with open(sys.argv[sys.argv.index("--json") + 1], "w") as file:
            json.dump({"mutants": [{"verdict": "killed"}, {"verdict": "survived"}], "problems": []}, file)
        sys.exit(0)
"""
# A slice reports the suite that bears its number, so that what a shard covers shows in the report.
MODEL_SLICE = AUDIT + """
    number = sys.argv[sys.argv.index("--shard") + 1].split("/")[0] if "--shard" in sys.argv else "0"
    row = {"suite": "suite_" + number, "scheduler": "full", "executions": 10 * int(number) or 5, "seconds": 0.1,
           "verdict": "COMPLETE", "status": "pass", "broken_variant": False, "trace": ""}
    with open(sys.argv[sys.argv.index("--json") + 1], "w") as file:
        json.dump({"results": [row]}, file)
"""
JUNIT = '<testsuite tests="1"><testcase name="Unit" status="run"/></testsuite>'
CTEST = f"import sys\nopen(sys.argv[sys.argv.index('--output-junit') + 1], 'w').write({JUNIT!r})\n"
FUZZER = """
    import pathlib, sys
    (pathlib.Path(sys.argv[-2]) / "kept").write_text("found tonight")
    print("#9 DONE cov: 12 ft: 30 corp: 1/1b")
    print("stat::number_of_executed_units: 900")
"""
AFL = """
    import pathlib, sys
    folder = pathlib.Path(sys.argv[sys.argv.index("-o") + 1]) / "default"
    folder.mkdir(exist_ok=True)
    (folder / "fuzzer_stats").write_text("execs_done : 500\\nsaved_crashes : 0\\nsaved_hangs : 0\\nedges_found : 9\\n")
"""
MUTANTS = "print('7 mutants: 6 killed, 1 not; 0 problems; 1 s')\n"
VALGRIND = """
    import subprocess, sys
    command = [a for a in sys.argv[1:]]
    while command[0].startswith("--"): command.pop(0)
    code = subprocess.call(command)
    print("==1== ERROR SUMMARY: 0 errors from 0 contexts (suppressed: 0 from 0)")
    sys.exit(code)
"""


LINT = [{"part": "lint", "check": "layout", "how": "clang-format", "work": "3 files", "seconds": 1.0, "verdict": "CLEAN",
         "status": "pass"}]


class NightlyTree(FakeTree):
    """A fake checkout in which every part of the long job is green."""

    def __init__(self):
        super().__init__()
        self.give_pages()
        self.script("build/model/hakmem-check", MODEL_SLICE)
        self.script("bin/ctest", CTEST)
        self.script("bin/clang++-19", "")
        self.script("ci/mutants", MUTANTS)
        self.script("ci/lint", reporting(LINT))
        self.script("ci/update", "")
        for target, (preset, _) in work.FUZZ_TARGETS.items():
            self.script(f"build/{preset}/tests/fuzz_{target}", FUZZER)
            self.script(f"build/{work.AFL_PRESETS[preset]}/tests/fuzz_{target}", "")
        for name in ("afl-clang-fast++", "afl-fuzz"):
            self.script(f"bin/{name}", AFL if name == "afl-fuzz" else "")
        for library in ("hakmem_hardened", "hakmem_locked"):
            self.script(f"build/release/lib{library}.so", "")
        for preset in (*work.SANITIZED, "release", "valgrind"):
            for program in ("stress", "stress_hardened", "stress_locked"):
                self.script(f"build/{preset}/tests/{program}", reporting(STRESS))


def checks_of(report):
    """What a report says was checked, without what was only built."""
    return sorted((row["item"], row["part"], row["check"], row["how"], row["verdict"]) for row in report["results"]
                  if row["part"] != "build")


class Plan(unittest.TestCase):
    def test_shards_of_a_night_are_its_items_each_once(self):
        for night in (0, 7, 20000):
            whole = plan.of_night(plan.NAMES, HOUR, night)
            for count in (1, 2, 3, 7, 100):
                pieces = [key for i in range(count) for key in plan.keys(plan.of_shard(whole, i + 1, count))]
                self.assertEqual(sorted(pieces), sorted(plan.keys(whole)))

    def test_what_comes_in_turn_comes_round(self):
        for part in plan.PARTS:
            one_night = len(plan.chosen(part, HOUR, 0))
            nights = -(-len(part.items) // one_night)
            seen = {item.key for night in range(nights) for item in plan.chosen(part, HOUR, night)}
            self.assertEqual(len(seen), len(part.items), part.name)

    def test_every_item_has_a_name_and_a_seed_of_its_own(self):
        keys = [item.key for part in plan.PARTS for item in part.items]
        self.assertEqual(len(set(keys)), len(keys))
        self.assertEqual(len({plan.seed_of(3, key) for key in keys}), len(keys))
        self.assertNotEqual(plan.seed_of(3, keys[0]), plan.seed_of(4, keys[0]))

    def test_what_failed_before_runs_again_out_of_turn(self):
        last = work.LONG_STRESS[-1].key
        mine = plan.with_failing(plan.of_night(["long stress"], 60, 0), {last: 5})
        self.assertIn(last, plan.keys(mine))

    def test_names_what_the_tree_has(self):
        protocols = {f"lockfree/{header.stem}" for header in (SOURCE / "src/lockfree").glob("*.hpp")
                     if "std::memory_order" in header.read_text(encoding="utf-8")}
        self.assertLessEqual(protocols, set(work.AUDITED))
        self.assertLessEqual({name + ".hpp" for name in protocols}, set(work.MUTATED))
        for name in (*(header + ".hpp" for header in work.AUDITED), *work.MUTATED):
            self.assertTrue((SOURCE / "src" / name).is_file(), name)
        for target, (_, corpora) in work.FUZZ_TARGETS.items():
            self.assertTrue((SOURCE / corpora / target).is_dir(), target)

    def test_names_every_scenario_of_the_stress_program(self):
        if STRESS_PROGRAM is None:
            self.skipTest("no stress program was given")
        listed = subprocess.run([STRESS_PROGRAM, "--list"], capture_output=True, text=True, check=True).stdout
        names = re.findall(r"^  (\S+)", listed.split("faults:")[0], re.MULTILINE)
        self.assertEqual(tuple(names), work.SCENARIOS)


class Nightly(unittest.TestCase):
    def setUp(self):
        self.tree = NightlyTree()
        self.addCleanup(self.tree.close)

    def report(self, folder="run"):
        return json.loads((self.tree.root / f"build/nightly/{folder}/report.json").read_text(encoding="utf-8"))

    def nightly(self, *arguments, night=3):
        return self.tree.run(["ci/nightly", "--minutes", "60", "--night", night, "--jobs", "2", *arguments])

    def assert_not_green(self, verdict, *words, only):
        code, output = self.nightly("--only", *only)
        self.assertEqual(code, {"FAILED": 1, "INCOMPLETE": 3}[verdict], output)
        self.assertIn(f"VERDICT: {verdict}", output.splitlines()[-1])
        self.assertEqual(self.report()["verdict"], verdict)
        for word in words:
            self.assertIn(word, output)
        return output

    # What is green, and what it leaves.

    def test_passes_when_every_item_holds(self):
        code, output = self.nightly()
        self.assertEqual(code, 0, output)
        report = self.report()
        self.assertEqual(report["verdict"], "PASSED")
        self.assertEqual({row["item"] for row in report["results"] if row["part"] != "build"}, set(report["planned"]))
        self.assertIn("VERDICT: PASSED", (self.tree.root / "build/nightly/run/report.txt").read_text(encoding="utf-8"))

    def test_keeps_corpora_and_says_what_changed(self):
        self.nightly("--only", "fuzzing")
        self.assertTrue((self.tree.root / "build/nightly/state/corpora/api/kept").is_file())
        self.tree.script("build/fuzz/tests/fuzz_api", FUZZER.replace("900", "1800"))
        code, output = self.nightly("--only", "fuzzing", night=4)
        self.assertEqual(code, 0, output)
        self.assertIn("work of fuzzing, same checks: 7,000 then, 7,900 now (+13 %)", output)

    def test_a_failing_seed_is_kept_until_it_holds(self):
        bad = {**STRESS[0], "status": "fail", "message": "block 7 is out twice"}
        self.tree.script("build/tsan-clang/tests/stress", reporting([bad], "sys.exit(1)"))
        _, output = self.nightly("--only", "matrix")
        self.assertIn("new failures: 2", output)
        kept = json.loads((self.tree.root / "build/nightly/state/seeds.json").read_text(encoding="utf-8"))
        self.assertEqual(kept["matrix: tsan-clang, heap"], plan.seed_of(3, "matrix: tsan-clang, heap"))
        _, output = self.nightly("--only", "matrix", night=4)
        self.assertIn("still failing: 2", output)
        self.assertIn(f"--seed {kept['matrix: tsan-clang, heap']}", output)
        self.tree.script("build/tsan-clang/tests/stress", reporting(STRESS))
        code, output = self.nightly("--only", "matrix", night=5)
        self.assertEqual(code, 0, output)
        self.assertIn("fixed: 2", output)
        self.assertEqual(json.loads((self.tree.root / "build/nightly/state/seeds.json").read_text(encoding="utf-8")), {})

    def test_real_programs_are_all_run_with_both_libraries_when_there_is_time(self):
        self.tree.script("ci/programs", "import sys\nopen('calls', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n"
                         + reporting(PROGRAMS))
        self.tree.script("ci/setup", "import sys\nopen('setup', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n")
        for minutes, everything in (("60", True), ("20", False)):
            code, output = self.tree.run(["ci/nightly", "--minutes", minutes, "--night", "3", "--only", "programs"])
            self.assertEqual(code, 0, output)
            calls = (self.tree.root / "calls").read_text(encoding="utf-8").splitlines()[-2:]
            self.assertEqual(["--all" in call.split() for call in calls], [everything] * 2, calls)
            self.assertEqual([re.search(r"/(lib\w+\.so)", call)[1] for call in calls], ["libhakmem.so", "libhakmem_hardened.so"])
            called = (self.tree.root / "setup").read_text(encoding="utf-8").splitlines()[-1]
            self.assertEqual("--programs-all" in called.split(), everything, called)

    def test_compilers_of_other_machines_are_installed_for_their_tests_alone(self):
        self.tree.script("ci/setup", "import sys\nopen('setup', 'a').write(' '.join(sys.argv[1:]) + '\\n')\n")
        for part, wanted in (("tests", True), ("programs", False)):
            self.tree.run(["ci/nightly", "--minutes", "5", "--night", "3", "--only", part])
            called = (self.tree.root / "setup").read_text(encoding="utf-8").splitlines()[-1]
            self.assertEqual("--cross" in called.split(), wanted, called)

    # Shards.

    def test_two_shards_merged_cover_what_one_run_covers(self):
        self.nightly()
        whole = self.report()
        paths = []
        for i in (1, 2):
            code, output = self.nightly("--shard", f"{i}/2")
            self.assertEqual(code, 0, output)
            paths.append(self.tree.root / f"build/nightly/shard-{i}-of-2/report.json")
        self.assertNotEqual(checks_of(self.report("shard-1-of-2")), checks_of(whole))
        code, output = self.tree.run(["ci/nightly", "merge", *paths])
        self.assertEqual(code, 0, output)
        merged = self.report("merged")
        self.assertEqual(checks_of(merged), checks_of(whole))
        self.assertEqual(sorted(i["key"] for i in merged["items"]), sorted(i["key"] for i in whole["items"]))
        self.assertEqual({i["key"]: i["seed"] for i in merged["items"]}, {i["key"]: i["seed"] for i in whole["items"]})

    def test_a_shard_without_a_report_shows_nothing(self):
        self.nightly("--shard", "1/2", "--only", "models")
        code, output = self.tree.run(["ci/nightly", "merge", self.tree.root / "build/nightly/shard-1-of-2/report.json"])
        self.assertEqual(code, 3, output)
        self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])
        self.assertIn("shard 2 of 2 left no report", output)

    def test_reports_that_do_not_belong_together_are_refused(self):
        self.nightly("--shard", "1/2", "--only", "models")
        one = self.tree.root / "build/nightly/shard-1-of-2/report.json"
        other = self.tree.root / "other.json"
        text = one.read_text(encoding="utf-8")
        for content, words in ((text, "shard 1 is given more than once"),
                               (text.replace('"night": 3', '"night": 4'), "differ in 'night'"),
                               ("nonsense", "is no report of ci/nightly"), ("[]", "is no report of ci/nightly"),
                               ('{"results": [{"part": 1}], "shard": [1, 2]}', "is no report of ci/nightly")):
            other.write_text(content, encoding="utf-8")
            code, output = self.tree.run(["ci/nightly", "merge", one, other])
            self.assertEqual((code, len(output.splitlines())), (2, 1), output)
            self.assertIn(words, output)

    # What is not green.

    def test_one_part_that_fails_costs_no_other(self):
        self.tree.script("build/model/hakmem-check", "import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
        output = self.assert_not_green("FAILED", "SIGSEGV", only=["audit", "models", "fuzzing"])
        self.assertIn("fuzzing: api [libFuzzer] SAMPLED(900)", output)

    def test_a_build_that_fails_is_a_cause_for_what_needs_it(self):
        self.tree.script("bin/cmake", "import sys\nsys.exit('--build' in sys.argv and 'fuzz' in sys.argv)\n")
        self.assert_not_green("INCOMPLETE", "the preset fuzz is not built", only=["fuzzing"])

    def test_a_missing_tool_shows_nothing(self):
        self.tree.remove("build/fuzz/tests/fuzz_api")
        self.assert_not_green("INCOMPLETE", "build/fuzz/tests/fuzz_api does not exist", only=["fuzzing"])

    def test_a_tool_that_fails_by_itself_shows_nothing(self):
        for words in ("FATAL: ThreadSanitizer: unexpected memory mapping 0x1-0x2",
                      "==1==Shadow memory range interleaves with an existing memory mapping."):
            self.tree.script("build/tsan/tests/stress", f"import sys\nprint({words!r})\nsys.exit(66)\n")
            self.assert_not_green("INCOMPLETE", "the tool itself fails", words, only=["matrix"])

    def test_a_tool_of_valgrind_must_say_that_it_found_nothing(self):
        self.tree.script("bin/valgrind", VALGRIND.replace("0 errors", "4 errors"))
        self.assert_not_green("FAILED", "the sanitizer reports an error", only=["matrix"])

    def test_a_crash_that_a_fuzzer_finds_fails_and_is_kept(self):
        self.tree.script("build/fuzz/tests/fuzz_api", "import sys\nprint('Test unit written to /x/api-crash')\nsys.exit(77)\n")
        self.assert_not_green("FAILED", "fuzz_api /x/api-crash", only=["fuzzing"])

    def test_a_crash_that_afl_keeps_fails(self):
        self.tree.script("bin/afl-fuzz", AFL.replace("saved_crashes : 0", "saved_crashes : 2"))
        self.assert_not_green("FAILED", "2 crashes and hangs", only=["fuzzing"])

    def test_an_afl_that_cannot_work_here_shows_nothing(self):
        self.tree.script("bin/afl-fuzz", "print('[-] PROGRAM ABORT : no shared memory')\nraise SystemExit(1)\n")
        self.assert_not_green("INCOMPLETE", "AFL++ itself: no shared memory", only=["fuzzing"])

    def test_a_run_of_ten_that_fails_is_counted(self):
        fails_once = reporting(STRESS) + """
    import pathlib, sys
    count = pathlib.Path(__file__).with_suffix(".count")
    count.write_text(count.read_text() + "x" if count.exists() else "x")
    sys.exit(1 if len(count.read_text()) == 4 else 0)
"""
        self.tree.script("build/tsan/tests/stress", fails_once)
        self.assert_not_green("FAILED", "9 of 10 runs", only=["stability"])

    def test_a_fuzzer_that_runs_nothing_shows_nothing(self):
        self.tree.script("build/fuzz/tests/fuzz_api", "print('stat::number_of_executed_units: 0')\n")
        self.assert_not_green("INCOMPLETE", "no run was counted", only=["fuzzing"])

    def test_a_fault_of_lint_fails_and_a_lint_without_a_report_is_not_green(self):
        self.tree.script("ci/lint", reporting([{**LINT[0], "status": "fail", "verdict": "FAULTY", "evidence": "src/a.cpp:1: bad"}],
                                              "sys.exit(1)"))
        self.assert_not_green("FAILED", "src/a.cpp:1: bad", only=["lint"])
        self.tree.script("ci/lint", "")
        self.assert_not_green("INCOMPLETE", "left no report that can be read", only=["lint"])

    def test_a_page_that_is_owed_fails(self):
        self.tree.script("ci/update", "import sys\nprint('owed: docs/reports/ledger.md: it has changed')\nsys.exit(1)\n")
        self.assert_not_green("FAILED", "owed: docs/reports/ledger.md", only=["lint"])
        self.tree.script("ci/update", "import sys\nsys.exit(2)\n")
        self.assert_not_green("FAILED", "ended with exit code 2", only=["lint"])

    def test_an_audit_that_is_cut_off_is_truncated(self):
        self.tree.script("build/model/hakmem-check", AUDIT.replace('"survived"', '"not run"').replace("sys.exit(0)", "sys.exit(3)"))
        self.assert_not_green("INCOMPLETE", "TRUNCATED", "1 mutants have not been run yet", only=["audit"])

    def test_runs_all_mutants_of_a_file_whether_it_has_changed_or_not(self):
        self.tree.script("ci/mutants", "import sys\nassert '--changed' not in sys.argv\n" + MUTANTS)
        code, output = self.nightly("--only", "mutants")
        self.assertEqual(code, 0, output)
        self.assertIn("7 mutants, 6 killed", output)

    def test_a_search_that_is_cut_off_is_not_green(self):
        self.tree.script("build/model/hakmem-check", hakmem_check([{**MODELS[0], "verdict": "TRUNCATED"}]))
        self.assert_not_green("INCOMPLETE", "TRUNCATED", "goes on with: ci/nightly --minutes 60", only=["models"])

    def test_what_there_is_no_time_for_shows_nothing(self):
        code, output = self.tree.run(["ci/nightly", "--minutes", "1", "--night", "3", "--only", "matrix", "models"])
        self.assertEqual(code, 3, output)
        self.assertIn("give more --minutes", output)

    def test_wrong_calls_end_with_one_line_and_usage_and_2(self):
        for arguments in ([], ["--minutes", "0"], ["--minutes", "many"], ["--minutes", "1441"], ["--bogus"],
                          ["--minutes", "5", "--shard", "3/2"], ["--minutes", "5", "--shard", "0/2"],
                          ["--minutes", "5", "--shard", "2"], ["--minutes", "5", "--only", "nothing"],
                          ["--minutes", "5", "--night", "-1"], ["--minutes", "5", "--json", "/no/such/x.json"],
                          ["--minutes", "5", "--state", "/no/such/folder"], ["merge"], ["merge", "--bogus"]):
            code, output = self.tree.run(["ci/nightly", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/nightly", output)

    def test_a_state_that_cannot_be_read_is_named(self):
        state = self.tree.root / "mine"
        state.mkdir()
        (state / "known.json").write_text("[", encoding="utf-8")
        code, output = self.nightly("--state", state)
        self.assertEqual(code, 2, output)
        self.assertIn("known.json cannot be read", output)


STRESS_PROGRAM = sys.argv.pop() if len(sys.argv) == 2 and not sys.argv[1].startswith("-") and "/" in sys.argv[1] else None

if __name__ == "__main__":
    unittest.main()
