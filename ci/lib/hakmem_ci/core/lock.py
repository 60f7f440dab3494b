"""One job of a kind in one folder at a time."""
import contextlib
import fcntl
import sys

from hakmem_ci.core import verdict


class Busy(Exception):
    """Another process has the folder."""


@contextlib.contextmanager
def held(folder):
    """Holds the lock of a folder, which is made if it is missing; raises Busy when another process has it."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy(str(folder)) from error
        yield


def alone(name, folder, run):
    """The exit code of `run`, called while no other job of this kind works in the folder."""
    try:
        with held(folder):
            return run()
    except Busy:
        print(f"ci/{name}: another ci/{name} runs in this checkout; wait for it to end", file=sys.stderr)
        return verdict.EXIT_CODES[verdict.INCOMPLETE]
    except OSError as error:
        print(f"ci/{name}: {error.filename or folder}: {error.strerror}; make room or rights there and call again",
              file=sys.stderr)
        return verdict.EXIT_CODES[verdict.INCOMPLETE]
