"""The command line of ci/costs."""
import collections
import concurrent.futures
import pathlib
import shutil
import subprocess
import sys
import time

from hakmem_ci.core import command_line, lock, report, screen, verdict
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.jobs.costs import disassembly, page, prices, words
from hakmem_ci.jobs.costs.machines import MACHINES, OTHER_FLAGS, VARIANTS, Unreadable, machine_of
from hakmem_ci.jobs.costs.places import Finder, places_of
from hakmem_ci.pages import stamps

PART = "costs"
NAME = "costs"
WORK = "build/costs"
SECONDS = 1800  # of processor time, for one source


class NotRun(Exception):
    """An object file could not be made or read: the row that says so."""

    def __init__(self, row):
        super().__init__(row.message)
        self.row = row


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        NAME, "Compiles the library for x86-64 and ARM64 and reads from the object files which instructions each atomic "
              f"operation has become. Writes docs/reports/{NAME}.md and the data from which the ledger has its columns.")
    parser.add_argument("--object", type=pathlib.Path, action="append", default=[], metavar="FILE",
                        help="compile and write nothing: print what is in this object file, which has to have debug information")
    return parser.parse_args(argv)


class Tally:
    """What was found on one machine: the words of each operation, and instructions that belong to none."""

    def __init__(self, machine, root, places):
        self.machine, self.finder = machine, Finder(root, places)
        self.words = collections.defaultdict(collections.Counter)
        self.lost = collections.Counter()

    def take(self, functions):
        """Adds what is in the functions of an object file."""
        for function in functions:
            for place, word in words.words_in(self.machine.instructions, function, self.finder):
                self.words[place.key][word] += 1
            self.lost.update(self.finder.lost(self.machine.instructions, function))


def functions_in(machine, path):
    """The functions of an object file. Raises Unreadable with why not."""
    try:
        done = subprocess.run(machine.disassemble(path), text=True, capture_output=True, check=False)
    except OSError as error:
        raise Unreadable(f"{machine.objdump[0]} cannot be started: {error.strerror}") from error
    if done.returncode != 0:
        said = done.stderr.strip().splitlines()
        raise Unreadable(f"{path} cannot be read: {said[-1] if said else machine.objdump[0] + ' says nothing'}")
    try:
        return disassembly.functions_of(done.stdout)
    except disassembly.NoDebugInformation:
        raise Unreadable(f"{path} has no debug information: compile it with -g") from None


def show(root, paths):
    """Prints what the given object files have. \\return the exit code"""
    places = places_of(root)
    try:
        for path in paths:
            machine = machine_of(path)
            tally = Tally(machine, root, places)
            tally.take(functions_in(machine, path))
            if not tally.finder.met:
                raise Unreadable(f"{path} has no code of {root}/src")
            for key in sorted(tally.words):
                counts = tally.words[key]
                print(f"{key}: " + "; ".join(f"{word} ({counts[word]})" for word in page.words_of(counts)))
    except Unreadable as error:
        print(f"ci/{NAME}: {error}", file=sys.stderr)
        return verdict.EXIT_WRONG_CALL
    return verdict.EXIT_CODES[verdict.PASSED]


def missing_tool(machine):
    """What to say of a tool of the machine that is not installed; empty when all are."""
    for tool in (machine.compiler, machine.objdump[0]):
        if shutil.which(tool) is None:
            return f"{tool} is not installed"
    return ""


class Work:
    """Compiles for a machine and reads what has come out."""

    def __init__(self, root, jobs, shown, stop):
        self.root, self.jobs, self.screen = root, jobs, shown
        self.folder = root / WORK
        self.runner = Runner(root, self.folder, stop)

    def compiled(self, machine, source, name, extra=()):
        """The functions of a source. Raises NotRun."""
        output = self.folder / f"{name}.o"
        outcome = self.runner.run(name, machine.compile(self.root, source, output, extra), SECONDS)
        if not outcome.clean:
            raise NotRun(report.ended_badly(PART, name, outcome, f"{machine.compiler} {outcome.describe()}", go_on=f"ci/{NAME}"))
        try:
            return functions_in(machine, output)
        except Unreadable as error:
            raise NotRun(report.incomplete(PART, name, str(error), go_on=f"ci/{NAME}")) from error

    def prices(self, machine):
        """What each kind of operation has become with each order."""
        source = self.folder / "prices.cpp"
        report.write_atomically(source, prices.source())
        return prices.read(machine, self.compiled(machine, source, f"{machine.name} prices"))

    def tally(self, machine, places):
        """What the operations of the headers have become in the library."""
        tally = Tally(machine, self.root, places)
        todo = [(source, variant) for variant in VARIANTS for source in sorted((self.root / "src/api").glob("*.cpp"))]

        def one(item):
            source, variant = item
            name = " ".join(filter(None, (machine.name, variant, source.stem)))
            self.screen.live("now", name)
            return self.compiled(machine, source, name, (*VARIANTS[variant], *OTHER_FLAGS.get(source.stem, ())))

        with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
            for functions in pool.map(one, todo):
                tally.take(functions)
        self.screen.live("now", "")
        return tally


def row_of(tally, seconds=0.0):
    """The row of a machine."""
    name = tally.machine.name
    if tally.lost:
        return report.Row(PART, name, "", "", seconds, "FAILED", "fail",
                          "atomic instructions that belong to no operation of the headers", "\n".join(sorted(tally.lost)))
    if not tally.words:
        return report.incomplete(PART, name, "no atomic operation was found", go_on=f"ci/{NAME}")
    number = sum(sum(counts.values()) for counts in tally.words.values())
    return report.Row(PART, name, "", f"{len(tally.words)} operations, {number} places", seconds, "read", "pass")


def measure(root, work, results):
    """Compiles and reads for all machines; writes the pages when all is well."""
    places, found, known_prices = places_of(root), {}, {}
    for machine in MACHINES:
        missing = missing_tool(machine)
        if missing:
            setup = " ".join(filter(None, ("ci/setup", machine.install)))
            results.add(report.incomplete(PART, machine.name, missing, go_on=f"{setup} && ci/{NAME}"))
            continue
        started = time.monotonic()
        try:
            known_prices[machine.name] = work.prices(machine)
            tally = work.tally(machine, places)
        except NotRun as cause:
            results.add(cause.row)
            continue
        results.add(row_of(tally, time.monotonic() - started))
        found[machine.name] = tally.words
    if any(row.status != "pass" for row in results.rows):
        return
    versions = {machine.compiler: command_line.first_line([machine.compiler, "--version"], root) for machine in MACHINES}
    report.write_atomically(root / f"{stamps.FOLDER}/{NAME}.json", page.data_of(found, places))
    stamps.publish(root, NAME, page.text_of(found, places, known_prices, versions))


def run(root, arguments, argv):
    """Runs the job and returns its exit code."""
    stop, shown = Stop(), screen.Screen()
    stop.install()
    facts = command_line.facts_of(root, " ".join([f"ci/{NAME}", *argv]))
    results = report.Report(NAME, root / WORK / "report", facts, command_line.copies_of(arguments))
    measure(root, Work(root, arguments.jobs, shown, stop), results)
    return report.finish(results, shown, stop.is_set())


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    if arguments.object:
        return show(root, arguments.object)
    return lock.alone(NAME, root / WORK, lambda: run(root, arguments, argv))
