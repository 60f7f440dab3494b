"""The command line of ci/update."""
import shutil
import sys
import time

from hakmem_ci.core import command_line, lock, report, screen, verdict
from hakmem_ci.core.process import HANGS, Runner, Stop
from hakmem_ci.jobs.bench import allocators
from hakmem_ci.pages import inputs, renewal, stamps
from hakmem_ci.pages.catalogue import BY_NAME, PAGES, Command

PART = "pages"
WORK = "build/update"
BUILD_SECONDS = 14400  # of processor time, for one preset


class NotRun(Exception):
    """The page could not be written, for a reason that says nothing about the code."""


class Failed(Exception):
    """A command found a fault."""


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        "update", "Rewrites the generated pages in docs/reports and docs/reference, each only if what it is made from has "
                  "changed. Comments and the places of lines are no inputs.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these: " + ", ".join(BY_NAME) + " (default: all)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; a line for each page that is owed, with why and the command that writes it; "
                             "exit code 1 if there is one")
    parser.add_argument("--list", action="store_true", help="name the pages and what they say, and end")
    parser.add_argument("--force", action="store_true", help="write the pages whole, even if nothing has changed")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.pages if name not in BY_NAME]
    if unknown:
        parser.error(f"there is no generated page '{unknown[0]}'; give one of: {', '.join(BY_NAME)}")
    if arguments.check and arguments.force:
        parser.error("--check writes nothing, so --force says nothing beside it")
    return arguments


def owed_pages(root, pages):
    """page -> why, of each that is owed."""
    known = stamps.read(root)
    reasons = {page: stamps.why_owed(root, page, known) for page in pages}
    return {page: why for page, why in reasons.items() if why}


class Writer:
    """Builds what a page needs, runs its commands and notes what it was made from."""

    def __init__(self, root, jobs, shown, stop):
        self.root, self.jobs, self.screen = root, jobs, shown
        self.work = root / WORK
        self.runner = Runner(root, self.work, stop)
        self.built = {}

    def run(self, name, command, seconds, says=""):
        """The output of a command, which must end well. `says`: for whom its first line stays on the screen."""
        def listen(line):
            nonlocal says
            if says:
                self.screen.line(f"{says}: {line.strip()}")
                says = ""
            self.screen.live("now", f"{name}: {line.strip()[:90]}")

        outcome = self.runner.run(name, command, seconds, on_line=listen)
        self.screen.live("now", "")
        if outcome.clean:
            return outcome.output
        words = f"{' '.join(map(str, command))} {outcome.describe()}" + (f", see {outcome.log}" if outcome.log else "")
        incomplete = outcome.cut_off or outcome.ending != HANGS and verdict.of_exit_code(outcome.code) == verdict.INCOMPLETE
        raise (NotRun if incomplete else Failed)(words)

    def look_for_tools(self, page):
        for program, option in page.programs:
            if shutil.which(program) is None:
                raise NotRun(f"{program} is not installed; install it by: ci/setup {option}".rstrip())
        missing = [name for name in page.libraries if allocators.find(name) is None]
        if missing:
            raise NotRun(f"not installed: {', '.join(missing)}; install them by: ci/setup --bench")

    def build(self, page):
        for preset, targets in page.build.items():
            done = self.built.setdefault(preset, set())
            if done.issuperset(targets):
                continue
            self.run(f"{page.name}-configure-{preset}", ["cmake", "--preset", preset], BUILD_SECONDS)
            self.run(f"{page.name}-build-{preset}",
                     ["cmake", "--build", "--preset", preset, "-j", self.jobs, "--target", *targets], BUILD_SECONDS)
            done.update(targets)

    def write(self, page, whole):
        """Writes a page, `whole` or what has changed of it. What it is made from is noted as it was when that began."""
        self.look_for_tools(page)
        made_from = inputs.digests_of(self.root, page.inputs)
        partly, says = ([], "") if whole else stamps.renewal_of(self.root, page)
        speaker = page.name if says == renewal.SAID_FIRST else ""
        if says and not speaker:
            self.screen.line(f"{page.name}: {says}")
        self.build(page)
        for number, command in enumerate(page.commands, 1):
            command = command if isinstance(command, Command) else command(self.root)
            words = [word.format(jobs=self.jobs, work=WORK) for word in command.words] + partly
            output = self.run(f"{page.name}-{number}", words, command.seconds, speaker)
            if command.output:
                (self.work / command.output).write_text(output, encoding="utf-8")
        self.publish(page)
        if not (page.publishes and page.renew):  # such a command notes what it has compared
            stamps.record(self.root, page.name, made_from)

    def publish(self, page):
        """Makes the page of what the commands have left, unless they publish it themselves."""
        if page.publishes:
            return
        try:
            text = page.compose(self.work) if page.compose else (self.root / page.path).read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise Failed(f"nothing to make {page.path} of: {error}") from error
        stamps.publish(self.root, page.name, text)


def write_page(writer, page, whole):
    """The row of a page that is owed."""
    started = time.monotonic()
    try:
        writer.write(page, whole)
    except NotRun as cause:
        return report.incomplete(PART, page.name, str(cause), go_on=page.command, seconds=time.monotonic() - started)
    except Failed as cause:
        return report.Row(PART, page.name, "", "", time.monotonic() - started, verdict.FAILED, "fail", str(cause))
    return report.Row(PART, page.name, "", "", time.monotonic() - started, "written", "pass")


def update(root, arguments, owed, pages, argv):
    """Writes the pages that are owed, one after the other; one that fails costs no other. \\return the exit code"""
    (root / WORK).mkdir(parents=True, exist_ok=True)
    stop, shown = Stop(), screen.Screen()
    stop.install()
    facts = command_line.facts_of(root, " ".join(["ci/update", *argv]))
    results = report.Report("update", root / WORK, facts, command_line.copies_of(arguments))
    writer = Writer(root, arguments.jobs, shown, stop)
    for page in pages:
        # What another page has just been made of may be what this one is made from.
        why = owed.get(page) or stamps.why_owed(root, page, stamps.read(root))
        if not why:
            results.add(report.Row(PART, page.name, "", "", 0.0, "up to date", "pass"))
            continue
        shown.line(f"{page.name}: {why}")
        row = write_page(writer, page, arguments.force)
        shown.line(f"{page.name}: {row.verdict}" + (f": {row.message}" if row.message else ""))
        results.add(row)
    return report.finish(results, shown, stop.is_set())


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    pages = [BY_NAME[name] for name in dict.fromkeys(arguments.pages)] or list(PAGES)
    if arguments.list:
        for page in pages:
            print(f"{page.path:<32}  {page.says}")
        return verdict.EXIT_CODES[verdict.PASSED]
    try:
        owed = owed_pages(root, pages)
    except stamps.Damaged as error:
        print(f"ci/update: {error}", file=sys.stderr)
        return verdict.EXIT_WRONG_CALL
    if arguments.check:
        for page, why in owed.items():
            print(f"owed: {page.path}: {why}; write it by: {page.command}")
        return verdict.EXIT_CODES[verdict.FAILED if owed else verdict.PASSED]
    if arguments.force:
        owed = {page: owed.get(page, "asked for") for page in pages}
    return lock.alone("update", root / WORK, lambda: update(root, arguments, owed, pages, argv))
