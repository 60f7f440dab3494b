"""The command line of ci/nightly."""
import argparse
import os
import pathlib
import re
import sys
import time

from hakmem_ci.core import command_line, lock, process, report, screen, verdict
from hakmem_ci.jobs.nightly import merge, plan, run, state, work

LONG_FACTS = ("items", "planned", "comparison", "parts")  # in the text report in another form


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
    parser = command_line.parser(
        "nightly", "Divides its minutes over models, audit, tests, fuzzing, stress under every tool and real programs; "
                   "goes on where the night before has ended. 'ci/nightly merge REPORT...' makes one report of the reports "
                   "of shards.")
    parser.add_argument("--minutes", type=command_line.minutes, metavar="M",
                        help="after the build, 1 to 1440 (needed, but for --plan)")
    parser.add_argument("--only", nargs="+", choices=plan.NAMES, default=list(plan.NAMES), metavar="PART",
                        help="only these parts: " + ", ".join(plan.NAMES))
    parser.add_argument("--shard", type=shard, default=(1, 1), metavar="i/n", help="do the i-th of n equal pieces")
    parser.add_argument("--night", type=night_number, default=int(time.time()) // 86400, metavar="N",
                        help="decides on all seeds and on what comes in turn (default: the day's number). The shards of "
                             "a night need the same")
    parser.add_argument("--state", type=pathlib.Path, metavar="DIR",
                        help="what is kept from night to night, one for each shard (default: in build/nightly)")
    parser.add_argument("--plan", action="store_true", help="print the plan and run nothing")
    return parser


def merge_parser():
    parser = command_line.parser("nightly merge", "Makes one report of the reports of a night's shards.")
    parser.add_argument("reports", nargs="+", type=pathlib.Path, metavar="REPORT", help="report.json of a shard")
    parser.add_argument("--state", type=pathlib.Path, metavar="DIR", help="as of ci/nightly")
    return parser


def check(parser, arguments):
    """What an option alone cannot see."""
    path = arguments.state
    if path is not None and not path.resolve().parent.is_dir():
        parser.error(f"--state: there is no directory {path.resolve().parent}")
    if path is not None and path.exists() and not path.is_dir():
        parser.error(f"--state: {path} is not a directory")


def text_of(rows, word, sentence, facts):
    """The report for people."""
    head = {name: value for name, value in facts.items() if name not in LONG_FACTS}
    lines = report.as_text(rows, word, sentence, head).rstrip().splitlines()
    if "items" not in facts:
        return "\n".join(lines) + "\n"
    done = sum(item["seed"] is not None for item in facts["items"])
    return "\n".join([*lines[:-1], f"items of the plan: {len(facts['items'])} here, of {len(facts['planned'])}; {done} "
                      "were started", "", "since each check ran last:", *state.as_lines(facts["comparison"]), "", lines[-1]]) + "\n"


def report_in(folder, facts, arguments):
    """The report of a night, with its own text for people."""
    made = report.Report("nightly", folder, facts, command_line.copies_of(arguments))
    made.formats["txt"] = text_of
    return made


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
    try:
        rows, facts, interrupted = merge.run(arguments.reports, opened_state(root, arguments))
    except (merge.CannotMerge, state.Unreadable) as problem:
        print(f"ci/nightly merge: {problem}", file=sys.stderr)
        return verdict.EXIT_WRONG_CALL
    folder = root / "build/nightly/merged"
    folder.mkdir(parents=True, exist_ok=True)
    merged = report_in(folder, facts, arguments)
    merged.rows = rows
    return report.finish(merged, screen.Screen(), interrupted, more=state.as_lines(facts["comparison"]))


def facts_of(root, argv, arguments, planned):
    """What the report says besides results."""
    return {**command_line.facts_of(root, " ".join(["ci/nightly", *argv])), "minutes": arguments.minutes,
            "night": arguments.night, "parts": arguments.only, "shard": list(arguments.shard), "planned": planned}


def setup_options(arguments):
    """What ci/setup installs besides for this night: the long list of programs, if that is run, and other machines."""
    long_list = "programs" in arguments.only and arguments.minutes >= work.LONG_LIST_MINUTES
    return [*(["--programs-all"] if long_list else []), *(["--cross"] if "tests" in arguments.only else [])]


def run_night(root, argv, arguments, kept, scratch, night_plan):
    """Builds, runs and reports; returns the exit code."""
    os.environ.setdefault("WERROR", "ON")  # warnings are errors here, and not for people who build
    stop = process.Stop()
    stop.install()
    shown = screen.Screen()
    logs = scratch / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    mine = plan.with_failing(plan.of_shard(night_plan, *arguments.shard), kept.seeds)
    facts = facts_of(root, argv, arguments, plan.keys(night_plan))
    results = report_in(scratch, facts, arguments)
    runner = process.Runner(root, logs, stop)
    setup = runner.run("setup", [root / "ci/setup", "--nightly", *setup_options(arguments)])
    if not setup.clean and setup.ending != "interrupted":
        shown.line("going on with what is installed: " + (setup.output.strip().splitlines() or [setup.describe()])[-1])
    night = run.Night(root, scratch, arguments.jobs, shown, runner, kept, arguments.night,
                      arguments.minutes, results)
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
    facts["interrupted"] = stop.is_set()
    return report.finish(results, shown, stop.is_set(), more=state.as_lines(facts["comparison"]))


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
        return verdict.EXIT_WRONG_CALL
    night_plan = plan.of_night(arguments.only, arguments.minutes * 60, arguments.night)
    if arguments.plan:
        print("\n".join(plan.table(night_plan, arguments.minutes * 60)))
        print("\n".join(plan.keys(plan.of_shard(night_plan, *arguments.shard))))
        return 0
    index, count = arguments.shard
    scratch = root / "build/nightly" / ("run" if count == 1 else f"shard-{index}-of-{count}")
    try:
        with lock.held(scratch), lock.held(kept.folder):
            return run_night(root, argv, arguments, kept, scratch, night_plan)
    except lock.Busy:
        print(f"ci/nightly: another ci/nightly works in {scratch} or with {kept.folder}; wait for it to end, or give "
              "another --state", file=sys.stderr)
        return verdict.EXIT_CODES[verdict.INCOMPLETE]


def main(root, argv):
    """Does what the command line asks for on the checkout at `root` and returns its exit code."""
    return main_merge(root, argv[1:]) if argv[:1] == ["merge"] else main_run(root, argv)
