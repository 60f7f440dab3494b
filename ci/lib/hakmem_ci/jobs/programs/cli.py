"""The command line of ci/programs."""
import argparse
import concurrent.futures
import dataclasses
import os
import pathlib
import shlex
import subprocess
import tempfile
import time
import traceback

from hakmem_ci.core import command_line, process, report, screen
from hakmem_ci.jobs.programs import catalogue, compare, session, witness

PART = "programs"
SHIPPED = ("libhakmem.so", "libhakmem_hardened.so")  # of the release preset
PROCESSOR_SECONDS = 3600  # what one command may use; none needs a hundredth of it


@dataclasses.dataclass
class ProgramRow(report.Row):
    """What became of one program. `processes` used the library."""

    program: str = ""
    processes: int = 0


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


def shipped_libraries(root):
    """What users get, as the release preset has built it. Raises ArgumentTypeError."""
    paths = [root / "build/release" / name for name in SHIPPED]
    for path in paths:
        if not path.is_file():
            raise argparse.ArgumentTypeError(f"there is no {path.relative_to(root)}; build it (cmake --preset release && cmake "
                                             "--build --preset release) or give a library with --preload")
    return [shared_library(str(path)) for path in paths]


def arguments_of(argv, root, inputs):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    programs = catalogue.catalogue(inputs, False)
    names = [program.name for program in programs]
    long = [program.name for program in programs if program.long]
    parser = command_line.parser(
        "programs", "Runs real programs with and without a malloc library preloaded and demands the same output, exit "
                    "codes and files.")
    parser.add_argument("--preload", type=shared_library, action="append", metavar="LIB",
                        help="a library to preload; may be given several times (default: build/release/" +
                             " and ".join(SHIPPED) + ")")
    parser.add_argument("--quick", action="store_true", help="a third of the work; half, of the long list")
    parser.add_argument("--all", action="store_true",
                        help="also the long list (ci/setup --programs-all installs what it needs): " + ", ".join(long))
    parser.add_argument("--processor-seconds", type=command_line.whole_number(1, 86400), default=PROCESSOR_SECONDS, metavar="N",
                        help=f"what one command may use before it is cut off (default: {PROCESSOR_SECONDS})")
    parser.add_argument("--patience", type=command_line.whole_number(1, 86400), default=int(process.SLEEP_SECONDS), metavar="SECONDS",
                        help="a command hangs of which no thread has run for so long (default: "
                             f"{process.SLEEP_SECONDS:.0f})")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="keep the outputs of both runs of every program there")
    parser.add_argument("programs", nargs="*", metavar="PROGRAM", help="any of both lists (default: " +
                        ", ".join(name for name in names if name not in long) + ")")
    arguments = parser.parse_args(argv)
    if arguments.all and arguments.programs:
        parser.error("--all and names of programs: give one of them; a program of the long list runs when it is named")
    for name in arguments.programs:
        if name not in names:
            parser.error(f"unknown program '{name}'; choose from {', '.join(names)}")
    try:
        arguments.preload = arguments.preload or shipped_libraries(root)
    except argparse.ArgumentTypeError as cause:
        parser.error(str(cause))
    return arguments


class Checker:
    """Runs programs both ways. Thread-safe. `references` has the runs without a library by program: they are the same
    for every library."""

    def __init__(self, arguments, library, scratch, witness_library, references, stop, live):
        self.library = library
        self.scratch = scratch
        self.witness_library = witness_library
        self.references = references
        self.limits = session.Limits(arguments.processor_seconds, arguments.patience)
        self.keep = arguments.keep
        self.stop = stop
        self.again = (f"ci/programs{' --quick' if arguments.quick else ''} --preload "
                      f"{shlex.quote(str(library))}")
        self.live = live

    def check(self, program):
        """The row of one program."""
        started = time.monotonic()
        try:
            status, message, processes = self.judge(program)
        except Exception:  # a fault of the checker itself must cost neither the other programs nor the truth
            status, message, processes = "incomplete", "the check itself stumbled: " + traceback.format_exc(), 0
        self.live(program.name, "")
        go_on = f"{self.again} {program.name}" if status == "incomplete" else ""
        return ProgramRow(PART, program.name, self.library.name, f"{processes} processes", time.monotonic() - started,
                          status, status, message, go_on=go_on, program=program.name, processes=processes)

    def judge(self, program):
        """(status, message, processes that used the library)."""
        cause = program.missing() or self.probe(program) or self.unreadable(program)
        if cause:
            return "incomplete", cause, 0
        if self.stop.is_set():
            return "incomplete", "interrupted", 0
        reference = self.references.get(program.name) or self.observe(program, "reference", [self.witness_library])
        if reference.problem:
            return "incomplete", f"fails without the library too: {reference.problem}", 0
        blind = [s.provider for s in reference.sightings if s.provider == os.path.realpath(self.library)]
        if not reference.sightings:
            return "incomplete", "the witness saw no process of the run without the library", 0
        self.references[program.name] = reference
        if blind:
            return "incomplete", "uses this library of its own accord, so there is nothing to compare with", 0
        preloaded = self.observe(program, self.library.stem, [self.library, self.witness_library])
        count = witness.users(preloaded.sightings, self.library)
        if preloaded.cut_off:
            return "incomplete", preloaded.cut_off, count
        changed = compare.difference(program, reference, preloaded)
        if changed:
            return "fail", changed, count
        objection = witness.objection(preloaded.sightings, self.library, program.sees, program.own_malloc)
        if objection:
            return "fail", objection, count
        others = len(preloaded.sightings) - count
        return "pass", f"beside the library, {others} processes used a malloc of their own" if others else "", count

    @staticmethod
    def probe(program):
        """Why a program that is installed still cannot do its work, or None."""
        if not program.probe:
            return None
        command, package = program.probe
        done = subprocess.run(command, capture_output=True, check=False, timeout=60)
        return None if done.returncode == 0 else f"not installed: {package}; run {program.setup}"

    def unreadable(self, program):
        """Why the library cannot be preloaded by the user whom the program runs as, or None."""
        for path in (self.library, self.witness_library):
            if not session.may_read(program, path):
                return f"the user {session.NOBODY}, whom root runs it as, may not read {path}"
        return None

    def observe(self, program, kind, preload):
        """One run. Both runs of a program happen in a directory of the same name, which outputs may mention."""
        self.live(program.name, f"{program.name} ({kind})")
        directory = self.scratch / program.name / "work"
        seen = session.observe(program, directory, preload, self.limits, self.stop)
        if self.keep is not None:
            folder = self.keep / program.name
            folder.mkdir(parents=True, exist_ok=True)
            for name in ("out", "err"):
                text = "".join(f"$ {step.command}\n{getattr(step, name)}\n{step.ending}\n" for step in seen.steps)
                (folder / f"{kind}.{name}").write_text(text, encoding="utf-8")
        return seen


def describe(row, width):
    """The line of one result."""
    used = f"{row.processes} processes used the library" if row.status == "pass" else ""
    used = "; ".join(text for text in (used, row.message) if text)
    return f"{row.program:<{width}}  {row.status:<10}  {row.seconds:6.1f} s  {used}"


def check_all(arguments, programs, witness_source, shown, stop, found):
    """Checks all programs with every library; each result is given to `found` and printed when it is known."""
    width = max(len(program.name) for program in programs)

    def keep(row):
        found(row)
        shown.line(describe(row, width))

    with tempfile.TemporaryDirectory(prefix="hakmem-programs-") as scratch:
        scratch = pathlib.Path(scratch)
        scratch.chmod(0o711)  # other users reach what is theirs in it
        cause, witness_library = None, None
        try:
            witness_library = witness.build(witness_source, scratch)
        except witness.CannotWitness as why:
            cause = str(why)
        references = {}
        for library in arguments.preload:
            if len(arguments.preload) > 1:
                shown.line(f"{library.name}:")
            if cause:
                for program in programs:
                    keep(ProgramRow(PART, program.name, library.name, "", 0.0, "incomplete", "incomplete", cause,
                                    program=program.name))
                continue
            checker = Checker(arguments, library, scratch, witness_library, references, stop, shown.live)
            with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
                list(pool.map(lambda program, checker=checker: keep(checker.check(program)), programs))


def main(root, argv):
    """Checks what the command line asks for; returns the exit code."""
    inputs = root / "tests" / "programs" / "inputs"
    arguments = arguments_of(argv, root, inputs)
    programs = catalogue.chosen(catalogue.catalogue(inputs, arguments.quick), arguments.programs, arguments.all)
    stop = process.Stop()
    stop.install()
    shown = screen.Screen()
    facts = {**command_line.facts_of(root, " ".join(["ci/programs", *argv])), "library": " ".join(map(str, arguments.preload))}
    folder = root / "build/programs" / "+".join(library.stem for library in arguments.preload)
    results = report.Report("programs", folder, facts, command_line.copies_of(arguments))
    check_all(arguments, programs, root / "tests" / "programs" / "witness.c", shown, stop, results.add)
    return report.finish(results, shown, stop.is_set())
