"""The command line of ci/verify."""
import argparse
import fcntl
import os
import pathlib
import platform
import subprocess
import sys
import time
import traceback

from hakmem_ci.core import process, report, screen
from hakmem_ci.jobs.verify import build, models, mutants, plan, programs, properties, stress
from hakmem_ci.jobs.verify.context import Context

PARTS = {  # name -> ((preset, target) that it needs, function)
    "models": ((("model", "hakmem-check"),), models.run),
    "properties": ((("release", "folders/tests/property/all"),), properties.run),
    "stress": (tuple((preset, "stress") for preset in ("release", "tsan", "asan", "valgrind")), stress.run),
    "programs": ((("release", "hakmem"),), programs.run),
    "mutants": ((("model", "hakmem-check"),), mutants.run),
}
ON_REQUEST = ("mutants",)  # takes long where nothing is known from before; the nightly runs it
EXIT_GREEN, EXIT_RED, EXIT_BUSY, EXIT_INTERRUPTED = 0, 1, 1, 130


def job_count(text):
    """A number of jobs between 1 and 512."""
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 512")
    return int(text)


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="ci/verify", allow_abbrev=False,
        description="Builds hakmem and checks it: models, properties, stress under sanitizers, real programs; on "
                    "request mutants of plain logic. Exit code 0 only if every check ran and holds.")
    parser.add_argument("--quick", action="store_true",
                        help="end within 5 minutes after the build, not 15")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="programs and compilations at a time (default: the number of cores)")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART",
                        help="only these parts: " + ", ".join(PARTS) + " (default: all but " + ", ".join(ON_REQUEST) + ")")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE",
                        help="write the report there as well as to build/verify/report.json")
    arguments = parser.parse_args(argv)
    if arguments.json is not None and not arguments.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no directory {arguments.json.resolve().parent}")
    arguments.parts = arguments.only or [part for part in PARTS if part not in ON_REQUEST]
    return arguments


def first_line(command, root):
    """The first line that a small command prints, or "unknown"."""
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = done.stdout.splitlines()
    return lines[0] if done.returncode == 0 and lines else "unknown"


def facts_of(root, arguments):
    """What the reports say about the run besides its results."""
    return {
        "command": "ci/verify" + (" --quick" if arguments.quick else "") +
                   (" --only " + " ".join(arguments.only) if arguments.only else ""),
        "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
        "commit": first_line(["git", "describe", "--always", "--dirty"], root),
        "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "compiler": first_line([os.environ.get("CXX", "c++"), "--version"], root),
    }


def set_up(context):
    """Installs what is missing. A failure is only a warning: what really lacks shows where it is needed."""
    outcome = context.runner.run("setup", [context.root / "ci" / "setup"], context.plan.build_seconds,
                                 on_line=lambda line: context.screen.live("setup", line))
    context.screen.live("setup", "")
    if not outcome.clean and outcome.ending != "interrupted":
        last = (outcome.output.strip().splitlines() or [outcome.describe()])[-1]
        context.screen.line(f"going on with what is installed: {last}")


def check_all(context, parts):
    """Builds and runs the parts, in the order of PARTS."""
    set_up(context)
    wanted = [name for name in PARTS if name in parts]
    build.build_all(context, [need for name in wanted for need in PARTS[name][0]])
    context.start_clock()
    for name in wanted:
        try:
            PARTS[name][1](context)
        except Exception:  # a fault of the job itself must cost neither the other parts nor the truth
            context.add(report.Row(name, "ci/verify itself", "", "", 0.0, "FAILED", "fail", "stumbled",
                                   traceback.format_exc()))


def finish(context, arguments, facts, interrupted):
    """Prints table and verdict, writes the reports, and returns the exit code."""
    rows = context.rows
    word, sentence = report.verdict_of(rows, interrupted)
    if arguments.only:
        sentence += " (only: " + ", ".join(arguments.only) + ")"
    paint = context.screen.paint
    context.screen.close()
    print("\n" + "\n".join(report.table(rows, paint) + report.details(rows, report.TRACE_LINES)))
    as_json = report.as_json(rows, word, sentence, facts)
    report.write_atomically(context.scratch / "report.json", as_json)
    report.write_atomically(context.scratch / "report.txt", report.as_text(rows, word, sentence, facts))
    if arguments.json is not None:
        report.write_atomically(arguments.json.resolve(), as_json)
    print(f"\nreports: {context.scratch.relative_to(context.root)}/report.json, report.txt")
    print("VERDICT: " + paint(word, "pass" if word == "PASSED" else "fail") + f": {sentence}", flush=True)
    if word == "INTERRUPTED":
        return EXIT_INTERRUPTED
    return EXIT_GREEN if word == "PASSED" else EXIT_RED


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    scratch = root / "build" / "verify"
    logs = scratch / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    with open(scratch / "lock", "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print("ci/verify: another ci/verify runs in this checkout; wait for it to end", file=sys.stderr)
            return EXIT_BUSY
        for name in ("report.json", "report.txt"):
            (scratch / name).unlink(missing_ok=True)
        stop = process.Stop()
        stop.install()
        context = Context(root, plan.QUICK if arguments.quick else plan.FULL, arguments.jobs, screen.Screen(),
                          process.Runner(root, logs, stop))
        facts = {**facts_of(root, arguments), "seed": context.seed}
        started = time.monotonic()
        check_all(context, arguments.parts)
        ended = time.monotonic()
        facts["seconds"] = round(ended - started, 1)
        facts["seconds_after_build"] = round(ended - context.clock_start, 1)
        return finish(context, arguments, facts, stop.is_set())
