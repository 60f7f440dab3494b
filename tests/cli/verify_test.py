"""ci/verify against fake programs: green only when every part ran and holds. Negative controls of the main job."""
import json
import pathlib
import signal
import sys
import time
import unittest

from fake_tree import (MODELS, MUTANTS, PROGRAMS, SANITIZED_PRESETS, STRESS, FakeTree, hakmem_check,
                       property_program, reporting)

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n"
HANG = "import time; time.sleep(600)\n"
SHORT_LIMITS = """
import dataclasses, pathlib, sys
sys.path.insert(0, "ci/lib")
from hakmem_ci.core import process
from hakmem_ci.jobs.verify import cli, plan
process.GRACE_SECONDS = 0.5
plan.QUICK = dataclasses.replace(plan.QUICK, **{limits})
sys.exit(cli.main(pathlib.Path.cwd(), sys.argv[1:]))
"""


def part_of(path):
    """The part of the job that runs the program."""
    name = pathlib.PurePath(path).name
    return {"hakmem-check": "models", "property_slots": "properties", "stress": "stress",
            "mutants": "mutants"}.get(name, "programs")


class Verify(unittest.TestCase):
    def setUp(self):
        self.fresh_tree()

    def fresh_tree(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)

    def report(self):
        return json.loads((self.tree.root / "build/verify/report.json").read_text(encoding="utf-8"))

    def processes_of(self, folder):
        """Command lines of running processes that mention the folder of the tree."""
        lines = []
        for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                lines.append(file.read_text(encoding="utf-8", errors="replace"))
            except OSError:
                pass  # it has ended meanwhile
        return [line for line in lines if str(self.tree.root / folder) in line]

    def verify(self, *arguments, limits=None, environment=None):
        """Runs ci/verify, with other time limits if given. Returns its exit code and output."""
        command = ["ci/verify"]
        if limits is not None:
            command = [sys.executable, "-B", "-c", SHORT_LIMITS.replace("{limits}", repr(limits)), "--quick"]
        return self.tree.run([*command, "--jobs", "2", *arguments], environment)

    def assert_not_green(self, verdict, *words, arguments=(), limits=None):
        """The job ends with 1, this verdict as its last line, and the words somewhere above."""
        code, output = self.verify(*arguments, limits=limits)
        self.assertEqual(code, 1, output)
        self.assertIn(f"VERDICT: {verdict}", output.splitlines()[-1])
        self.assertEqual(self.report()["verdict"], verdict)
        for word in words:
            self.assertIn(word, output)
        return output

    def assert_parts_not_green(self, scripts, verdict, *words, limits=None):
        """Each of the programs, replaced alone by its script, costs the verdict."""
        for path, text in scripts.items():
            with self.subTest(program=path):
                self.fresh_tree()
                self.tree.script(path, text)
                self.assert_not_green(verdict, *words, arguments=("--only", part_of(path)), limits=limits)

    # What is green.

    def test_passes_when_every_part_holds(self):
        code, output = self.verify()
        self.assertEqual(code, 0, output)
        self.assertIn("VERDICT: PASSED", output.splitlines()[-1])
        for word in ("COMPLETE", "BOUNDED(3)", "28,392 executions", "100 cases", "helgrind", "git"):
            self.assertIn(word, output)
        report = self.report()
        self.assertEqual(report["verdict"], "PASSED")
        self.assertEqual({row["part"] for row in report["results"]},
                         {"build", "models", "properties", "stress", "programs"})
        self.assertIn("VERDICT: PASSED", (self.tree.root / "build/verify/report.txt").read_text(encoding="utf-8"))

    def test_leaves_the_mutants_out_unless_they_are_asked_for(self):
        self.tree.remove("ci/mutants")
        for arguments in ((), ("--quick",)):
            code, output = self.verify(*arguments)
            self.assertEqual(code, 0, output)
            self.assertEqual(self.verify(*arguments, "--only", "mutants")[0], 1)

    def test_names_the_parts_when_only_some_were_asked(self):
        self.tree.remove("ci/programs")
        target = self.tree.root / "copy.json"
        code, output = self.verify("--only", "models", "properties", "--json", str(target))
        self.assertEqual(code, 0, output)
        self.assertIn("(only: models, properties)", output.splitlines()[-1])
        self.assertEqual(json.loads(target.read_text(encoding="utf-8")), self.report())

    def test_is_not_swayed_by_filters_in_the_shell(self):
        self.tree.script("build/release/tests/property_slots",
                         "import os, sys\nif 'GTEST_FILTER' in os.environ: sys.exit(3)\n" + property_program())
        code, output = self.verify("--only", "properties", environment={"GTEST_FILTER": "-*"})
        self.assertEqual(code, 0, output)

    # What is not green.

    def test_a_missing_program_is_not_run(self):
        for path in ("build/model/hakmem-check", "build/release/tests/property_slots", "ci/programs", "ci/mutants",
                     "build/release/libhakmem.so", *(f"build/{p}/tests/stress" for p in SANITIZED_PRESETS)):
            with self.subTest(program=path):
                self.fresh_tree()
                self.tree.remove(path)
                self.assert_not_green("INCOMPLETE", "not run", arguments=("--only", part_of(path)))

    def test_a_crashing_program_fails(self):
        programs = ["build/model/hakmem-check", "build/release/tests/property_slots", "ci/programs", "ci/mutants",
                    *(f"build/{p}/tests/stress" for p in SANITIZED_PRESETS[:3])]
        self.assert_parts_not_green({path: CRASH for path in programs}, "FAILED", "SIGSEGV")

    def test_a_crash_after_a_good_report_fails(self):
        self.assert_parts_not_green({
            "build/model/hakmem-check": hakmem_check(MODELS, then=CRASH),
            "build/release/tests/property_slots": property_program(then=CRASH),
            "build/tsan/tests/stress": reporting(STRESS, CRASH),
            "ci/programs": reporting(PROGRAMS, CRASH),
            "ci/mutants": reporting(MUTANTS, CRASH),
        }, "FAILED", "SIGSEGV")

    def test_a_hanging_program_is_truncated_and_ended(self):
        self.assert_parts_not_green({
            "build/model/hakmem-check": hakmem_check(MODELS, then=HANG),
            "build/release/tests/property_slots": HANG,
            "build/asan/tests/stress": HANG,
            "ci/programs": HANG,
            "ci/mutants": HANG,
        }, "FAILED", "did not end within", limits={
            "model_seconds": 1, "property_seconds": 1, "stress_limit_seconds": 1, "program_seconds": 1,
            "mutant_seconds": 1})

    def test_what_was_found_before_the_time_was_over_is_kept(self):
        self.tree.script("ci/programs", reporting(PROGRAMS, HANG))
        self.assert_not_green("FAILED", "did not end within", arguments=("--only", "programs"), limits={"program_seconds": 2})
        verdicts = {row["check"]: row["verdict"] for row in self.report()["results"] if row["part"] == "programs"}
        self.assertEqual(verdicts, {"git": "pass", "ci/programs": "TRUNCATED"})

    def test_a_silent_success_fails(self):
        self.assert_parts_not_green({
            "build/model/hakmem-check": "import sys\nif sys.argv[1] == 'list': print('a')\n",
            "build/release/tests/property_slots": "",
            "build/release/tests/stress": "",
            "ci/programs": "",
            "ci/mutants": "",
        }, "FAILED", "left no")

    def test_a_mutant_that_lives_without_an_explanation_fails(self):
        then = """
            path = sys.argv[sys.argv.index("--json") + 1]
            report = json.load(open(path))
            report["problems"] = ["src/lockfree/remote_word.hpp:7 survived without an explanation: a == b  =>  a != b"]
            json.dump(report, open(path, "w"))
            sys.exit(1)
            """
        self.tree.script("ci/mutants", reporting(MUTANTS, then))
        self.assert_not_green("FAILED", "survived without an explanation", arguments=("--only", "mutants"))

    def test_an_older_report_is_not_believed(self):
        self.verify()
        self.tree.script("ci/programs", "")
        self.assert_not_green("FAILED", "left no report")

    def test_a_report_that_cannot_be_read_fails(self):
        for text in ("nonsense", "[]", '{"results": []}', '{"results": [{"program": 7}]}', '{"results": [3]}'):
            self.tree.script("ci/programs", f"import sys\nopen(sys.argv[-1], 'w').write({text!r})\n")
            self.assert_not_green("FAILED", "left a report", arguments=("--only", "programs"))

    def test_a_counterexample_fails_and_its_trace_is_printed(self):
        trace = "thread 1: src/lockfree/remote_word.hpp:57 store relaxed"
        bad = {**MODELS[0], "status": "fail", "verdict": "FAILED", "trace": trace, "replay": "remote_word@17"}
        self.tree.script("build/model/hakmem-check", hakmem_check([bad, MODELS[1]], then="sys.exit(1)"))
        self.assert_not_green("FAILED", trace, "COUNTEREXAMPLE", "hakmem-check replay remote_word@17")

    def test_a_broken_variant_that_is_not_caught_fails(self):
        self.tree.script("build/model/hakmem-check", hakmem_check([{**MODELS[2], "status": "fail"}]))
        self.assert_not_green("FAILED", "NOT CAUGHT", "remote_word_relaxed_take")

    def test_a_search_that_was_cut_off_is_not_green(self):
        for change in ({"verdict": "TRUNCATED"}, {"verdict": "SURELY"}, {"executions": 0}):
            self.tree.script("build/model/hakmem-check", hakmem_check([{**MODELS[0], **change}]))
            self.assert_not_green("FAILED", arguments=("--only", "models"))

    def test_a_search_that_ran_out_of_time_is_no_counterexample(self):
        cut = {**MODELS[0], "status": "fail", "verdict": "TRUNCATED", "message": "ended before it was done"}
        self.tree.script("build/model/hakmem-check", hakmem_check([cut], then="sys.exit(1)"))
        self.assert_not_green("FAILED", "remote_word [full] TRUNCATED", arguments=("--only", "models"))

    def test_a_listed_suite_without_a_result_is_not_run(self):
        self.tree.script("build/model/hakmem-check", hakmem_check(MODELS[:1], suites=["remote_word", "forgotten"]))
        self.assert_not_green("INCOMPLETE", "forgotten", arguments=("--only", "models"))

    def test_a_property_that_fails_or_counts_nothing_is_not_green(self):
        for text, verdict in ((property_program(failures=1), "FAILED"), (property_program(cases=0), "INCOMPLETE"),
                              (property_program(disabled=1), "INCOMPLETE")):
            self.tree.script("build/release/tests/property_slots", text)
            self.assert_not_green(verdict, arguments=("--only", "properties"))

    def test_a_sanitizer_report_fails_whatever_the_exit_code(self):
        for text in ("WARNING: ThreadSanitizer: data race", "ERROR: AddressSanitizer: x", "runtime error: overflow"):
            self.tree.script("build/tsan/tests/stress", reporting(STRESS, f"print({text!r})\n"))
            self.assert_not_green("FAILED", text, "sanitizer reports", arguments=("--only", "stress"))

    def test_helgrind_must_say_that_it_found_nothing(self):
        self.tree.script("bin/valgrind", "import os, sys\nos.execv(sys.argv[4], sys.argv[4:])\n")
        self.assert_not_green("FAILED", "0 errors", arguments=("--only", "stress"))

    def test_a_failing_or_idle_scenario_fails(self):
        for change in ({"status": "fail", "message": "block 7 is out twice"}, {"operations": 0}):
            self.tree.script("build/release/tests/stress", reporting([{**STRESS[0], **change}], "sys.exit(1)"))
            self.assert_not_green("FAILED", "thread_churn", "--seed", arguments=("--only", "stress"))

    def test_a_program_that_fails_or_did_not_run_is_not_green(self):
        for status, verdict in (("fail", "FAILED"), ("not run", "INCOMPLETE"), ("perhaps", "FAILED")):
            self.tree.script("ci/programs", reporting([{**PROGRAMS[0], "status": status, "message": "no such thing"}]))
            self.assert_not_green(verdict, "no such thing", arguments=("--only", "programs"))

    def test_a_build_that_fails_is_shown_and_its_parts_are_not_run(self):
        self.tree.script("bin/cmake", "import sys\nprint('remote_word.hpp:3: error: no')\n"
                                      "sys.exit('--build' in sys.argv and 'tsan' in sys.argv)\n")
        self.assert_not_green("FAILED", "remote_word.hpp:3: error: no", "the preset tsan is not built")

    def test_what_there_is_no_time_for_is_not_run(self):
        self.assert_not_green("INCOMPLETE", "no time was left", limits={"total_seconds": 0})

    def test_an_error_in_the_job_itself_is_not_green(self):
        code, output = self.verify("--only", "models", limits={"model_arguments": 7})
        self.assertEqual(code, 1, output)
        self.assertIn("ci/verify itself", output)

    # How it is called and stopped.

    def test_ctrl_c_keeps_and_prints_what_was_found(self):
        self.tree.script("build/release/tests/property_slots", HANG)
        child = self.tree.start(["ci/verify", "--jobs", "2"])
        self.addCleanup(child.stdout.close)
        seen = ""
        while "broken variants" not in seen:
            line = child.stdout.readline()
            self.assertTrue(line, seen)
            seen += line
        while not self.processes_of("build/release/tests"):
            time.sleep(0.05)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate(timeout=60)
        self.assertEqual(child.returncode, 130, output)
        self.assertIn("VERDICT: INTERRUPTED", output.splitlines()[-1])
        self.assertIn("28,392 executions", output)
        self.assertEqual(self.report()["verdict"], "INTERRUPTED")
        self.assertEqual(self.processes_of("build/release/tests"), [])

    def test_a_wrong_call_ends_with_usage_and_2(self):
        for arguments in (["--bogus"], ["models"], ["--jobs", "0"], ["--jobs", "many"], ["--only", "nothing"],
                          ["--only"], ["--qui"], ["--json", "/no/such/folder/x.json"]):
            code, output = self.tree.run(["ci/verify", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/verify", output)

    def test_two_at_once_do_not_share_a_checkout(self):
        self.tree.script("build/release/tests/property_slots", HANG)
        first = self.tree.start(["ci/verify", "--only", "properties"])
        self.addCleanup(first.stdout.close)
        first.stdout.readline()
        code, output = self.tree.run(["ci/verify"])
        first.send_signal(signal.SIGINT)
        first.communicate(timeout=60)
        self.assertEqual(code, 1, output)
        self.assertIn("another ci/verify", output)


if __name__ == "__main__":
    unittest.main()
