"""The command line of ci/lint."""
import argparse
import os
import pathlib
import sys
import time
import types

from hakmem_ci.core import report
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.core.screen import Screen
from hakmem_ci.jobs.lint import documents, layout, python, shell, tidy
from hakmem_ci.jobs.lint.sources import Incomplete
from hakmem_ci.jobs.verify.cli import job_count

PART = "lint"
CHECKS = {"layout": (layout.check, "clang-format"), "shell": (shell.check, "shellcheck"),
          "python": (python.check, "python3"), "documents": (documents.check, "links, commands"),
          "tidy": (tidy.check, "clang-tidy")}
WORK = "build/lint"
EXIT = {"PASSED": 0, "FAILED": 1, "INCOMPLETE": 3}
SHOWN = 40  # faults of a check on the screen; the report has all


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog="ci/lint", allow_abbrev=False,
        description="Checks the layout of C++ by clang-format, names and likely mistakes by clang-tidy, scripts by "
                    "shellcheck, Python files, and that every link, command, option and file that a document names "
                    "exists. Exit code 0 when all is clean, 1 when a fault is found, 3 when a check could not be done.")
    parser.add_argument("--only", nargs="+", choices=CHECKS, default=list(CHECKS), metavar="CHECK",
                        help="only these: " + ", ".join(CHECKS))
    parser.add_argument("--fix", action="store_true", help="lay the sources out instead of naming the places")
    extent = parser.add_mutually_exclusive_group()
    extent.add_argument("--all", action="store_true",
                        help="clang-tidy looks at all that the presets release and model compile, not at the library alone")
    extent.add_argument("--since", metavar="REV", help="clang-tidy also looks at what has changed since this revision")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="files at a time, 1 to 512 (default: the number of cores)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write the report to this file")
    arguments = parser.parse_args(argv)
    if arguments.json is not None and not arguments.json.resolve().parent.is_dir():
        parser.error(f"cannot write {arguments.json}: there is no such folder")
    return arguments


def row_of(name, how, work):
    """Runs one check."""
    started = time.monotonic()
    try:
        found = work()
    except Incomplete as cause:
        return report.not_run(PART, name, str(cause), how)
    bad = bool(found.faults) or found.files == 0
    message = f"{len(found.faults)} faults" if found.files else "there was nothing to look at"
    return report.Row(PART, name, how, f"{found.files} files", time.monotonic() - started, "FAULTY" if bad else "CLEAN",
                      "fail" if bad else "pass", message if bad else "", "\n".join(found.faults))


def main(root, argv):
    arguments = arguments_of(argv)
    stop, screen = Stop(), Screen()
    stop.install()
    (root / WORK).mkdir(parents=True, exist_ok=True)
    options = types.SimpleNamespace(**vars(arguments), runner=Runner(root, root / WORK, stop))
    rows = []
    for name in (name for name in CHECKS if name in arguments.only):
        check, how = CHECKS[name]
        screen.live(PART, name)
        rows.append(report.not_run(PART, name, "interrupted", how) if stop.is_set() else
                    row_of(name, how, lambda: check(root, options)))
    screen.close()
    word, sentence = report.verdict_of(rows, False)
    for path, text in ((root / WORK / "report.json", report.as_json(rows, word, sentence, {})),
                       (root / WORK / "report.txt", report.as_text(rows, word, sentence, {}))):
        report.write_atomically(path, text)
    if arguments.json is not None:
        report.write_atomically(arguments.json, report.as_json(rows, word, sentence, {}))
    print("\n".join([*report.table(rows, screen.paint), *report.details(rows, SHOWN), "", f"VERDICT: {word}: {sentence}"]))
    sys.stdout.flush()
    return EXIT[word]
