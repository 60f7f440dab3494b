"""Runs programs: output into a log and, line by line, to a listener; ended when too slow or when the user says so."""
import dataclasses
import os
import selectors
import signal
import subprocess
import threading
import time

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0  # between asking a program to end and ending it

# Variables of the caller's shell that would quietly change what is checked (filter tests, switch caches off).
SHELL_VARIABLES_LEFT_OUT = ("HAKMEM_", "GTEST_", "RC_PARAMS", "LD_PRELOAD")


@dataclasses.dataclass
class Outcome:
    """What became of a program. `ending` is "exited", "timed out", "interrupted" or "not started"."""

    ending: str
    code: int
    seconds: float
    log: str
    output: str

    @property
    def clean(self):
        return self.ending == "exited" and self.code == 0

    @property
    def cut_off(self):
        """The program never ran, or the user stopped it: its checks count as not run."""
        return self.ending in ("interrupted", "not started")

    def describe(self):
        """The ending in words, for a message."""
        if self.ending == "timed out":
            return f"did not end within {self.seconds:.0f} s"
        if self.ending == "interrupted":
            return "interrupted"
        if self.ending == "not started":
            return self.output
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"


class Stop:
    """Set once by Ctrl-C (or SIGTERM); every running program is then asked to end, and nothing new starts."""

    def __init__(self):
        self.event = threading.Event()

    def install(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: self.event.set())

    def is_set(self):
        return self.event.is_set()


def environment(extra):
    """The caller's environment without what would change the checks, plus `extra`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(SHELL_VARIABLES_LEFT_OUT)}
    return {**kept, **extra}


def signal_group(child, number):
    """Sends a signal to the program and everything it started."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


class Runner:
    """Starts programs below `root`; logs go to `logs`. Thread-safe."""

    def __init__(self, root, logs, stop):
        self.root = root
        self.logs = logs
        self.stop = stop

    def run(self, name, command, seconds, extra_environment=None, on_line=None):
        """Runs `command` for at most `seconds`. `name` names the log; `on_line` gets each line of output."""
        log = self.logs / f"{name}.log"
        started = time.monotonic()
        if self.stop.is_set():
            return Outcome("interrupted", 0, 0.0, "", "")
        if seconds <= 0:
            return Outcome("not started", 0, 0.0, "", "no time was left for it")
        command = [str(word) for word in command]
        try:
            child = subprocess.Popen(
                command, cwd=self.root, env=environment(extra_environment or {}), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            return Outcome("not started", 0, 0.0, "", f"cannot be started: {error.strerror}: {command[0]}")
        with open(log, "wb") as sink:
            ending = self.follow(child, sink, started + seconds, on_line)
        output = log.read_text(encoding="utf-8", errors="replace")
        shown = str(log.relative_to(self.root))
        return Outcome(ending, child.returncode, time.monotonic() - started, shown, output)

    def follow(self, child, sink, deadline, on_line):
        """Copies the output until the program ends, the deadline passes or the user stops it. Leaves no process."""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            os.set_blocking(child.stdout.fileno(), False)
            lines = LineSplitter(on_line)
            ending, kill_at, open_ = "exited", None, True
            while open_ or child.poll() is None:
                if open_:
                    open_ = self.copy(selector, child, sink, lines)
                else:
                    time.sleep(POLL_SECONDS)
                now = time.monotonic()
                if kill_at is None and (self.stop.is_set() or now > deadline):
                    ending = "interrupted" if self.stop.is_set() else "timed out"
                    signal_group(child, signal.SIGINT if ending == "interrupted" else signal.SIGTERM)
                    kill_at = now + GRACE_SECONDS
                elif kill_at is not None and (now > kill_at or child.poll() is not None):
                    break
                if child.poll() is not None and open_ and not selector.select(POLL_SECONDS):
                    break  # a background process of the program still holds its output open
            signal_group(child, signal.SIGKILL)
            child.wait()
            child.stdout.close()
            lines.finish()
            return ending

    @staticmethod
    def copy(selector, child, sink, lines):
        """Moves what is there from the program to the log. False once the program has closed its output."""
        if not selector.select(POLL_SECONDS):
            return True
        chunk = child.stdout.read(65536)
        if chunk is None:
            return True
        if not chunk:
            selector.unregister(child.stdout)
            return False
        sink.write(chunk)
        sink.flush()
        lines.feed(chunk)
        return True


class LineSplitter:
    """Cuts a stream of bytes into lines for a listener (or for nobody)."""

    def __init__(self, on_line):
        self.on_line = on_line
        self.rest = b""

    def feed(self, chunk):
        if self.on_line is None:
            return
        *lines, self.rest = (self.rest + chunk).replace(b"\r", b"\n").split(b"\n")
        for line in lines:
            self.on_line(line.decode("utf-8", "replace"))

    def finish(self):
        if self.on_line is not None and self.rest:
            self.on_line(self.rest.decode("utf-8", "replace"))
