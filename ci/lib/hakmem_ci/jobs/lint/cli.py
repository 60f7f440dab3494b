"""The command line of ci/lint."""
import time
import types

from hakmem_ci.core import command_line, lock, report, screen
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.jobs.lint import documents, layout, python, shell, tidy
from hakmem_ci.jobs.lint.sources import Incomplete

PART = "lint"
CHECKS = {"layout": (layout.check, "clang-format"), "shell": (shell.check, "shellcheck"),
          "python": (python.check, "python3"), "documents": (documents.check, "links, commands"),
          "tidy": (tidy.check, "clang-tidy")}
WORK = "build/lint"


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        "lint", "Checks the layout of C++ by clang-format, names and likely mistakes by clang-tidy, scripts by shellcheck, "
                "Python files, and that every link, command, option and file that a document names exists.")
    parser.add_argument("--only", nargs="+", choices=list(CHECKS), default=list(CHECKS), metavar="CHECK",
                        help="only these: " + ", ".join(CHECKS))
    parser.add_argument("--fix", action="store_true", help="lay the sources out instead of naming the places")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--all", action="store_true",
                        help="clang-tidy looks at all that the presets release and model compile, not at the library alone")
    extent.add_argument("--since", metavar="REV", help="clang-tidy also looks at what has changed since this revision")
    return parser.parse_args(argv)


def row_of(name, how, work):
    """Runs one check."""
    started = time.monotonic()
    try:
        found = work()
    except Incomplete as cause:
        return report.incomplete(PART, name, str(cause), how, go_on=f"ci/lint --only {name}",
                                 seconds=time.monotonic() - started)
    bad = bool(found.faults) or found.files == 0
    message = f"{len(found.faults)} faults" if found.files else "there was nothing to look at"
    return report.Row(PART, name, how, f"{found.files} files", time.monotonic() - started, "FAULTY" if bad else "CLEAN",
                      "fail" if bad else "pass", message if bad else "", "\n".join(found.faults))


def run(root, folder, arguments, argv):
    """Runs the checks that were asked for and returns the exit code."""
    stop, shown = Stop(), screen.Screen()
    stop.install()
    facts = command_line.facts_of(root, " ".join(["ci/lint", *argv]))
    results = report.Report("lint", folder, facts, command_line.copies_of(arguments))
    options = types.SimpleNamespace(**vars(arguments), runner=Runner(root, folder, stop))
    for name in (name for name in CHECKS if name in arguments.only):
        check, how = CHECKS[name]
        shown.live(PART, name)
        results.add(report.incomplete(PART, name, "interrupted", how, go_on=f"ci/lint --only {name}") if stop.is_set() else
                    row_of(name, how, lambda: check(root, options)))
    return report.finish(results, shown, stop.is_set())


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    # Single checks may run beside each other.
    folder = root / WORK / arguments.only[0] if len(arguments.only) == 1 else root / WORK
    return lock.alone("lint", folder, lambda: run(root, folder, arguments, argv))
