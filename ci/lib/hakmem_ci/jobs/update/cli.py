"""The command line of ci/update."""
import argparse
import os
import shutil
import sys
import time

from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.core.screen import Screen, duration
from hakmem_ci.jobs.bench import allocators
from hakmem_ci.jobs.verify.cli import job_count
from hakmem_ci.pages import inputs, stamps
from hakmem_ci.pages.catalogue import BY_NAME, PAGES, Command

WORK = "build/update"
BUILD_SECONDS = 7200
EXIT_GREEN, EXIT_RED, EXIT_WRONG, EXIT_INCOMPLETE = 0, 1, 2, 3


class NotRun(Exception):
    """The page could not be written, for a reason that says nothing about the code."""


class Failed(Exception):
    """A command found a fault."""


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog="ci/update", allow_abbrev=False,
        description="Rewrites the generated pages in docs/reports, each only if what it is made from has changed. Comments "
                    "and the places of lines are no inputs. Exit code 0 when every page says what there is; 1 when a "
                    "command finds a fault; 3 when a page could not be written.")
    parser.add_argument("pages", nargs="*", metavar="PAGE", help="only these: " + ", ".join(BY_NAME) + " (default: all)")
    parser.add_argument("--check", action="store_true",
                        help="write nothing; a line for each page that is owed, with why and the command that writes it; "
                             "exit code 1 if there is one")
    parser.add_argument("--list", action="store_true", help="name the pages and what they say, and end")
    parser.add_argument("--force", action="store_true", help="write the pages even if nothing has changed")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="compilations and processes at a time, 1 to 512 (default: the number of cores)")
    arguments = parser.parse_args(argv)
    unknown = [name for name in arguments.pages if name not in BY_NAME]
    if unknown:
        parser.error(f"there is no generated page '{unknown[0]}'; give one of: {', '.join(BY_NAME)}")
    if arguments.check and arguments.force:
        parser.error("--check writes nothing, so --force says nothing beside it")
    return arguments


def owed_pages(root, pages):
    """(page, why) of each that is owed."""
    known = stamps.read(root)
    reasons = [(page, stamps.why_owed(root, page, known)) for page in pages]
    return [(page, why) for page, why in reasons if why]


class Writer:
    """Builds what a page needs, runs its commands and notes what it was made from."""

    def __init__(self, root, jobs, screen):
        self.root, self.jobs, self.screen = root, jobs, screen
        self.work = root / WORK
        self.work.mkdir(parents=True, exist_ok=True)
        self.stop = Stop()
        self.stop.install()
        self.runner = Runner(root, self.work, self.stop)
        self.built = {}

    def run(self, name, command, seconds):
        """The output of a command, which must end well."""
        outcome = self.runner.run(name, command, seconds,
                                  on_line=lambda line: self.screen.live("now", f"{name}: {line.strip()[:90]}"))
        self.screen.live("now", "")
        if outcome.clean:
            return outcome.output
        words = f"{' '.join(map(str, command))} {outcome.describe()}" + (f", see {outcome.log}" if outcome.log else "")
        incomplete = outcome.cut_off or outcome.ending == "timed out" or outcome.code == EXIT_INCOMPLETE
        raise (NotRun if incomplete else Failed)(words)

    def look_for_tools(self, page):
        for program, option in page.programs:
            if shutil.which(program) is None:
                raise NotRun(f"{program} is not installed; install it by: ci/setup {option}")
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

    def write(self, page):
        """Writes a page. What it is made from is noted as it was when that began."""
        self.look_for_tools(page)
        made_from = inputs.digests_of(self.root, page.inputs)
        self.build(page)
        for number, command in enumerate(page.commands, 1):
            command = command if isinstance(command, Command) else command(self.root)
            words = [word.format(jobs=self.jobs, work=WORK) for word in command.words]
            output = self.run(f"{page.name}-{number}", words, command.seconds)
            if command.output:
                (self.work / command.output).write_text(output, encoding="utf-8")
        self.publish(page)
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


def update(root, owed, jobs):
    """Writes the pages that are owed, one after the other; one that fails costs no other."""
    screen = Screen()
    writer = Writer(root, jobs, screen)
    failed, absent = [], []
    for page, why in owed:
        if writer.stop.is_set():
            absent.append(page.name)
            continue
        started = time.monotonic()
        screen.line(f"{page.name}: {why}")
        try:
            writer.write(page)
            screen.line(f"{page.name}: written, {duration(time.monotonic() - started)}")
        except NotRun as cause:
            absent.append(page.name)
            screen.line(f"{page.name}: INCOMPLETE: {cause}")
        except Failed as cause:
            failed.append(page.name)
            screen.line(f"{page.name}: FAILED: {cause}")
    screen.close()
    if failed:
        print(f"VERDICT: FAILED: not written because a fault was found: {', '.join(failed)}")
        return EXIT_RED
    if absent:
        print(f"VERDICT: INCOMPLETE: not written: {', '.join(absent)}; go on by: ci/update {' '.join(absent)}")
        return EXIT_INCOMPLETE
    print(f"VERDICT: PASSED: {len(owed)} pages written, all others say what there is" if owed else
          "VERDICT: PASSED: every page says what there is")
    return EXIT_GREEN


def main(root, argv):
    arguments = arguments_of(argv)
    pages = [BY_NAME[name] for name in dict.fromkeys(arguments.pages)] or list(PAGES)
    if arguments.list:
        for page in pages:
            print(f"{page.path:<32}  {page.says}")
        return EXIT_GREEN
    try:
        owed = owed_pages(root, pages)
    except stamps.Damaged as error:
        print(f"ci/update: {error}", file=sys.stderr)
        return EXIT_WRONG
    if arguments.check:
        for page, why in owed:
            print(f"owed: {page.path}: {why}; write it by: {page.command}")
        return EXIT_RED if owed else EXIT_GREEN
    if arguments.force:
        owed = [(page, dict((one.name, why) for one, why in owed).get(page.name, "asked for")) for page in pages]
    return update(root, owed, arguments.jobs)
