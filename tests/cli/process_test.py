"""How programs are watched and ended: what hangs, what only waits for its turn, and what is left behind (nothing)."""
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from slow_machine import quarter_of_a_core

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))
from hakmem_ci.core import process  # noqa: E402 pylint: disable=wrong-import-position

SLEEP = "import time; time.sleep(600)"
SPIN = "while True: pass"
DEADLOCK = "import threading\nlock = threading.Lock()\nlock.acquire()\nthreading.Thread(target=lock.acquire).start()\nlock.acquire()"
CHILD_IN_A_SESSION = ("import subprocess, sys, time\n"
                      "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], start_new_session=True)\n"
                      "print(child.pid, flush=True)\n")
STUBBORN = "import signal, time\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\nprint('here', flush=True)\ntime.sleep(600)"


def python(text):
    return [sys.executable, "-c", text]


def alive(pid):
    """Whether a process runs; one that only its parent still has to fetch does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state not in "ZX"


class Clockwork(unittest.TestCase):
    """What a watch says of a sleeper, by a clock that the test moves."""

    def setUp(self):
        self.sleeper = subprocess.Popen(python(SLEEP), start_new_session=True)
        self.addCleanup(lambda: (self.sleeper.kill(), self.sleeper.wait()))
        while "S" != pathlib.Path(f"/proc/{self.sleeper.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]:
            time.sleep(0.05)
        time.sleep(0.3)
        self.watch = process.Watch(self.sleeper.pid, None, patience=60.0)
        self.now = self.watch.lively_at
        self.look_after(0.1)

    def look_after(self, seconds):
        self.now += seconds
        return self.watch.look(self.now)

    def test_who_sleeps_through_every_look_hangs(self):
        words = [self.look_after(process.LOOK_SECONDS) for _ in range(int(62 / process.LOOK_SECONDS))]
        self.assertIn(process.HANGS, words)
        self.assertEqual(words[:int(55 / process.LOOK_SECONDS)], [None] * int(55 / process.LOOK_SECONDS))

    def test_a_machine_that_stood_still_has_seen_nobody_sleep(self):
        self.assertIsNone(self.look_after(3600))
        self.assertIsNone(self.look_after(process.LOOK_SECONDS))


class Runs(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-process-")
        self.addCleanup(folder.cleanup)
        self.stop = process.Stop()
        self.runner = process.Runner(pathlib.Path(folder.name), pathlib.Path(folder.name), self.stop)
        for name, value in {"GRACE_SECONDS": 0.5, "LOOK_SECONDS": 0.1, "SLEEP_SECONDS": 1.5}.items():
            self.addCleanup(setattr, process, name, getattr(process, name))
            setattr(process, name, value)

    def run_text(self, text, **limits):
        return self.runner.run("program", python(text), **limits)

    def assert_gone(self, pid):
        """A process that was killed may take a moment to end."""
        deadline = time.monotonic() + 60
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        self.assertFalse(alive(pid))

    def test_sleep_and_deadlock_hang_and_show_where(self):
        for text in (SLEEP, DEADLOCK):
            outcome = self.run_text(text)
            self.assertEqual(outcome.ending, process.HANGS, outcome)
            self.assertFalse(outcome.cut_off)
            self.assertRegex(outcome.output, r"process \d+ \(.+\), state S")

    def test_a_program_that_waits_for_its_turn_does_not_hang(self):
        with quarter_of_a_core() as prefix:
            outcome = self.runner.run("program", [*prefix, *python(SPIN)], processor_seconds=0.7)
        self.assertEqual(outcome.ending, process.USED_UP, outcome)
        self.assertTrue(outcome.cut_off)
        self.assertLess(outcome.processor_seconds, 0.75 * outcome.seconds)

    def test_what_children_use_counts(self):
        text = ("import subprocess, sys\n"
                f"child = subprocess.Popen([sys.executable, '-c', {SPIN!r}], start_new_session=True)\n"
                "print(child.pid, flush=True)\nchild.wait()")
        outcome = self.run_text(text, processor_seconds=0.5)
        self.assertEqual(outcome.ending, process.USED_UP)
        self.assert_gone(int(outcome.output.splitlines()[0]))

    def test_a_crash_and_a_kill_are_told_apart(self):
        crash = self.run_text("import os; os.abort()")
        self.assertEqual((crash.ending, crash.cut_off, crash.code), (process.EXITED, False, -signal.SIGABRT))
        killed = self.run_text("import os, signal; os.kill(os.getpid(), signal.SIGKILL)")
        self.assertEqual((killed.ending, killed.cut_off), (process.EXITED, True))
        self.assertIn("SIGKILL", killed.describe())

    def test_a_missing_tool_did_not_start(self):
        outcome = self.runner.run("program", ["no-such-program"])
        self.assertEqual(outcome.ending, process.NOT_STARTED)
        self.assertIn("no-such-program", outcome.describe())

    def test_an_interrupt_asks_and_then_ends(self):
        started = []

        def heard(_):
            started.append(time.monotonic())
            self.stop.heard()

        outcome = self.run_text(STUBBORN, on_line=heard)
        self.assertEqual(outcome.ending, process.INTERRUPTED)
        self.assertGreaterEqual(time.monotonic() - started[0], process.GRACE_SECONDS)

    def test_a_second_interrupt_asks_nobody(self):
        process.GRACE_SECONDS = 60.0

        def heard(_):
            self.stop.heard()
            threading.Timer(0.2, self.stop.heard).start()

        outcome = self.run_text(STUBBORN, on_line=heard)
        self.assertEqual(outcome.ending, process.INTERRUPTED)
        self.assertLess(outcome.seconds, process.GRACE_SECONDS)

    def test_nothing_that_a_program_has_started_is_left(self):
        outcome = self.run_text(CHILD_IN_A_SESSION + "time.sleep(600)")
        self.assertEqual(outcome.ending, process.HANGS)
        self.assert_gone(int(outcome.output.splitlines()[0]))


if __name__ == "__main__":
    unittest.main()
