#!/usr/bin/env python3
"""The crash log: a report, and then what would have happened without it. Not a trace of it unless asked for."""
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import tempfile
import unittest

LIBRARY, PROGRAM = sys.argv[1:3]
del sys.argv[1:]
CPU_SECONDS = 1


def run(*arguments, log=None, before=lambda: None, **more):
    """`before`: what the process does before it becomes the program."""
    def start():
        # A handler that a fault comes back to would never end.
        resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS + 1))
        before()
    environment = {**os.environ, "LD_PRELOAD": LIBRARY}
    if log is not None:
        environment["HAKMEM_CRASH_LOG"] = str(log)
    return subprocess.run([PROGRAM, *arguments], env=environment, text=True, capture_output=True,
                          check=False, preexec_fn=start, **more)


def frames_of(done):
    """The addresses that a report says the crash was called from."""
    return re.search(r"^hakmem: at 0x[0-9a-f]+, called from((?: 0x[0-9a-f]+)*)$", done.stderr, re.MULTILINE)[1].split()


class CrashLog(unittest.TestCase):
    def test_reports_and_dies_by_the_same_signal(self):
        for way, signal_number, words in (
                ("null", signal.SIGSEGV, "hakmem: SIGSEGV at address 0x0: not memory of this heap\n"),
                ("abort", signal.SIGABRT, "hakmem: SIGABRT, sent by process "),
                ("kill", signal.SIGBUS, "hakmem: SIGBUS, sent by process "),
                ("block", signal.SIGSEGV, ": a slab of 48-byte blocks at 0x")):
            done = run(way, log=1)
            self.assertEqual(done.returncode, -signal_number, way)
            self.assertIn(words, done.stderr)
            self.assertIn("hakmem: at 0x", done.stderr)
            self.assertIn("hakmem: superslabs_mapped ", done.stderr)
            self.assertEqual(done.stderr.count("hakmem: SIG"), 1)

    def test_is_added_to_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            self.assertEqual((run("null", log=log).stderr, run("null", log=log).stderr), ("", ""))
            self.assertEqual(log.read_text(encoding="utf-8").count("hakmem: SIGSEGV at address 0x0"), 2)

    def test_what_others_may_have_put_there_is_neither_followed_nor_waited_for(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            target, link, pipe = (pathlib.Path(folder) / name for name in ("target", "link", "pipe"))
            target.write_text("", encoding="utf-8")
            link.symlink_to(target)
            os.mkfifo(pipe)
            for log in (link, pipe):
                done = run("null", log=log)
                self.assertEqual(done.returncode, -signal.SIGSEGV)
                self.assertIn("cannot be opened for writing", done.stderr)
            self.assertEqual(target.read_text(encoding="utf-8"), "")
            os.chmod(folder, 0o755)
            run("null", log=link)
            self.assertIn("hakmem: SIGSEGV", target.read_text(encoding="utf-8"), "the control: a folder of one's own")

    def test_a_pipe_is_written_to_where_nobody_else_can_have_put_it(self):
        with tempfile.TemporaryDirectory() as folder:
            pipe = pathlib.Path(folder) / "pipe"
            os.mkfifo(pipe)
            reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            self.addCleanup(os.close, reader)
            self.assertEqual(run("null", log=pipe).stderr, "")
            self.assertIn(b"hakmem: SIGSEGV", os.read(reader, 65536))
            os.chmod(folder, 0o777)
            for more in ({}, {"before": lambda: os.close(0)}):
                self.assertIn("cannot be opened for writing", run("null", log=pipe, **more).stderr)

    def test_a_file_of_one_s_own_is_written_to_among_strangers_too(self):
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o777)
            log = pathlib.Path(folder) / "log"
            self.assertEqual(run("null", log=log).stderr, "")
            self.assertIn("hakmem: SIGSEGV", log.read_text(encoding="utf-8"))

    def test_a_file_may_get_the_number_of_standard_input(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            self.assertEqual(run("null", log=log, before=lambda: os.close(0)).stderr, "")
            self.assertIn("hakmem: SIGSEGV", log.read_text(encoding="utf-8"))

    def test_a_relative_path_stays_where_it_was_given(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("moved", log="log", cwd=folder).stderr, "")
            self.assertIn("hakmem: SIGSEGV", (pathlib.Path(folder) / "log").read_text(encoding="utf-8"))

    def test_a_path_that_cannot_be_kept_is_refused(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertEqual(run("gone_folder", cwd=folder).stdout, "refused\n")
            self.assertEqual(run("long_path", cwd=folder).stdout, "too long\n")
            self.assertEqual(run("long_folder", cwd=folder).stdout, "too long\ntaken\n")

    def test_says_what_the_heap_has_at_the_address(self):
        for way, words in (("block", r"a slab of 48-byte blocks at 0x[0-9a-f]+, block \d+, 0 bytes into it"),
                           ("uncut", r"a slab of \d+-byte blocks at 0x[0-9a-f]+, block \d+, never handed out, 0 bytes into it"),
                           ("direct", r"a direct mapping of \d+-byte blocks at 0x[0-9a-f]+")):
            self.assertRegex(run(way, log=1).stderr, rf"(?m)^hakmem: SIGSEGV at address 0x[0-9a-f]+: {words}$")

    def test_frames_are_followed_as_far_as_they_make_sense(self):
        frames = frames_of(run("null", log=1))
        self.assertGreaterEqual(len(frames), 2)
        self.assertEqual(len(set(frames)), len(frames))
        self.assertEqual(len(frames_of(run("deep", log=1))), 16)
        for way, expected in (("nowhere", []), ("crooked", []), ("circle", ["0x1234"]), ("down", ["0x1234"]),
                              ("torn", ["0x1234"])):
            self.assertEqual(frames_of(run(f"frame:{way}", log=1)), expected, way)

    def test_a_thread_whose_stack_has_run_out_still_reports(self):
        done = run("stack", log=1)
        self.assertEqual(done.returncode, -signal.SIGSEGV)
        self.assertIn("hakmem: SIGSEGV at address 0x", done.stderr)

    def test_the_program_s_handler_is_called_after_the_report(self):
        done = run("null", "handler", "1")
        self.assertEqual((done.returncode, done.stdout), (7, "own handler\n"))
        self.assertIn("hakmem: SIGSEGV at address 0x0", done.stderr)

    def test_a_handler_installed_later_has_the_say(self):
        done = run("null", "late_handler", log=1)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (7, "own handler\n", ""))

    def test_what_is_sent_and_ignored_stays_ignored(self):
        done = run("ignored")
        self.assertEqual((done.returncode, done.stdout), (0, "still there\n"))
        self.assertEqual(done.stderr.count("hakmem: SIGBUS, sent by process"), 1)
        self.assertEqual(run("ignored_fault").returncode, -signal.SIGSEGV, "a fault cannot be ignored")

    def test_handlers_before_the_log_are_called_as_they_asked_to_be(self):
        done = run("told_twice")
        self.assertEqual((done.returncode, done.stdout), (0, "told\ntold\n"))
        self.assertEqual(done.stderr.count("hakmem: SIGBUS"), 1, "one report is enough")
        done = run("told_once")
        self.assertEqual((done.returncode, done.stdout), (-signal.SIGBUS, "told\n"), "SA_RESETHAND")
        self.assertEqual(run("flags").stdout, "kept\n")
        done = run("called_twice")
        self.assertEqual((done.returncode, done.stdout), (0, "called\ncalled\n"))
        self.assertEqual(done.stderr.count("hakmem: SIGBUS"), 2, "a log that is set anew reports anew")

    def test_may_be_switched_off_and_on(self):
        self.assertEqual(run("off", log=1).stdout, "none\n")
        for way in ("off_on", "on_on"):
            done = run(way, log=1)
            self.assertEqual(done.returncode, -signal.SIGSEGV, way)
            self.assertEqual(done.stderr.count("hakmem: SIGSEGV"), 1, way)

    def test_is_silent_when_it_is_switched_off_behind_another_handler(self):
        done = run("off_behind", log=1)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (-signal.SIGBUS, "in front\n", ""))

    def test_threads_have_a_stack_for_signals_while_there_is_a_log(self):
        for way, log, words in (("stack?", None, "none"), ("stack?", 1, "some"), ("own_stack", None, "own"),
                                ("no_stack", None, "none"), ("ended", 1, "none"), ("own_ended", 1, "own"),
                                ("threads", 1, "level")):
            self.assertEqual(run(way, log=log).stdout, f"{words}\n", (way, log))

    def test_without_the_option_there_is_no_handler(self):
        self.assertEqual(run("handlers").stdout, "none\n")
        self.assertEqual(run("handlers", log=0).stdout, "none\n")
        self.assertEqual(run("handlers", log=1).stdout, "some\n", "the control")
        done = run("null")
        self.assertEqual((done.returncode, done.stderr), (-signal.SIGSEGV, ""))

    def test_a_file_that_cannot_be_written_is_named(self):
        done = run("handlers", log="/nonexistent/log")
        self.assertEqual(done.stdout, "none\n")
        self.assertIn("hakmem: HAKMEM_CRASH_LOG=/nonexistent/log cannot be opened for writing; give ", done.stderr)


if __name__ == "__main__":
    unittest.main()
