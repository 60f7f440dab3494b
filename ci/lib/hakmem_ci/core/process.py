"""Runs programs: output into a log and, line by line, to a listener; ended when they hang, when their processor time is
used up, or when the user says so. Time that passes on the wall is nobody's limit: a busy machine only takes longer."""
import dataclasses
import errno
import os
import selectors
import signal
import subprocess
import threading
import time

from hakmem_ci.core import processes

POLL_SECONDS = 0.1
GRACE_SECONDS = 5.0  # between asking a program to end and ending it
LOOK_SECONDS = 2.0  # between two looks at what a program has used
SKIPPED_LOOKS = 5  # after so many nothing is known of the time between
SLEEP_SECONDS = 600.0  # after which a program hangs of which no thread has used or waited for a processor
AMPLE = 20  # a program may use so many times the processor time that it is expected to need

# Variables of the caller's shell that would quietly change what is checked (filter tests, switch caches off).
SHELL_VARIABLES_LEFT_OUT = ("HAKMEM_", "GTEST_", "RC_PARAMS", "LD_PRELOAD")

EXITED, HANGS, USED_UP, OUT_OF_TIME = "exited", "hangs", "used up", "out of time"
INTERRUPTED, NOT_STARTED, DISK_FULL = "interrupted", "not started", "disk full"
NO_END = (HANGS, USED_UP)


@dataclasses.dataclass
class Outcome:
    """What became of a program. `ending` is one of the words above."""

    ending: str
    code: int
    seconds: float
    log: str
    output: str
    processor_seconds: float = 0.0

    @property
    def clean(self):
        return self.ending == EXITED and self.code == 0

    @property
    def cut_off(self):
        """The program did not come to an end of its own: of what it checks, nothing is known to be wrong."""
        return self.ending not in (EXITED, HANGS) or (self.ending == EXITED and self.code == -signal.SIGKILL)

    def describe(self):
        """The ending in words, for a message."""
        if self.ending == HANGS:
            return "hangs: none of its threads has run or waited for a processor for long"
        if self.ending == USED_UP:
            return f"has not ended within {self.processor_seconds:.0f} s of processor time, many times what it needs"
        if self.ending == OUT_OF_TIME:
            return f"was cut off after {self.seconds:.0f} s: --minutes allows no more"
        if self.ending in (INTERRUPTED, NOT_STARTED):
            return self.output or self.ending
        if self.ending == DISK_FULL:
            return f"was ended: {self.output}"
        if self.code == -signal.SIGKILL:
            return "was killed by SIGKILL: by somebody, or for want of memory"
        if self.code < 0:
            return f"was ended by {signal.Signals(-self.code).name}"
        return f"ended with exit code {self.code}"


class Stop:
    """Set by Ctrl-C (or SIGTERM, SIGHUP): every running program is asked to end, and nothing new starts. The second time
    nobody is asked."""

    def __init__(self):
        self.event = threading.Event()
        self.at_once = threading.Event()

    def install(self):
        """From here on the signals end programs, and not this one."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.heard)

    def heard(self, *_):
        """A signal has come."""
        (self.at_once if self.event.is_set() else self.event).set()

    def is_set(self):
        return self.event.is_set()


def environment(extra):
    """The caller's environment without what would change the checks, plus `extra`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(SHELL_VARIABLES_LEFT_OUT)}
    return {**kept, **extra}


def signal_group(child, number):
    """Sends a signal to the program and everything it started in its group."""
    try:
        os.killpg(child.pid, number)
    except ProcessLookupError:
        pass


class Watch:
    """Looks now and then at what a program has used. `allowed`: seconds of processor time, None without a bound;
    `patience`: how long it may sleep."""

    def __init__(self, pid, allowed, patience=None):
        self.pid, self.allowed = pid, allowed
        self.patience = SLEEP_SECONDS if patience is None else patience
        self.used = 0.0
        self.known = {}  # pid -> when it started, of all that were seen
        self.stacks = ""
        self.next_look = self.looked_at = self.lively_at = time.monotonic()

    def tree(self):
        """The processes of the program, with those whose parents have ended since they were seen."""
        found = processes.tree_of(self.pid, self.known)
        self.known.update({pid: fields[processes.STARTED] for pid, fields in found.items()})
        return found

    def look(self, now):
        """HANGS, USED_UP or None."""
        if now < self.next_look:
            return None
        # Who did not look for long, because the machine or this program was stopped, has not seen anybody sleep.
        if now - self.looked_at > SKIPPED_LOOKS * LOOK_SECONDS:
            self.lively_at += now - self.looked_at
        self.looked_at, self.next_look = now, now + LOOK_SECONDS
        tree = self.tree()
        used = processes.processor_seconds(tree)
        if used > self.used or processes.can_run(tree):
            self.lively_at = now
        self.used = max(self.used, used)
        if self.allowed is not None and self.used > self.allowed:
            return USED_UP
        if now - self.lively_at > self.patience:
            self.stacks = processes.stacks_of(tree)
            return HANGS
        return None

    def wait(self, child, stop):
        """Waits for the end of a program that nobody listens to. \return EXITED, HANGS, USED_UP or INTERRUPTED"""
        while child.poll() is None:
            why = INTERRUPTED if stop.is_set() else self.look(time.monotonic())
            if why is not None:
                return why
            time.sleep(POLL_SECONDS / 2)
        return EXITED


class Runner:
    """Starts programs below `root`; logs go to `logs`. Thread-safe."""

    def __init__(self, root, logs, stop):
        self.root = root
        self.logs = logs
        self.stop = stop

    def run(self, name, command, processor_seconds=None, extra_environment=None, on_line=None, deadline=None,
            patience=None):
        """Runs `command`. `name` names the log; `processor_seconds`: what it and all that it starts may use at the very
        most; `deadline`: when the user's minutes are over, by the monotonic clock; `on_line` gets each line of output;
        `patience`: how long it may sleep before it hangs (default: SLEEP_SECONDS)."""
        log = self.logs / f"{name}.log"
        started = time.monotonic()
        if self.stop.is_set():
            return Outcome(INTERRUPTED, 0, 0.0, "", "")
        if deadline is not None and started >= deadline:
            return Outcome(NOT_STARTED, 0, 0.0, "", "no time was left for it: give more --minutes, or none")
        command = [str(word) for word in command]
        try:
            child = subprocess.Popen(
                command, cwd=self.root, env=environment(extra_environment or {}), stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            return Outcome(NOT_STARTED, 0, 0.0, "", f"cannot be started: {error.strerror}: {command[0]}")
        watch = Watch(child.pid, processor_seconds, patience)
        try:
            with open(log, "wb") as sink:
                ending = self.follow(child, sink, deadline, on_line, watch)
                sink.write(watch.stacks.encode())
            output = log.read_text(encoding="utf-8", errors="replace")
        except OSError as error:
            ending, output = DISK_FULL, f"{log}: {error.strerror or errno.errorcode.get(error.errno)}"
        finally:
            end_all(child, watch)
        shown = str(log.relative_to(self.root)) if log.is_relative_to(self.root) else str(log)
        return Outcome(ending, child.returncode, time.monotonic() - started, shown, output, watch.used)

    def why_now(self, now, deadline, watch):
        """Why a program has to end, or None."""
        if self.stop.is_set():
            return INTERRUPTED
        if deadline is not None and now > deadline:
            return OUT_OF_TIME
        return watch.look(now)

    def follow(self, child, sink, deadline, on_line, watch):
        """Copies the output until the program ends, or has to. \return the ending"""
        with selectors.DefaultSelector() as selector:
            selector.register(child.stdout, selectors.EVENT_READ)
            os.set_blocking(child.stdout.fileno(), False)
            lines = LineSplitter(on_line)
            ending, kill_at, open_ = EXITED, None, True
            while open_ or child.poll() is None:
                if open_:
                    open_ = self.copy(selector, child, sink, lines)
                else:
                    time.sleep(POLL_SECONDS)
                now = time.monotonic()
                if kill_at is None:
                    why = self.why_now(now, deadline, watch)
                    if why is not None:
                        ending = why
                        watch.tree()
                        signal_group(child, signal.SIGINT if why in (INTERRUPTED, OUT_OF_TIME) else signal.SIGTERM)
                        kill_at = now + GRACE_SECONDS
                elif now > kill_at or self.stop.at_once.is_set() or child.poll() is not None:
                    break
                if child.poll() is not None and open_ and not selector.select(POLL_SECONDS):
                    break  # a background process of the program still holds its output open
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


def end_all(child, watch):
    """Leaves no process of a program behind, be it in its group or not. The program leads a session."""
    left = watch.tree()
    signal_group(child, signal.SIGKILL)
    for pid in left:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    child.wait()
    if child.stdout is not None:
        child.stdout.close()


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
