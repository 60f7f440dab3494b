"""Runs the commands of a program in a directory of their own and notes everything that must not depend on malloc."""
import dataclasses
import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time

from hakmem_ci.core import process
from hakmem_ci.jobs.programs import witness

VARIABLES_LEFT_OUT = ("LD_PRELOAD", "LD_AUDIT", "LD_DEBUG", "MALLOC_", "GLIBC_TUNABLES", "GIT_", "PYTHON", "NODE_",
                      "PERL", "HOME", "DISPLAY", "LANG", "LC_")


@dataclasses.dataclass
class Limits:
    """What no command of a program reaches unless it hangs: seconds of processor time, seconds of sleep."""

    processor_seconds: float
    patience: float


NOBODY = "nobody"  # whom root runs programs as that refuse root
CUT_OFF = "was cut off"  # how endings begin that tell nothing of the program


@dataclasses.dataclass
class Step:
    """How one command ended and what it wrote."""

    command: str
    ending: str
    out: str
    err: str


@dataclasses.dataclass
class Observation:
    """One run of a program. `artefacts` maps file names to hashes."""

    steps: list
    artefacts: dict
    sightings: list
    seconds: float

    @property
    def cut_off(self):
        """Why the run says nothing of the program, or None."""
        return next((f"`{step.command}` {step.ending}" for step in self.steps if step.ending.startswith(CUT_OFF)), None)

    @property
    def problem(self):
        """The first command that did not end with 0, in words, or None."""
        for step in self.steps:
            if step.ending != "exit code 0":
                last = (step.err.strip() or step.out.strip()).splitlines()[-1:]
                return f"`{step.command}`: {step.ending}" + (f": {last[0][:300]}" if last else "")
        return None


def environment(directory, preload, extra):
    """The caller's environment without what would make runs differ, plus the preload and what the program needs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(VARIABLES_LEFT_OUT)}
    return {**kept, "HOME": str(directory), "TMPDIR": str(directory), "LC_ALL": "C.UTF-8", "TZ": "UTC",
            "LD_PRELOAD": ":".join(str(library) for library in preload), **extra}


def ending_of(code):
    """An exit code or a signal in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"ended by signal {-code}"


def identity(program):
    """What makes a process that of the user whom the program has to run as: arguments of Popen."""
    if not program.without_root or os.geteuid() != 0:
        return {}
    user = pwd.getpwnam(NOBODY)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}


def may_read(program, path):
    """Whether the user whom the program runs as may read a file."""
    return subprocess.run(["test", "-r", str(path)], check=False, **identity(program)).returncode == 0


def make_folders(program, directory, notes):
    """An empty directory and an empty file for the witness; the user whom the program runs as may write into both."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    notes.write_bytes(b"")
    who = identity(program)
    if who:
        directory.parent.chmod(0o755)
        for path in (directory, notes):
            os.chown(path, who["user"], who["group"])


def ask_to_end(child):
    """Gives what a command has started, such as servers, the time to be shut down by it."""
    child.send_signal(signal.SIGTERM)
    try:
        child.wait(process.GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        pass


def run_command(command, directory, variables, limits, stop, who):
    """One command, by whom `who` says; it and all that it started are gone afterwards."""
    shown = " ".join(str(word) for word in command)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen([str(word) for word in command], cwd=directory, env=variables, stdout=out, stderr=err,
                                     stdin=subprocess.DEVNULL, start_new_session=True, **who)
        except OSError as error:
            return Step(shown, f"cannot be started: {error.strerror}", "", "")
        watch = process.Watch(child.pid, limits.processor_seconds, limits.patience)
        try:
            ending = ended(watch, child, stop)
            if child.returncode is None and not stop.at_once.is_set():
                watch.tree()
                ask_to_end(child)
        finally:
            process.end_all(child, watch)
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "backslashreplace"))
        return Step(shown, ending, *texts)


def ended(watch, child, stop):
    """How a command has ended, in words."""
    why = watch.wait(child, stop)
    if why == process.EXITED and child.returncode != -signal.SIGKILL:
        return ending_of(child.returncode)
    if why == process.HANGS:
        return f"hangs: for {watch.patience:.0f} s none of its threads has run"
    if why == process.USED_UP:
        return f"{CUT_OFF} after {watch.used:.0f} s of processor time"
    return f"{CUT_OFF}: " + ("interrupted" if why == process.INTERRUPTED else "killed by SIGKILL, by somebody or for want of memory")


def hash_of(path):
    """The hash of a file, or a word for its absence."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def observe(program, directory, preload, limits, stop):
    """Runs all commands of `program` in `directory`, which is made anew, until one does not end with 0. `preload` are
    the libraries to preload; the last of them is the witness."""
    notes = directory.with_name(directory.name + ".witness")
    make_folders(program, directory, notes)
    variables = environment(directory, preload, {**program.environment, witness.FILE_VARIABLE: str(notes)})
    started = time.monotonic()
    steps = []
    for command in program.commands:
        steps.append(run_command(command, directory, variables, limits, stop, identity(program)))
        if steps[-1].ending != "exit code 0":
            break
    artefacts = {name: hash_of(directory / name) for name in program.artefacts}
    return Observation(steps, artefacts, witness.read(notes), time.monotonic() - started)
