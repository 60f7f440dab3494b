"""An installed tree for tests: put in one place and moved to another, so that nothing in it may remember the first."""
import pathlib
import subprocess
import tempfile


def run(command, **options):
    """Runs a command that must succeed and returns its output."""
    done = subprocess.run([str(word) for word in command], text=True, capture_output=True, check=False, **options)
    if done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Tree:
    """What `cmake --install` makes of a build, moved to `prefix`."""

    def __init__(self, test, cmake, build, moved="moved"):
        directory = tempfile.TemporaryDirectory(prefix="hakmem-install-")
        test.addCleanup(directory.cleanup)
        self.work = pathlib.Path(directory.name)
        self.first = self.work / "first"
        run([cmake, "--install", build, "--prefix", self.first])
        self.prefix = self.first.rename(self.work / moved)

    @property
    def libraries(self):
        return next(self.prefix.rglob("libhakmem.so")).parent
