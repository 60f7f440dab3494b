"""Proof that a library really was the malloc of the programs that ran: see tests/programs/witness.c."""
import dataclasses
import os
import pathlib
import subprocess

ITSELF = "/proc/self/exe"  # what programs are called that start themselves again
FILE_VARIABLE = "HAKMEM_WITNESS_FILE"


class CannotWitness(Exception):
    """The witness cannot be built, so nothing could be said about any program."""


@dataclasses.dataclass(frozen=True)
class Sighting:
    """A program that started: the file name of its executable, the name that it was called by, and the real path of the
    shared object that holds its malloc."""

    program: str
    called: str
    provider: str

    def is_called(self, pattern):
        return any(pathlib.PurePath(name).match(pattern) for name in (self.program, self.called))


def build(source, directory):
    """Compiles the witness into `directory` and returns its path."""
    library = directory / "witness.so"
    command = [os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-o", str(library), str(source), "-ldl"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    except OSError as error:
        raise CannotWitness(f"no C compiler to build {source.name} with ({error.strerror}: {command[0]}); "
                            "run ci/setup") from error
    if done.returncode != 0:
        raise CannotWitness(f"{source.name} does not compile: {done.stderr.strip()[-500:]}")
    library.chmod(0o755)  # also for those who may not run as root
    return library


def read(path):
    """What was noted in a file; nothing if there is none."""
    if not path.exists():
        return []
    fields = [line.split("\t") for line in path.read_text(encoding="utf-8", errors="replace").splitlines()]
    return [Sighting(pathlib.Path(program).name, called, os.path.realpath(program if provider == ITSELF else provider))
            for program, called, provider in fields]


def objection(sightings, library, expected_programs, own_malloc=()):
    """Why these sightings do not show that the library was in use; None if they do. Each of `expected_programs` must
    have been seen (a * stands for anything), and every program seen must have used the library. An executable that is
    one of `own_malloc` may use itself: it was loaded beside the library."""
    for expected in expected_programs:
        if not any(s.is_called(expected) for s in sightings):
            return f"{expected} was never seen to start with the library: the preload was dropped"
    wanted = os.path.realpath(library)
    for sighting in sightings:
        itself = pathlib.PurePath(sighting.provider).name == sighting.program
        allowed = itself and any(sighting.is_called(pattern) for pattern in own_malloc)
        if sighting.provider != wanted and not allowed:
            return f"the malloc of {sighting.program} was that of {sighting.provider}, not of the library"
    return None if sightings else "no process was seen"


def users(sightings, library):
    """How many of the processes seen used the library."""
    return sum(sighting.provider == os.path.realpath(library) for sighting in sightings)
