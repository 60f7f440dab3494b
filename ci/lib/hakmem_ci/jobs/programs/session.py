"""Runs the commands of a program in a directory of their own and notes everything that must not depend on malloc."""
import dataclasses
import hashlib
import os
import shutil
import signal
import subprocess
import tempfile
import time

from hakmem_ci.jobs.programs import witness
from hakmem_ci.core import process

VARIABLES_LEFT_OUT = ("LD_PRELOAD", "LD_AUDIT", "LD_DEBUG", "MALLOC_", "GLIBC_TUNABLES", "GIT_", "PYTHON", "NODE_",
                      "PERL", "HOME", "DISPLAY", "LANG", "LC_")


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


def run_command(command, directory, variables, seconds):
    """One command, for at most `seconds`; it and all that it started are gone afterwards."""
    shown = " ".join(str(word) for word in command)
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            child = subprocess.Popen([str(word) for word in command], cwd=directory, env=variables, stdout=out, stderr=err,
                                     stdin=subprocess.DEVNULL, start_new_session=True)
        except OSError as error:
            return Step(shown, f"cannot be started: {error.strerror}", "", "")
        try:
            ending = ending_of(child.wait(timeout=max(seconds, 0.0)))
        except subprocess.TimeoutExpired:
            ending = "did not end in time"
        finally:
            process.signal_group(child, signal.SIGKILL)
            child.wait()
        texts = []
        for stream in (out, err):
            stream.seek(0)
            texts.append(stream.read().decode("utf-8", "backslashreplace"))
        return Step(shown, ending, *texts)


def hash_of(path):
    """The hash of a file, or a word for its absence."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "missing"


def observe(program, directory, preload, seconds):
    """Runs all commands of `program` in `directory`, which is made anew, until one does not end with 0. `preload` are
    the libraries to preload; the last of them is the witness."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    notes = directory.with_name(directory.name + ".witness")
    notes.unlink(missing_ok=True)
    variables = environment(directory, preload, {**program.environment, witness.FILE_VARIABLE: str(notes)})
    started = time.monotonic()
    steps = []
    for command in program.commands:
        steps.append(run_command(command, directory, variables, started + seconds - time.monotonic()))
        if steps[-1].ending != "exit code 0":
            break
    artefacts = {name: hash_of(directory / name) for name in program.artefacts}
    return Observation(steps, artefacts, witness.read(notes), time.monotonic() - started)
