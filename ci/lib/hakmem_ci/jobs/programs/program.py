"""What is known of a program: how it is run, what proves that the library was in use, what it needs."""
import dataclasses
import re
import shutil
import sys

DEBIAN_PYTHON = "/usr/bin/python3"


def python_of_the_system():
    """The Python that packages of the system belong to; failing that, another one."""
    return DEBIAN_PYTHON if shutil.which(DEBIAN_PYTHON) else (shutil.which("python3") or sys.executable)


@dataclasses.dataclass(frozen=True)
class Program:
    """`commands` run one after the other in an empty directory. `sees` are file names of programs that must have been
    seen to start. `needs` maps each executable to the package that has it. `hides` are (pattern, replacement) for what
    legitimately differs between two runs, such as times."""

    name: str
    commands: tuple
    sees: tuple
    needs: dict
    environment: dict = dataclasses.field(default_factory=dict)
    artefacts: tuple = ()
    hides: tuple = ()
    probe: tuple = ()  # (command that succeeds if it can be run, what to install otherwise)
    long: bool = False  # of the long list: runs when it is named, or with --all
    without_root: bool = False  # refuses to be run by root, or gives up its sandbox then
    own_malloc: tuple = ()  # executables with a malloc of their own, which no preloaded library can replace

    def normalise(self, text):
        for pattern, replacement in self.hides:
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
        return text

    @property
    def setup(self):
        """What installs its packages."""
        return "ci/setup --programs-all" if self.long else "ci/setup"

    def missing(self):
        """Why the program cannot be run here, or None."""
        absent = [f"{command} ({package})" for command, package in self.needs.items() if shutil.which(command) is None]
        return f"not installed: {', '.join(absent)}; run {self.setup}" if absent else None
