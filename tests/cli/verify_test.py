"""ci/verify against fake programs: green only when every part ran and holds, red only when a fault is shown. Negative
controls of the main job."""
import concurrent.futures
import json
import os
import pathlib
import signal
import sys
import time
import unittest
import xml.etree.ElementTree

from fake_tree import (MODELS, MUTANTS, PROGRAMS, SANITIZED_PRESETS, STRESS, FakeTree, hakmem_check, property_program,
                       reporting)

CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)\n"
KILLED = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"
HANG = "import time; time.sleep(600)\n"
SPIN = "while True: pass\n"
IMPATIENT = """
import pathlib, sys
sys.path.insert(0, "ci/lib")
from hakmem_ci.core import process
from hakmem_ci.jobs.verify import cli, plan
process.GRACE_SECONDS, process.LOOK_SECONDS, process.SLEEP_SECONDS = 0.5, 0.1, 1.0
plan.LEAST_ALLOWED, process.AMPLE = 2.0, 0
sys.exit(cli.main(pathlib.Path.cwd(), sys.argv[1:]))
"""
EXIT_CODES = {"PASSED": 0, "FAILED": 1, "INCOMPLETE": 3}


def part_of(path):
    """The part of the job that runs the program."""
    name = pathlib.PurePath(path).name
    return {"hakmem-check": "models", "property_slots": "properties", "stress": "stress",
            "mutants": "mutants"}.get(name, "programs")


class Verify(unittest.TestCase):
    def fresh_tree(self):
        tree = FakeTree()
        self.addCleanup(tree.close)
        return tree

    def setUp(self):
        self.tree = self.fresh_tree()

    @staticmethod
    def report(tree):
        return json.loads((tree.root / "build/verify/report.json").read_text(encoding="utf-8"))

    def processes_of(self, folder):
        """The running processes whose command lines mention the folder of the tree."""
        found = []
        for file in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                if str(self.tree.root / folder) in file.read_text(encoding="utf-8", errors="replace"):
                    found.append(int(file.parent.name))
            except OSError:
                pass  # it has ended meanwhile
        return found

    def verify(self, *arguments, tree=None, impatient=False, environment=None):
        """Runs ci/verify, perhaps one that soon takes a program for hanging. Returns its exit code and output."""
        command = [sys.executable, "-B", "-c", IMPATIENT, "--quick"] if impatient else ["ci/verify"]
        return (tree or self.tree).run([*command, "--jobs", "2", *arguments], environment)

    def assert_verdict(self, verdict, *words, arguments=(), tree=None, impatient=False, environment=None):
        """The job ends with this verdict in its last line, exit code and report, and the words somewhere above."""
        tree = tree or self.tree
        code, output = self.verify(*arguments, tree=tree, impatient=impatient, environment=environment)
        self.assertEqual(code, EXIT_CODES[verdict], output)
        self.assertIn(f"VERDICT: {verdict}", output.splitlines()[-1])
        self.assertEqual(self.report(tree)["verdict"], verdict)
        for word in words:
            self.assertIn(word, output)
        return output

    def assert_each(self, scripts, verdict, *words, impatient=False):
        """Each of the programs, replaced alone by its script (or removed by None), costs the verdict."""
        def one(path, text):
            tree = self.fresh_tree()
            if text is None:
                tree.remove(path)
            else:
                tree.script(path, text)
            return self.assert_verdict(verdict, *words, arguments=("--only", part_of(path)), tree=tree, impatient=impatient)

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for path, future in [(path, pool.submit(one, path, text)) for path, text in scripts.items()]:
                with self.subTest(program=path):
                    future.result()


class GreenTest(Verify):
    def test_passes_when_every_part_holds(self):
        output = self.assert_verdict("PASSED", "COMPLETE", "BOUNDED(3)", "28,392 executions", "100 cases", "helgrind", "git")
        self.assertIn("VERDICT: PASSED", output.splitlines()[-1])
        report = self.report(self.tree)
        self.assertEqual({row["part"] for row in report["results"]}, {"build", "models", "properties", "stress", "programs"})
        self.assertIn("VERDICT: PASSED", (self.tree.root / "build/verify/report.txt").read_text(encoding="utf-8"))

    def test_leaves_the_mutants_out_unless_they_are_asked_for(self):
        self.tree.remove("ci/mutants")
        for arguments in ((), ("--quick",)):
            self.assert_verdict("PASSED", arguments=arguments)
            self.assert_verdict("INCOMPLETE", arguments=(*arguments, "--only", "mutants"))

    def test_names_what_was_asked_for_when_it_was_not_everything(self):
        self.tree.remove("ci/programs")
        target = self.tree.root / "copy.json"
        output = self.assert_verdict("PASSED", arguments=("--only", "models", "properties", "--json", str(target)))
        self.assertIn("(only: models, properties)", output.splitlines()[-1])
        self.assertEqual(json.loads(target.read_text(encoding="utf-8")), self.report(self.tree))

    def test_does_single_checks_and_builds_no_more_than_they_need(self):
        self.tree.script("bin/cmake", "import sys\nsys.exit('valgrind' in sys.argv)\n")
        output = self.assert_verdict("PASSED", "thread_churn", arguments=("--checks", "stress/plain", "stress/asan*"))
        self.assertNotIn("remote_word", output)
        self.assert_verdict("INCOMPLETE", "no check is called so", arguments=("--checks", "stress/plain", "stress/nothing"))

    def test_is_not_swayed_by_filters_in_the_shell(self):
        self.tree.script("build/release/tests/property_slots",
                         "import os, sys\nif 'GTEST_FILTER' in os.environ: sys.exit(3)\n" + property_program())
        self.assert_verdict("PASSED", arguments=("--only", "properties"), environment={"GTEST_FILTER": "-*"})

    def test_the_reports_for_machines_agree(self):
        self.tree.script("ci/programs", reporting([{**PROGRAMS[0], "status": "fail", "message": "no <such> thing\x1b"}]))
        copies = {name: self.tree.root / f"copy.{name}" for name in ("xml", "md")}
        self.assert_verdict("FAILED", arguments=("--junit", copies["xml"], "--markdown", copies["md"]))
        cases = list(xml.etree.ElementTree.parse(copies["xml"]).getroot().iter("testcase"))
        self.assertEqual(len(cases), len(self.report(self.tree)["results"]))
        self.assertEqual([case.get("name") for case in cases if case.find("failure") is not None], ["git [libhakmem.so]"])
        self.assertIn("## ci/verify", copies["md"].read_text(encoding="utf-8"))
        self.assertIn("no <such> thing", copies["md"].read_text(encoding="utf-8"))


class FaultTest(Verify):
    """FAILED: something is shown to be wrong."""

    def test_a_crash_fails_even_after_a_good_report(self):
        programs = ["build/model/hakmem-check", "build/release/tests/property_slots", "ci/programs", "ci/mutants",
                    *(f"build/{p}/tests/stress" for p in SANITIZED_PRESETS[:3])]
        self.assert_each({path: CRASH for path in programs}, "FAILED", "SIGSEGV")
        self.assert_each({
            "build/model/hakmem-check": hakmem_check(MODELS, then=CRASH),
            "build/release/tests/property_slots": property_program(then=CRASH),
            "build/tsan/tests/stress": reporting(STRESS, CRASH),
            "ci/programs": reporting(PROGRAMS, CRASH),
            "ci/mutants": reporting(MUTANTS, CRASH),
        }, "FAILED", "SIGSEGV")

    def test_a_program_that_sleeps_for_ever_hangs(self):
        self.assert_each({
            "build/model/hakmem-check": hakmem_check(MODELS, then=HANG),
            "build/release/tests/property_slots": HANG,
            "build/asan/tests/stress": HANG,
        }, "FAILED", "hangs", impatient=True)

    def test_a_mutant_that_lives_without_an_explanation_fails(self):
        bad = {**MUTANTS[0], "status": "fail", "verdict": "FAILED",
               "message": "src/lockfree/remote_word.hpp:7 survived without an explanation: a == b  =>  a != b"}
        self.tree.script("ci/mutants", reporting([bad], "sys.exit(1)"))
        self.assert_verdict("FAILED", "survived without an explanation", arguments=("--only", "mutants"))

    def test_a_counterexample_fails_and_its_trace_is_printed(self):
        trace = "thread 1: src/lockfree/remote_word.hpp:57 store relaxed"
        bad = {**MODELS[0], "status": "fail", "verdict": "FAILED", "trace": trace, "replay": "remote_word@17"}
        self.tree.script("build/model/hakmem-check", hakmem_check([bad, MODELS[1]], then="sys.exit(1)"))
        self.assert_verdict("FAILED", trace, "COUNTEREXAMPLE", "hakmem-check replay remote_word@17")

    def test_a_broken_variant_that_is_not_caught_fails(self):
        self.tree.script("build/model/hakmem-check", hakmem_check([{**MODELS[2], "status": "fail"}]))
        self.assert_verdict("FAILED", "NOT CAUGHT", "remote_word_relaxed_take")

    def test_a_property_that_fails_fails(self):
        self.tree.script("build/release/tests/property_slots", property_program(failures=1))
        self.assert_verdict("FAILED", "1 of 1 tests fail", arguments=("--only", "properties"))

    def test_a_sanitizer_report_fails_whatever_the_exit_code(self):
        for text in ("WARNING: ThreadSanitizer: data race", "ERROR: AddressSanitizer: x", "runtime error: overflow"):
            self.tree.script("build/tsan/tests/stress", reporting(STRESS, f"print({text!r})\n"))
            self.assert_verdict("FAILED", text, "sanitizer reports", arguments=("--only", "stress"))

    def test_a_failing_scenario_fails_and_says_how_to_repeat_it(self):
        bad = {**STRESS[0], "status": "fail", "message": "block 7 is out twice"}
        self.tree.script("build/release/tests/stress", reporting([bad], "sys.exit(1)"))
        self.assert_verdict("FAILED", "thread_churn", "--seed", arguments=("--only", "stress"))

    def test_a_compiler_s_error_is_a_fault_of_the_code(self):
        self.tree.script("bin/cmake", "import sys\nprint('remote_word.hpp:3:7: error: no')\n"
                                      "sys.exit('--build' in sys.argv and 'tsan' in sys.argv)\n")
        self.assert_verdict("FAILED", "remote_word.hpp:3:7: error: no", "the preset tsan is not built")

    def test_a_fault_outweighs_what_is_incomplete(self):
        self.tree.script("build/release/tests/property_slots", property_program(failures=1))
        self.tree.remove("ci/programs")
        self.assert_verdict("FAILED")


class IncompleteTest(Verify):
    """INCOMPLETE: cut off, missing or interrupted; nothing is shown to be wrong."""

    def test_a_missing_program_is_no_fault(self):
        paths = ("build/model/hakmem-check", "build/release/tests/property_slots", "ci/programs", "ci/mutants",
                 "build/release/libhakmem.so", *(f"build/{p}/tests/stress" for p in SANITIZED_PRESETS))
        self.assert_each({path: None for path in paths}, "INCOMPLETE", "goes on with: ci/verify --checks")

    def test_a_killed_program_is_no_fault(self):
        self.assert_each({
            "build/model/hakmem-check": hakmem_check(MODELS, then=KILLED),
            "build/release/tests/property_slots": KILLED,
            "build/tsan/tests/stress": KILLED,
            "ci/programs": reporting(PROGRAMS, KILLED),
        }, "INCOMPLETE", "SIGKILL", "goes on with")

    def test_a_program_that_never_ends_is_cut_off(self):
        self.assert_each({
            "build/model/hakmem-check": hakmem_check(MODELS, then=SPIN),
            "build/release/tests/property_slots": SPIN,
            "build/asan/tests/stress": SPIN,
            "ci/programs": SPIN,
        }, "INCOMPLETE", "s of processor time", impatient=True)

    def test_what_was_found_before_the_end_is_kept(self):
        self.tree.script("ci/programs", reporting(PROGRAMS, SPIN))
        self.assert_verdict("INCOMPLETE", arguments=("--only", "programs"), impatient=True)
        verdicts = {row["check"]: row["verdict"] for row in self.report(self.tree)["results"] if row["part"] == "programs"}
        self.assertEqual(verdicts, {"git": "pass", "ci/programs": "incomplete"})

    def test_a_silent_success_shows_nothing(self):
        self.assert_each({
            "build/model/hakmem-check": "import sys\nif sys.argv[1] == 'list': print('a')\n",
            "build/release/tests/property_slots": "",
            "build/release/tests/stress": "",
            "ci/programs": "",
            "ci/mutants": "",
        }, "INCOMPLETE", "left no")

    def test_an_older_report_is_not_believed(self):
        self.verify("--only", "programs")
        self.tree.script("ci/programs", "")
        self.assert_verdict("INCOMPLETE", "left no report", arguments=("--only", "programs"))

    def test_a_report_that_cannot_be_read_shows_nothing(self):
        for text in ("nonsense", "[]", '{"results": []}', '{"results": [{"program": 7}]}', '{"results": [3]}'):
            self.tree.script("ci/programs", f"import sys\nopen(sys.argv[-1], 'w').write({text!r})\n")
            self.assert_verdict("INCOMPLETE", "left a report", arguments=("--only", "programs"))

    def test_a_search_that_was_cut_off_says_how_to_go_on(self):
        cut = {**MODELS[0], "status": "incomplete", "verdict": "TRUNCATED", "message": "ended before it was done",
               "continue": "hakmem-check run remote_word --state DIR"}
        self.tree.script("build/model/hakmem-check", hakmem_check([cut], then="sys.exit(3)"))
        self.assert_verdict("INCOMPLETE", "TRUNCATED", "hakmem-check run remote_word --state DIR", arguments=("--only", "models"))
        for change in ({"verdict": "TRUNCATED"}, {"verdict": "SURELY"}, {"executions": 0}):
            self.tree.script("build/model/hakmem-check", hakmem_check([{**MODELS[0], **change}]))
            self.assert_verdict("INCOMPLETE", arguments=("--only", "models"))

    def test_a_listed_suite_without_a_result_is_missed(self):
        self.tree.script("build/model/hakmem-check", hakmem_check(MODELS[:1], suites=["remote_word", "forgotten"]))
        self.assert_verdict("INCOMPLETE", "forgotten", arguments=("--only", "models"))
        self.assert_verdict("PASSED", arguments=("--only", "models", "--suites", "remote"))

    def test_a_property_that_counts_nothing_shows_nothing(self):
        for text in (property_program(cases=0), property_program(disabled=1)):
            self.tree.script("build/release/tests/property_slots", text)
            self.assert_verdict("INCOMPLETE", arguments=("--only", "properties"))

    def test_an_idle_scenario_and_a_silent_helgrind_show_nothing(self):
        self.tree.script("build/release/tests/stress", reporting([{**STRESS[0], "operations": 0}]))
        self.assert_verdict("INCOMPLETE", "did no operation", arguments=("--only", "stress"))
        self.tree.script("build/release/tests/stress", reporting(STRESS))
        self.tree.script("bin/valgrind", "import os, sys\nos.execv(sys.argv[4], sys.argv[4:])\n")
        self.assert_verdict("INCOMPLETE", "0 errors", arguments=("--only", "stress"))

    def test_a_program_that_did_not_run_is_named(self):
        for status in ("incomplete", "perhaps"):
            self.tree.script("ci/programs", reporting([{**PROGRAMS[0], "status": status, "message": "no such thing"}]))
            self.assert_verdict("INCOMPLETE", "no such thing", arguments=("--only", "programs"))

    def test_a_build_that_fails_without_an_error_in_the_code_is_no_fault(self):
        for text in ("CMake Error: Could not find a package", "x.cpp:1:1: error: writing: No space left on device"):
            self.tree.script("bin/cmake", f"import sys\nprint({text!r})\nsys.exit('--build' in sys.argv and 'tsan' in sys.argv)\n")
            self.assert_verdict("INCOMPLETE", text, "the preset tsan is not built", arguments=("--only", "stress"))

    def test_minutes_that_are_over_cost_the_dear_checks(self):
        self.tree.script("bin/cmake", "import time\ntime.sleep(0.3)\n")
        early = IMPATIENT.replace("sys.exit(", "import time\nclock = time.monotonic\nfrom hakmem_ci.core import command_line\n"
                                               "command_line.minutes = float\nsys.exit(")
        code, output = self.tree.run([sys.executable, "-B", "-c", early, "--quick", "--only", "stress", "--minutes", "0.001"])
        self.assertEqual(code, 3, output)
        self.assertIn("goes on with", output)

    def test_an_error_in_the_job_itself_is_no_verdict(self):
        path = self.tree.root / "ci/lib/hakmem_ci/jobs/verify/models.py"
        path.write_text(path.read_text(encoding="utf-8").replace("def run_litmus(context, check):",
                                                                 "def run_litmus(context, check):\n    [][1]", 1), encoding="utf-8")
        self.assert_verdict("INCOMPLETE", "ci/verify itself", "IndexError", arguments=("--only", "models"))

    def test_a_full_disk_costs_the_report_and_is_said_in_a_line(self):
        """The limit on the size of files stands for a disk that is full; signals for it are ignored."""
        target = self.tree.root / "copy.json"
        target.write_text("before", encoding="utf-8")
        command = ("import resource, signal, subprocess, sys\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
                   "resource.setrlimit(resource.RLIMIT_FSIZE, (400, 400))\nsys.exit(subprocess.call(sys.argv[1:]))")
        code, output = self.tree.run([sys.executable, "-c", command, "ci/verify", "--only", "properties"])
        self.assertEqual(code, 3, output)
        self.assertIn("cannot be written: File too large", output)
        self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])


class CallTest(Verify):
    """How it is called and stopped."""

    def wait_for(self, child, word):
        """Reads until a line has the word. Returns all that was read."""
        seen = ""
        while word not in seen:
            line = child.stdout.readline()
            self.assertTrue(line, seen)
            seen += line
        return seen

    def interrupted(self, script, times):
        """The end of a job that is interrupted so many times while it is in the property program."""
        self.tree.script("build/release/tests/property_slots", script)
        child = self.tree.start(["ci/verify", "--jobs", "2"])
        self.addCleanup(child.stdout.close)
        self.wait_for(child, "broken variants")
        while not self.processes_of("build/release/tests"):
            time.sleep(0.05)
        started = time.monotonic()
        for _ in range(times):
            child.send_signal(signal.SIGINT)
            time.sleep(0.3)
        output, _ = child.communicate()
        return child.returncode, output, time.monotonic() - started

    def test_ctrl_c_keeps_and_prints_what_was_found(self):
        code, output, _ = self.interrupted(HANG, 1)
        self.assertEqual(code, 3, output)
        self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])
        self.assertIn("interrupted", output.splitlines()[-1])
        self.assertIn("28,392 executions", output)
        self.assertEqual(self.report(self.tree)["verdict"], "INCOMPLETE")
        self.assertEqual(self.processes_of("build/release/tests"), [])

    def test_a_second_ctrl_c_does_not_wait_for_anybody(self):
        stubborn = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\ntime.sleep(600)\n"
        code, output, seconds = self.interrupted(stubborn, 2)
        self.assertEqual(code, 3, output)
        self.assertLess(seconds, 4.5)  # less than the grace that the first one gives
        self.assertEqual(self.report(self.tree)["verdict"], "INCOMPLETE")
        self.assertEqual(self.processes_of("build/release/tests"), [])

    def test_a_killed_job_leaves_what_it_has_found(self):
        self.tree.script("build/release/tests/property_slots", HANG)
        child = self.tree.start(["ci/verify", "--jobs", "2", "--only", "models", "properties"])
        self.addCleanup(child.stdout.close)
        self.wait_for(child, "broken variants")
        time.sleep(2.5)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for pid in self.processes_of("build/release/tests"):
            os.kill(pid, signal.SIGKILL)
        report = self.report(self.tree)
        self.assertEqual(report["verdict"], "INCOMPLETE")
        self.assertTrue(any(row["part"] == "build" for row in report["results"]))

    def test_a_wrong_call_ends_with_usage_and_2(self):
        for arguments in (["--bogus"], ["models"], ["--jobs", "0"], ["--jobs", "many"], ["--only", "nothing"],
                          ["--only"], ["--qui"], ["--json", "/no/such/folder/x.json"], ["--minutes", "0"],
                          ["--minutes", "soon"], ["--checks", "nothing/at-all"]):
            code, output = self.tree.run(["ci/verify", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/verify", output)

    def test_lists_its_checks_without_running_them(self):
        code, output = self.tree.run(["ci/verify", "--list", "--quick"])
        self.assertEqual(code, 0, output)
        for name in ("models/suites", "properties/property_slots", "stress/helgrind", "programs/all"):
            self.assertIn(name, output)

    def test_two_at_once_do_not_share_a_checkout(self):
        self.tree.script("build/release/tests/property_slots", HANG)
        first = self.tree.start(["ci/verify", "--only", "properties"])
        self.addCleanup(first.stdout.close)
        first.stdout.readline()
        code, output = self.tree.run(["ci/verify"])
        first.send_signal(signal.SIGINT)
        first.communicate()
        self.assertEqual(code, 3, output)
        self.assertIn("another ci/verify", output)


if __name__ == "__main__":
    unittest.main()
