"""The command line of ci/verify."""
import fnmatch
import time
import traceback

from hakmem_ci.core import command_line, lock, process, report, screen
from hakmem_ci.jobs.verify import build, models, mutants, plan, programs, properties, stress
from hakmem_ci.jobs.verify.context import Context

PARTS = {module.PART: module for module in (models, properties, stress, programs, mutants)}
ON_REQUEST = (mutants.PART,)  # takes long where nothing is known from before; the nightly runs it
SETUP_SECONDS = 7200.0  # of processor time


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        "verify", "Builds hakmem and checks it: models, properties, stress under sanitizers, real programs; on request "
                  "mutants of plain logic. What is done is a fixed list; a slow or busy machine takes longer.")
    parser.add_argument("--quick", action="store_true", help="the short list: about 5 minutes of two cores after the build")
    parser.add_argument("--minutes", type=command_line.minutes, metavar="M",
                        help="end after so many minutes: cheap checks come first, and what is left is INCOMPLETE")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), metavar="PART",
                        help="only these parts: " + ", ".join(PARTS) + " (default: all but " + ", ".join(ON_REQUEST) + ")")
    parser.add_argument("--checks", nargs="+", metavar="PATTERN",
                        help="only checks of these names, such as 'stress/tsan*' or models/suites")
    parser.add_argument("--suites", default="", metavar="PATTERN", help="only these suites of the models")
    parser.add_argument("--list", action="store_true", help="name the checks, build and run nothing")
    arguments = parser.parse_args(argv)
    arguments.parts = arguments.only or [part for part in PARTS if part not in ON_REQUEST]
    if arguments.checks:
        wanted = {part for part in arguments.parts
                  if any(fnmatch.fnmatchcase(part, pattern.split("/")[0]) for pattern in arguments.checks)}
        if not wanted:
            parser.error(f"--checks: no check is called {' or '.join(arguments.checks)}; --list names them")
        arguments.parts = [part for part in arguments.parts if part in wanted]
    return arguments


def remark_of(arguments):
    """What the verdict is about, if not about everything."""
    limits = [f"{name}: {', '.join(value)}" for name, value in (("only", arguments.only), ("checks", arguments.checks)) if value]
    limits += [f"suites: {arguments.suites}"] if arguments.suites else []
    return f" ({'; '.join(limits)})" if limits else ""


def command_of(argv):
    """The command, for the reports."""
    return " ".join(["ci/verify", *argv])


def set_up(context):
    """Installs what is missing. A failure is only a warning: what really lacks shows where it is needed."""
    outcome = context.runner.run("setup", [context.root / "ci" / "setup"], SETUP_SECONDS, deadline=context.deadline,
                                 on_line=lambda line: context.screen.live("setup", line))
    context.screen.live("setup", "")
    if not outcome.clean and outcome.ending != process.INTERRUPTED:
        last = (outcome.output.strip().splitlines() or [outcome.describe()])[-1]
        context.screen.line(f"going on with what is installed: {last}")


def selected(context, arguments):
    """The checks of the run, in the order of PARTS. A pattern that names none is a row, not a silence."""
    checks = [check for name in arguments.parts for check in PARTS[name].checks(context)]
    if not arguments.checks:
        return checks
    for pattern in arguments.checks:
        if not any(fnmatch.fnmatchcase(check.key, pattern) for check in checks):
            context.add(report.incomplete("checks", pattern, "no check is called so; ci/verify --list names them"))
    return [check for check in checks if any(fnmatch.fnmatchcase(check.key, pattern) for pattern in arguments.checks)]


def needs_of(arguments):
    """What has to be built: of a part of which only some checks are wanted, only their presets."""
    needs = [need for name in arguments.parts for need in PARTS[name].NEEDS]
    if not arguments.checks:
        return needs
    runs = {f"stress/{name}": preset for name, (preset, _, _) in stress.RUNS.items()}
    used = {preset for key, preset in runs.items() for pattern in arguments.checks if fnmatch.fnmatchcase(key, pattern)}
    return [(preset, target) for preset, target in needs if target != "stress" or preset in used]


def run_check(context, check):
    """Runs a check, whatever happens in it."""
    try:
        check.run(context, check)
    except Exception:  # a fault of the job itself must cost neither the other checks nor the truth
        context.add(report.incomplete(check.part, "ci/verify itself", "stumbled", check.name, evidence=traceback.format_exc()))


def check_all(context, arguments):
    """Builds and runs what was asked for. \\return when the checks began"""
    set_up(context)
    build.build_all(context, needs_of(arguments))
    began = time.monotonic()
    context.do(selected(context, arguments), lambda check: run_check(context, check))
    context.costs.save()
    return began


def run(root, arguments, argv):
    """Runs the job and returns its exit code."""
    scratch = root / "build" / "verify"
    logs = scratch / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    stop = process.Stop()
    stop.install()
    started = time.monotonic()
    deadline = None if arguments.minutes is None else started + 60 * arguments.minutes
    context = Context(root, plan.QUICK if arguments.quick else plan.FULL, arguments.jobs, screen.Screen(),
                      process.Runner(root, logs, stop), deadline)
    context.suites = arguments.suites
    facts = {**command_line.facts_of(root, command_of(argv)), "seed": context.seed}
    results = report.Report("verify", scratch, facts, command_line.copies_of(arguments))
    context.keep = results.add
    began = check_all(context, arguments)
    facts["seconds"] = round(time.monotonic() - started, 1)
    facts["seconds_after_build"] = round(time.monotonic() - began, 1)
    return report.finish(results, context.screen, stop.is_set(), remark_of(arguments))


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    if arguments.list:
        context = Context(root, plan.QUICK if arguments.quick else plan.FULL, arguments.jobs, None, None)
        checks = [check for name in arguments.parts for check in PARTS[name].checks(context)]
        print("\n".join(f"{check.key:<40} about {context.costs.of(check):.0f} s of processor time" for check in checks))
        return 0
    return lock.alone("verify", root / "build" / "verify", lambda: run(root, arguments, argv))
