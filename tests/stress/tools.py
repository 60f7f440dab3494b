"""Runs a program by itself or under Helgrind or DRD, and judges what came out."""
import re
import shutil
import subprocess

VALGRIND = {
    "helgrind": ["valgrind", "--tool=helgrind", "--error-exitcode=99", "--history-level=approx"],
    "drd": ["valgrind", "--tool=drd", "--error-exitcode=99"],
}
# What each tool prints of a data race.
RACE = {
    "tsan": r"WARNING: ThreadSanitizer: data race",
    "helgrind": r"Possible data race",
    "drd": r"Conflicting (load|store)",
}
ANY_REPORT = re.compile(
    r"WARNING: ThreadSanitizer|ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|"
    r"Possible data race|Conflicting (load|store)|ERROR SUMMARY: [1-9]")


class NotRun(Exception):
    """The check could not be made; says why."""


def run(program, tool=None, wrapper=()):
    """Runs the command line `program`. Returns its exit code and output. Raises NotRun."""
    if tool in VALGRIND:
        if shutil.which("valgrind") is None:
            raise NotRun("valgrind is not installed (ci/setup installs it)")
        wrapper = VALGRIND[tool]
    command = [*wrapper, *program]
    print("+", " ".join(command), flush=True)
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, errors="replace", check=False)
    except OSError as error:
        raise NotRun(f"{command[0]} cannot be started: {error.strerror}") from error
    if "ThreadSanitizer: unexpected memory mapping" in done.stdout:
        raise NotRun("ThreadSanitizer cannot live with this kernel's address randomisation (vm.mmap_rnd_bits is above "
                     "28) and setarch -R is not available")
    return done.returncode, done.stdout


def problem_of_clean(code, output, tool=None):
    """Why a run that should have been clean was not, or None."""
    if ANY_REPORT.search(output):
        return "an error was reported"
    if tool in VALGRIND and "ERROR SUMMARY: 0 errors" not in output:
        return f"{tool} did not say that it found no errors"
    return None if code == 0 else f"exit code {code}"


def problem_of_found(code, output, expected):
    """Why a planted fault does not count as found, or None."""
    if not re.search(expected, output):
        return f"nothing was reported that matches '{expected}'"
    return "the fault was reported, but the exit code is 0" if code == 0 else None
