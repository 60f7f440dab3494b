"""The command line of ci/programs."""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time
import traceback

from hakmem_ci.jobs.programs import catalogue, compare, session, witness
from hakmem_ci.core import report, screen

EXIT_PASSED, EXIT_FAILED = 0, 1


@dataclasses.dataclass
class Result:
    """What became of one program. `status` is "pass", "fail" or "not run"."""

    program: str
    seconds: float
    status: str
    message: str = ""
    processes: int = 0  # that used the library


def whole_number(low, high):
    """A parser of whole numbers in a range."""
    def parse(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {low} to {high}")
        return int(text)
    return parse


def shared_library(text):
    """The path of an existing shared library."""
    path = pathlib.Path(text).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {text}; build it or give another path")
    if path.read_bytes()[:4] != b"\x7fELF":
        raise argparse.ArgumentTypeError(f"{text} is not a shared library")
    if any(letter in str(path) for letter in " :"):
        raise argparse.ArgumentTypeError(f"{path}: LD_PRELOAD takes no path with a space or a colon")
    return path


def arguments_of(argv, inputs):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    names = [program.name for program in catalogue.catalogue(inputs, False)]
    parser = argparse.ArgumentParser(
        prog="ci/programs", allow_abbrev=False,
        description="Runs real programs with and without a malloc library preloaded and demands the same output, exit "
                    "codes and files. Exit code 0 only if every program ran and nothing differed.")
    parser.add_argument("--preload", type=shared_library, required=True, metavar="LIB", help="the library to preload")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the results to this file")
    parser.add_argument("--quick", action="store_true", help="a third of the work")
    parser.add_argument("--jobs", type=whole_number(1, 64), default=min(2, os.cpu_count() or 1), metavar="N",
                        help="programs at a time, 1 to 64 (default: 2, or the number of cores if that is 1)")
    parser.add_argument("--timeout", type=whole_number(1, 86400), default=100, metavar="SECONDS",
                        help="for each of a program's two runs (default: 100)")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="keep the outputs of both runs of every program there")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="any of: " + ", ".join(names) + " (default: all)")
    arguments = parser.parse_args(argv)
    for name in arguments.programs:
        if name not in names:
            parser.error(f"unknown program '{name}'; choose from {', '.join(names)}")
    if arguments.json is not None and not arguments.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no directory {arguments.json.resolve().parent}")
    return arguments


class Checker:
    """Runs programs both ways. Thread-safe."""

    def __init__(self, library, scratch, witness_library, seconds, keep, live):
        self.library = library
        self.scratch = scratch
        self.witness_library = witness_library
        self.seconds = seconds
        self.keep = keep
        self.live = live

    def check(self, program):
        """The Result of one program."""
        started = time.monotonic()
        try:
            status, message, processes = self.judge(program)
        except Exception:  # a fault of the checker itself must cost neither the other programs nor the truth
            status, message, processes = "fail", "the check itself stumbled: " + traceback.format_exc(), 0
        self.live(program.name, "")
        return Result(program.name, round(time.monotonic() - started, 2), status, message, processes)

    def judge(self, program):
        """(status, message, processes that used the library)."""
        cause = program.missing() or self.probe(program)
        if cause:
            return "not run", cause, 0
        reference = self.observe(program, "reference", [self.witness_library])
        if reference.problem:
            return "not run", f"fails without the library too: {reference.problem}", 0
        blind = [s.provider for s in reference.sightings if s.provider == os.path.realpath(self.library)]
        if not reference.sightings:
            return "fail", "the witness saw no process of the run without the library", 0
        if blind:
            return "not run", "uses this library of its own accord, so there is nothing to compare with", 0
        preloaded = self.observe(program, "preloaded", [self.library, self.witness_library])
        count = len(preloaded.sightings)
        changed = compare.difference(program, reference, preloaded)
        if changed:
            return "fail", changed, count
        objection = witness.objection(preloaded.sightings, self.library, program.sees)
        return ("fail", objection, count) if objection else ("pass", "", count)

    @staticmethod
    def probe(program):
        """Why a program that is installed still cannot do its work, or None."""
        if not program.probe:
            return None
        command, package = program.probe
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        return None if done.returncode == 0 else f"not installed: {package}; run ci/setup"

    def observe(self, program, kind, preload):
        """One run. Both runs of a program happen in a directory of the same name, which outputs may mention."""
        self.live(program.name, f"{program.name} ({kind})")
        directory = self.scratch / program.name / "work"
        seen = session.observe(program, directory, preload, self.seconds)
        if self.keep is not None:
            folder = self.keep / program.name
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("out", "err"):
                text = "".join(f"$ {step.command}\n{getattr(step, name)}\n{step.ending}\n" for step in seen.steps)
                (folder / f"{kind}.{name}").write_text(text, encoding="utf-8")
        return seen


def describe(result, width):
    """The line of one result."""
    used = f"{result.processes} processes used the library" if result.status == "pass" else result.message
    return f"{result.program:<{width}}  {result.status:<7}  {result.seconds:6.1f} s  {used}"


def check_all(arguments, programs, witness_source, shown, found):
    """The results of all programs, in order; each is given to `found` and printed when it is known."""
    width = max(len(program.name) for program in programs)
    with tempfile.TemporaryDirectory(prefix="hakmem-programs-") as scratch:
        scratch = pathlib.Path(scratch)
        try:
            library = witness.build(witness_source, scratch)
        except witness.CannotWitness as cause:
            results = [Result(program.name, 0.0, "not run", str(cause)) for program in programs]
            shown.line("\n".join(describe(result, width) for result in results))
            for result in results:
                found(result)
            return results
        checker = Checker(arguments.preload, scratch, library, arguments.timeout, arguments.keep, shown.live)

        def check(program):
            result = checker.check(program)
            found(result)
            shown.line(describe(result, width))
            return result

        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            return list(pool.map(check, programs))


class Report:
    """The file of --json. It is written whenever a program is done, so that who ends this job early keeps what it has
    found; programs that are not done are `not run`. Thread-safe."""

    def __init__(self, arguments, programs):
        self.arguments = arguments
        self.lock = threading.Lock()
        self.results = {program.name: Result(program.name, 0.0, "not run", "ci/programs ended before it was done")
                        for program in programs}

    def add(self, result):
        with self.lock:
            self.results[result.program] = result
            if self.arguments.json is None:
                return
            document = {"library": str(self.arguments.preload), "quick": self.arguments.quick,
                        "results": [dataclasses.asdict(one) for one in self.results.values()]}
            report.write_atomically(self.arguments.json.resolve(), json.dumps(document, indent=2) + "\n")


def main(root, argv):
    """Checks what the command line asks for; returns the exit code."""
    inputs = root / "tests" / "programs" / "inputs"
    arguments = arguments_of(argv, inputs)
    programs = [program for program in catalogue.catalogue(inputs, arguments.quick)
                if not arguments.programs or program.name in arguments.programs]
    shown = screen.Screen()
    try:
        results = check_all(arguments, programs, root / "tests" / "programs" / "witness.c", shown,
                            Report(arguments, programs).add)
    finally:
        shown.close()
    count = {status: sum(result.status == status for result in results) for status in report.STATUSES}
    print(f"{arguments.preload.name}: {count['pass']} passed, {count['fail']} failed, {count['not run']} not run")
    return EXIT_PASSED if count["pass"] == len(results) else EXIT_FAILED
