#!/usr/bin/env python3
"""The crash log: a report, and then what would have happened without it. Not a trace of it unless asked for."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

LIBRARY, PROGRAM = sys.argv[1:3]
del sys.argv[1:]


def run(*arguments, log=None):
    environment = {**os.environ, "LD_PRELOAD": LIBRARY}
    if log is not None:
        environment["HAKMEM_CRASH_LOG"] = str(log)
    return subprocess.run([PROGRAM, *arguments], env=environment, text=True, capture_output=True,
                          check=False)


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
