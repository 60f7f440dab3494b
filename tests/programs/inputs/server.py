"""A server of a session: started, waited for, and ended whatever happens, also when the session is told to end."""
import concurrent.futures
import signal
import socket
import subprocess
import sys
import time

WAIT_SECONDS = 600  # only against hanging: a busy machine takes longer


def end_by_exception():
    """From here on a request to end raises SystemExit, so that servers are shut down on the way out."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: sys.exit("the session was told to end"))


def wait_until(condition, what):
    """Waits until `condition()` holds; ends the session if it never does."""
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"{what} took more than {WAIT_SECONDS} s")
        time.sleep(0.02)


def free_port():
    """A TCP port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def at_once(count, task):
    """[task(0), task(1), ...], each on a thread of its own. What one of them raises ends the session."""
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(task, range(count)))


class Server:
    """`command` runs from `with` on, once `answers()` holds; its output goes to the file `log`. `end` is the signal that
    asks it to end."""

    def __init__(self, command, answers, log, end=signal.SIGTERM):
        self.command, self.answers, self.log, self.end = command, answers, log, end
        self.process = None

    def __enter__(self):
        end_by_exception()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(self.is_ready, f"the start of {self.command[0]}")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_):
        self.stop()

    def is_ready(self):
        if self.process.poll() is not None:
            sys.exit(f"{self.command[0]} ended with {self.process.returncode}: {self.said()[-2000:]}")
        return self.answers()

    def said(self):
        """What the server has written."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def stop(self, number=None):
        """Asks the server to end, and says how it did: its exit code, below zero a signal's number."""
        if self.process.poll() is None:
            self.process.send_signal(self.end if number is None else number)
        try:
            return self.process.wait(WAIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()
