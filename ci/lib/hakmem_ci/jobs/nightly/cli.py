"""The command line of ci/nightly."""
import argparse
import fcntl
import os
import pathlib
import re
import sys
import time

from hakmem_ci.jobs.nightly import merge, plan, run, state
from hakmem_ci.core import process, report, screen
from hakmem_ci.jobs.verify.cli import EXIT_BUSY, EXIT_GREEN, EXIT_INTERRUPTED, EXIT_RED, first_line, job_count

EXIT_WRONG = 2
LONG_FACTS = ("items", "planned", "comparison", "parts")  # in the text report in another form


def minutes(text):
    if not re.fullmatch(r"\d{1,4}(\.\d)?", text) or not 1 <= float(text) <= 1440:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of minutes from 1 to 1440")
    return float(text)


def night_number(text):
    if not re.fullmatch(r"\d{1,9}", text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 0 to 999999999")
    return int(text)


def shard(text):
    found = re.fullmatch(r"(\d{1,4})/(\d{1,4})", text)
    if not found or not 1 <= int(found[1]) <= int(found[2]) <= 1000:
        raise argparse.ArgumentTypeError(f"'{text}' is not i/n with 1 <= i <= n <= 1000")
    return int(found[1]), int(found[2])


def run_parser():
    parser = argparse.ArgumentParser(
        prog="ci/nightly", allow_abbrev=False,
        description="Divides its minutes over models, audit, tests, fuzzing, stress under every tool and real programs; "
                    "goes on where the night before has ended. Exit code 0 only if all that was planned ran and holds. "
                    "'ci/nightly merge REPORT...' makes one report of the reports of shards.")
    parser.add_argument("--minutes", type=minutes, metavar="M", help="after the build, 1 to 1440 (needed, but for --plan)")
    parser.add_argument("--only", nargs="+", choices=plan.NAMES, default=list(plan.NAMES), metavar="PART",
                        help="only these parts: " + ", ".join(plan.NAMES))
    parser.add_argument("--shard", type=shard, default=(1, 1), metavar="i/n", help="do the i-th of n equal pieces")
    parser.add_argument("--night", type=night_number, default=int(time.time()) // 86400, metavar="N",
                        help="decides on all seeds and on what comes in turn (default: the day's number). The shards of "
                             "a night need the same")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="programs and compilations at a time (default: the number of cores)")
    parser.add_argument("--state", type=pathlib.Path, metavar="DIR",
                        help="what is kept from night to night, one for each shard (default: in build/nightly)")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the report there as well")
    parser.add_argument("--plan", action="store_true", help="print the plan and run nothing")
    return parser


def merge_parser():
    parser = argparse.ArgumentParser(prog="ci/nightly merge", allow_abbrev=False,
                                     description="Makes one report of the reports of a night's shards.")
    parser.add_argument("reports", nargs="+", type=pathlib.Path, metavar="REPORT", help="report.json of a shard")
    parser.add_argument("--state", type=pathlib.Path, metavar="DIR", help="as of ci/nightly")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="write the report there as well")
    return parser


def check(parser, arguments):
    """What an option alone cannot see."""
    for name in ("json", "state"):
        path = getattr(arguments, name)
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f"--{name}: there is no directory {path.resolve().parent}")
    if arguments.state is not None and arguments.state.exists() and not arguments.state.is_dir():
        parser.error(f"--state: {arguments.state} is not a directory")


def text_of(rows, word, sentence, facts):
    """The report for people."""
    head = {name: value for name, value in facts.items() if name not in LONG_FACTS}
    lines = report.as_text(rows, word, sentence, head).rstrip().splitlines()
    done = sum(item["seed"] is not None for item in facts["items"])
    return "\n".join([*lines[:-1], f"items of the plan: {len(facts['items'])} here, of {len(facts['planned'])}; {done} "
                      "were started", "", "since each check ran last:", *state.as_lines(facts["comparison"]), "", lines[-1]]) + "\n"


def finish(scratch, rows, facts, interrupted, arguments, shown):
    """Prints table, comparison and verdict, writes the reports, and returns the exit code."""
    word, sentence = report.verdict_of(rows, interrupted)
    as_json = report.as_json(rows, word, sentence, facts)
    report.write_atomically(scratch / "report.json", as_json)
    report.write_atomically(scratch / "report.txt", text_of(rows, word, sentence, facts))
    if arguments.json is not None:
        report.write_atomically(arguments.json.resolve(), as_json)
    print("\n" + "\n".join(report.table(rows, shown.paint) + report.details(rows, report.TRACE_LINES)))
    print("\n" + "\n".join(state.as_lines(facts["comparison"])))
    print(f"\nreports: {scratch}/report.json, report.txt")
    print("VERDICT: " + shown.paint(word, "pass" if word == "PASSED" else "fail") + f": {sentence}", flush=True)
    if word == "INTERRUPTED":
        return EXIT_INTERRUPTED
    return EXIT_GREEN if word == "PASSED" else EXIT_RED


def opened_state(root, arguments):
    index, count = getattr(arguments, "shard", (1, 1))
    own = "state" if count == 1 else f"state-of-shard-{index}-of-{count}"
    folder = (arguments.state or root / "build/nightly" / own).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    return state.State(folder)


def main_merge(root, argv):
    parser = merge_parser()
    arguments = parser.parse_args(argv)
    check(parser, arguments)
    shown = screen.Screen()
    try:
        rows, facts, interrupted = merge.run(arguments.reports, opened_state(root, arguments))
    except (merge.CannotMerge, state.Unreadable) as problem:
        print(f"ci/nightly merge: {problem}", file=sys.stderr)
        return EXIT_WRONG
    finally:
        shown.close()
    return finish(root / "build/nightly/merged", rows, facts, interrupted, arguments, shown)


def facts_of(root, arguments, planned):
    """What the report says besides results."""
    return {"command": "ci/nightly " + " ".join(sys.argv[1:]), "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "commit": first_line(["git", "describe", "--always", "--dirty"], root),
            "machine": f"{os.uname().nodename}, {os.cpu_count()} cores, Linux {os.uname().release}",
            "compiler": first_line([os.environ.get("CXX", "c++"), "--version"], root),
            "minutes": arguments.minutes, "night": arguments.night, "parts": arguments.only,
            "shard": list(arguments.shard), "planned": planned}


def run_night(root, arguments, kept, scratch, night_plan):
    """Builds, runs and reports; returns the exit code."""
    stop = process.Stop()
    stop.install()
    shown = screen.Screen()
    logs = scratch / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    mine = plan.with_failing(plan.of_shard(night_plan, *arguments.shard), kept.seeds)
    facts = facts_of(root, arguments, plan.keys(night_plan))
    runner = process.Runner(root, logs, stop)
    setup = runner.run("setup", [root / "ci/setup", "--nightly"], 1800)
    if not setup.clean and setup.ending != "interrupted":
        shown.line("going on with what is installed: " + (setup.output.strip().splitlines() or [setup.describe()])[-1])
    night = run.Night(root, scratch, arguments.jobs, shown, runner, kept, arguments.night)
    started = time.monotonic()
    night.build(mine)
    facts["seconds_of_build"] = round(time.monotonic() - started, 1)
    started = time.monotonic()
    night.run(mine, arguments.minutes * 60)
    facts["seconds_after_build"] = round(time.monotonic() - started, 1)
    facts["items"] = [{"key": key, "seconds": night.seconds.get(key), "seed": night.seeds.get(key)}
                      for key in plan.keys(mine)]
    facts["comparison"] = state.compare(kept.known, night.rows)
    kept.keep(arguments.night, night.rows, night.seeds)
    shown.close()
    return finish(scratch, night.rows, facts, stop.is_set(), arguments, shown)


def main_run(root, argv):
    parser = run_parser()
    arguments = parser.parse_args(argv)
    check(parser, arguments)
    if arguments.minutes is None:
        parser.error("--minutes is missing; give the time after the build, such as --minutes 20")
    try:
        kept = opened_state(root, arguments)
    except state.Unreadable as problem:
        print(f"ci/nightly: {problem}", file=sys.stderr)
        return EXIT_WRONG
    night_plan = plan.of_night(arguments.only, arguments.minutes * 60, arguments.night)
    if arguments.plan:
        print("\n".join(plan.table(night_plan, arguments.minutes * 60)))
        print("\n".join(plan.keys(plan.of_shard(night_plan, *arguments.shard))))
        return EXIT_GREEN
    index, count = arguments.shard
    scratch = root / "build/nightly" / ("run" if count == 1 else f"shard-{index}-of-{count}")
    scratch.mkdir(parents=True, exist_ok=True)
    with open(scratch / "lock", "w", encoding="ascii") as lock, open(kept.folder / "lock", "w", encoding="ascii") as shared:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            fcntl.flock(shared, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            print(f"ci/nightly: another ci/nightly works in {scratch} or with {kept.folder}; wait for it to end, or give "
                  "another --state", file=sys.stderr)
            return EXIT_BUSY
        for name in ("report.json", "report.txt"):
            (scratch / name).unlink(missing_ok=True)
        return run_night(root, arguments, kept, scratch, night_plan)


def main(root, argv):
    """Does what the command line asks for on the checkout at `root` and returns the exit code."""
    return main_merge(root, argv[1:]) if argv[:1] == ["merge"] else main_run(root, argv)
