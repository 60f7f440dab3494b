"""The watch: what an edit sets off, told by a small source tree and programs that stand in for the suites' own.

What is built and run is named by the build command and found below --build, so that a test takes seconds. That a real
edit of a real header is caught is the business of edited_header_test.py, and of the last test here."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CHECK = EDITED = SOURCE = None
SECONDS = 600  # until a test gives up; none needs more than a few

# Stands in for suites/<stem>: notes its call, then passes, or fails when FAIL names it.
PROGRAM = """#!{python}
import json, os, sys, time
stem = os.path.basename(sys.argv[0])
with open("{folder}/calls", "a") as calls:
    calls.write(stem + " " + " ".join(sys.argv[1:]) + "\\n")
while os.path.exists("{folder}/hold"):
    time.sleep(0.05)
failing = os.path.exists("{folder}/fail-" + stem)
row = dict(suite=stem + "/suite", scheduler="full", executions=9, seconds=0.1, processor_seconds=0.1,
           verdict="FAILED" if failing else "COMPLETE", status="fail" if failing else "pass", broken_variant=False,
           message="DATA RACE planted" if failing else "", trace="[0] 0: the last step\\n" if failing else "",
           replay=stem + "/suite:full:0:0" if failing else "")
if failing:
    row["record"] = dict(version=1, events=[dict(kind="message", thread=0, step=0, text="the last step")])
print(json.dumps(row), flush=True)
sys.exit(1 if failing else 0)
"""
BUILD = """#!/bin/sh
echo "build $*" >> {folder}/calls
test -e {folder}/broken && echo 'src/lockfree/remote_word.hpp:7: error: expected something' && exit 1
test -e {folder}/slow && sleep 30
for target; do cp {folder}/program {folder}/suites/${{target#suite_}}; echo "# $(cat {folder}/src/lockfree/*.hpp | cksum)" \
>> {folder}/suites/${{target#suite_}}; chmod +x {folder}/suites/${{target#suite_}}; done
"""


class WatchTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        (self.folder / "suites").mkdir()
        shutil.copytree(SOURCE / "src" / "lockfree", self.folder / "src" / "lockfree")
        (self.folder / "program").write_text(PROGRAM.format(python=sys.executable, folder=self.folder))
        build = self.folder / "build.sh"
        build.write_text(BUILD.format(folder=self.folder))
        build.chmod(0o755)
        self.header = self.folder / "src" / "lockfree" / "remote_word.hpp"

    def command(self, *more):
        return [CHECK, "watch", "--source", str(self.folder), "--build", str(self.folder), "--build-command",
                str(self.folder / "build.sh"), *more]

    def git(self, *words):
        subprocess.run(["git", "-C", str(self.folder), "-c", "user.name=x", "-c", "user.email=x@example.org", *words],
                       check=True, stdout=subprocess.DEVNULL)

    def checkout(self):
        self.git("init", "--quiet")
        self.git("add", "src")
        self.git("commit", "--quiet", "--message", "as it was")

    def once(self, revision="HEAD", *more):
        done = subprocess.run(self.command("--since", revision, *more), text=True, capture_output=True, check=False,
                              timeout=SECONDS)
        return done.returncode, done.stdout + done.stderr

    def edit(self, old="next, std::memory_order_acq_rel", new="next, std::memory_order_acquire"):
        text = self.header.read_text()
        self.assertEqual(text.count(old), 1, old)
        self.header.write_text(text.replace(old, new))

    def calls(self):
        path = self.folder / "calls"
        return path.read_text().splitlines() if path.exists() else []

    def touch(self, name):
        (self.folder / name).write_text("")


class Since(WatchTest):
    def setUp(self):
        super().setUp()
        self.checkout()

    def test_what_has_not_changed_needs_nothing(self):
        code, output = self.once()
        self.assertEqual((code, self.calls()), (0, []))
        self.assertIn("VERDICT: PASSED: nothing below src has changed since HEAD", output)

    def test_comments_need_nothing(self):
        self.edit("#pragma once\n", "#pragma once\n// A comment, and a line more.\n")
        code, output = self.once()
        self.assertEqual((code, self.calls()), (0, []))
        self.assertIn("remote_word.hpp: comments and layout only", output)
        self.assertIn("VERDICT: PASSED: no code below src has changed", output)

    def test_the_suites_of_the_changed_word_are_built_and_run_first(self):
        self.edit()
        code, output = self.once()
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"src/lockfree/remote_word\.hpp:\d+: push_chain")
        self.assertRegex(output, r"VERDICT: PASSED: all \d+ of the quick tier hold; first answer after .* all after")
        builds = " ".join(call for call in self.calls() if call.startswith("build")).split()
        targets = [word for word in builds if word.startswith("suite_")]
        self.assertEqual(targets[0], "suite_remote_word")
        self.assertEqual(len(targets), len(set(targets)))
        runs = [call.split() for call in self.calls() if not call.startswith("build")]
        self.assertEqual(set(self.runs()), {target[len("suite_"):] for target in targets})
        self.assertEqual(runs[0][0], "remote_word")
        self.assertTrue(runs[0][runs[0].index("--first") + 1].startswith("remote_word/"))

    def runs(self):
        return [call.split()[0] for call in self.calls() if not call.startswith("build")]

    def test_a_program_that_is_as_it_was_when_it_passed_is_not_run_again(self):
        self.edit()
        self.touch("fail-remote_word")
        self.once()
        (self.folder / "fail-remote_word").unlink()
        first = self.runs()
        code, output = self.once()
        self.assertEqual((code, self.runs()), (0, first + ["remote_word"]))
        self.assertRegex(output, fr"VERDICT: PASSED: all {len(first)} of the quick tier hold.*; {len(first) - 1} of {len(first)} "
                                 "programs are as they were when they passed")

    def test_what_is_kept_of_passed_programs_may_be_damaged(self):
        self.edit()
        self.once()
        first = self.runs()
        (self.folder / "passed.json").write_text('{"remote_word": {"content": 7, "rows": [{}]}}')
        self.assertEqual(self.once()[0], 0)
        self.assertEqual(self.runs(), first * 2)

    def test_a_failure_is_shown_and_is_the_verdict(self):
        self.edit()
        self.touch("fail-remote_word")
        report = self.folder / "report.json"
        code, output = self.once("HEAD", "--json", str(report))
        self.assertEqual(code, 1)
        for text in ("FAIL  remote_word/suite", "DATA RACE planted", "[0] 0: the last step", "first counterexample after",
                     f"replay: {self.folder}/suites/remote_word replay 'remote_word/suite:full:0:0'", "VERDICT: FAILED"):
            self.assertIn(text, output)
        written = json.loads(report.read_text())
        self.assertEqual(written["verdict"], "FAILED")
        self.assertEqual([row["suite"] for row in written["results"] if row["status"] == "fail"], ["remote_word/suite"])

    def test_a_broken_build_is_incomplete_and_says_the_first_error(self):
        self.edit()
        self.touch("broken")
        code, output = self.once()
        self.assertEqual(code, 3)
        self.assertIn("src/lockfree/remote_word.hpp:7: error: expected something", output)
        self.assertIn("VERDICT: INCOMPLETE: the build is broken", output)

    def test_a_program_that_says_nothing_is_incomplete(self):
        self.edit()
        (self.folder / "program").write_text("#!/bin/sh\nexit 0\n")
        code, output = self.once()
        self.assertEqual(code, 3)
        self.assertIn("VERDICT: INCOMPLETE", output)

    def test_new_and_removed_files_are_changes(self):
        (self.folder / "src" / "lockfree" / "fresh.hpp").write_text("inline int fresh() { return 1; }\n")
        (self.folder / "src" / "lockfree" / "bitmap_word.hpp").unlink()
        code, output = self.once()
        self.assertEqual(code, 0, output)
        self.assertIn("src/lockfree/fresh.hpp:1: fresh", output)
        self.assertIn("src/lockfree/bitmap_word.hpp", output)

    def test_what_is_no_revision_is_a_wrong_call(self):
        for revision in ("no-such-revision", "--output=x"):
            done = subprocess.run(self.command(f"--since={revision}"), text=True, capture_output=True, check=False,
                                  timeout=SECONDS)
            self.assertEqual((done.returncode, done.stdout), (2, ""))
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn("there is no revision", done.stderr)


class SinceOutside(WatchTest):
    def test_what_is_no_checkout_is_a_wrong_call(self):
        code, output = self.once()
        self.assertEqual(code, 2)
        self.assertEqual(output.count("\n"), 1, output)
        self.assertIn("is none", output)


class ForEver(WatchTest):
    def setUp(self):
        super().setUp()
        self.output = open(self.folder / "output", "w+")
        self.addCleanup(self.output.close)
        self.process = subprocess.Popen(self.command(), stdout=self.output, stderr=subprocess.STDOUT)
        self.addCleanup(self.stop)
        self.wait_for("Ctrl-C ends")

    def stop(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def shown(self):
        return (self.folder / "output").read_text()

    def wait_for(self, text, times=1):
        end = time.monotonic() + SECONDS
        while self.shown().count(text) < times:
            self.assertLess(time.monotonic(), end, f"no '{text}' in: {self.shown()}")
            self.assertIsNone(self.process.poll(), self.shown())
            time.sleep(0.05)

    def end(self, signal_number=signal.SIGINT):
        self.process.send_signal(signal_number)
        return self.process.wait(SECONDS)

    def left_running(self):
        """Command lines that speak of this test's folder."""
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if str(self.folder) in words:
                found.append(words)
        return found

    def test_every_edit_gets_a_verdict(self):
        self.touch("fail-remote_word")
        self.edit()
        self.wait_for("VERDICT: FAILED")
        (self.folder / "fail-remote_word").unlink()
        self.edit("next, std::memory_order_acquire", "next, std::memory_order_seq_cst")
        self.wait_for("VERDICT: PASSED")
        self.assertEqual(self.end(), 0)

    def test_comments_are_recognised(self):
        self.edit("#pragma once\n", "#pragma once\n// A comment.\n")
        self.wait_for("no code has changed: nothing to run")
        self.assertEqual(self.calls(), [])

    def test_a_broken_build_waits_for_the_next_edit(self):
        self.touch("broken")
        self.edit()
        self.wait_for("VERDICT: INCOMPLETE: the build is broken")
        (self.folder / "broken").unlink()
        self.edit("next, std::memory_order_acquire", "next, std::memory_order_seq_cst")
        self.wait_for("VERDICT: PASSED")

    def test_an_edit_during_a_run_begins_anew(self):
        self.touch("slow")
        self.edit()
        self.wait_for("push_chain")
        (self.folder / "slow").unlink()
        self.edit("exchange(0, std::memory_order_acquire)", "exchange(0, std::memory_order_seq_cst)")
        self.wait_for("take_all")
        self.wait_for("VERDICT: PASSED")
        self.assertEqual(self.shown().count("VERDICT"), 1)

    def test_a_program_that_was_interrupted_has_not_passed(self):
        self.touch("hold")
        self.edit()
        while not any(call.startswith("remote_word") for call in self.calls()):
            time.sleep(0.05)
        (self.folder / "src" / "more.hpp").write_text("inline int more() { return 1; }\n")  # no program's business
        self.wait_for("more.hpp:1: more")
        (self.folder / "hold").unlink()
        self.wait_for("VERDICT: PASSED")
        self.assertEqual(sum(call.startswith("remote_word") for call in self.calls()), 2)

    def is_interrupted_with(self, held, awaited):
        """While something goes on that would not end for long."""
        self.touch(held)
        self.edit()
        while not any(call.startswith(awaited) for call in self.calls()):
            time.sleep(0.05)
        self.assertEqual(self.end(), 3)
        self.assertIn("VERDICT: INCOMPLETE: interrupted", self.shown())
        self.assertEqual(self.left_running(), [])

    def test_an_interrupt_ends_a_build(self):
        self.is_interrupted_with("slow", "build")

    def test_an_interrupt_ends_a_program(self):
        self.is_interrupted_with("hold", "remote_word")


class Terminal(WatchTest):
    def test_shows_the_counterexample_in_place(self):
        self.touch("fail-remote_word")
        master, slave = pty.openpty()
        process = subprocess.Popen(self.command(), stdout=slave, stderr=slave)
        os.close(slave)
        shown = ""
        while "Ctrl-C ends" not in shown:
            shown += os.read(master, 1 << 16).decode()
        self.edit()
        while "VERDICT: FAILED" not in shown:
            shown += os.read(master, 1 << 16).decode()
        process.send_signal(signal.SIGINT)
        self.assertEqual(process.wait(SECONDS), 1)
        os.close(master)
        last = shown.rsplit("\033[H", 1)[1]
        for text in ("push_chain", "FAIL  remote_word/suite", "[0] 0: the last step", "VERDICT: FAILED"):
            self.assertIn(text, last)


class RealEdit(WatchTest):
    def test_a_weakened_order_is_on_screen_before_the_other_programs_are_built(self):
        """The suites of the remote word over a header with one order weakened, as the watch would build them."""
        self.checkout()
        self.edit()
        build = self.folder / "build.sh"
        build.write_text(f"#!/bin/sh\nfor target; do test $target = suite_remote_word || continue; "
                         f"cp {EDITED} {self.folder}/suites/remote_word; done\n")
        code, output = self.once()
        self.assertEqual(code, 1, output)
        self.assertRegex(output, r"FAIL +remote_word/.*DATA RACE")
        self.assertRegex(output, r"order=acquire, in push_chain, (\.\./)*src/lockfree/remote_word\.hpp\(\d+\)")
        token = re.search(r"replay: (\S+) replay '([^']+)'", output)
        again = subprocess.run([token[1], "replay", token[2]], text=True, capture_output=True, check=False)
        self.assertEqual(again.returncode, 1)
        self.assertIn("DATA RACE", again.stdout)


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    EDITED, SOURCE = (pathlib.Path(sys.argv.pop(1)).resolve() for _ in range(2))
    unittest.main()
