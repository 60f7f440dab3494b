"""The command line of ci/bench."""
import argparse
import dataclasses
import fnmatch
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import sys
import tempfile

from hakmem_ci.jobs.bench import allocators, catalogue, compare, measure, plots, summary
from hakmem_ci.core import command_line, process, report, screen, verdict

PRESET = "release"
TARGETS = ("hakmem", "bench_larson", "bench_random_mixed", "bench_instructions", "bench_operations", "bench_scenarios")
BUILD_SECONDS = 1800


def allocator(text):
    """An Allocator out of NAME=PATH, or out of a path such as libNAME.so.2."""
    name, equals, file = text.partition("=")
    if not equals:
        file = text
        name = re.sub(r"^lib|\.so.*$", "", pathlib.Path(file).name)
    if not name.replace("-", "").replace("_", "").isalnum() or not file:
        raise argparse.ArgumentTypeError(f"'{text}' is not NAME=PATH, such as mine=/opt/libmine.so")
    path = pathlib.Path(file).resolve()
    if not path.is_file():
        raise argparse.ArgumentTypeError(f"there is no file {file}; build it or give another path")
    with path.open("rb") as opened:
        if opened.read(4) != b"\x7fELF":
            raise argparse.ArgumentTypeError(f"{file} is not a shared library")
    if any(letter in str(path) for letter in " :"):
        raise argparse.ArgumentTypeError(f"{path}: LD_PRELOAD takes no path with a space or a colon")
    return allocators.Allocator(name, path)


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = argparse.ArgumentParser(
        prog="ci/bench", allow_abbrev=False,
        description="Measures hakmem against other allocators, in turns, and prints medians, ratios, peak memory and "
                    "instruction counts. Exit code 0: PASSED, every scenario ran under every allocator; 1: FAILED, "
                    "runs went wrong; 3: INCOMPLETE, interrupted or something is missing.")
    known = ", ".join((allocators.HAKMEM, allocators.GLIBC, *allocators.PEER_FILES))
    parser.add_argument("--rounds", type=command_line.whole_number(1, 1000), default=None, metavar="N",
                        help="runs of each scenario under each allocator, 1 to 1000 (default: 5, with --quick 3)")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--only", action="append", default=[], metavar="PATTERN",
                        help="only scenarios that match, such as 'larson-*'; may be repeated")
    parser.add_argument("--against", metavar="NAMES",
                        help=f"only these allocators, by commas, of: {known}; ratios are the first one's to the others")
    parser.add_argument("--allocator", type=allocator, action="append", default=[], metavar="[NAME=]PATH",
                        help="one more allocator, a shared library; a known name replaces that one; may be repeated")
    parser.add_argument("--json", type=pathlib.Path, metavar="FILE", help="also write all results to this file")
    parser.add_argument("--markdown", type=pathlib.Path, metavar="FILE", help="also write the report to this file")
    parser.add_argument("--plots", type=pathlib.Path, metavar="DIR",
                        help="also draw speed, memory and memory over time into this folder (SVG); needs gnuplot")
    parser.add_argument("--patience", type=command_line.whole_number(1, 86400), default=int(process.SLEEP_SECONDS), metavar="SECONDS",
                        help="a run hangs of which no thread has run for so long (default: "
                             f"{process.SLEEP_SECONDS:.0f})")
    parser.add_argument("--built", type=pathlib.Path, metavar="DIR",
                        help=f"measure the library and programs of this build directory (default: builds "
                             f"build/{PRESET})")
    parser.add_argument("--compare", nargs=2, type=pathlib.Path, metavar=("OLD", "NEW"),
                        help="measure nothing: say how the results in two files of --json differ, and what of that is more "
                             "than noise")
    parser.add_argument("--list", action="store_true", help="name the scenarios and end")
    arguments = parser.parse_args(argv)
    scenarios = catalogue.catalogue(arguments.quick)
    for pattern in arguments.only:
        if not any(fnmatch.fnmatchcase(scenario.name, pattern) for scenario in scenarios):
            parser.error(f"--only: no scenario matches '{pattern}'; --list names them")
    if arguments.plots is not None and not plots.is_there():
        parser.error("--plots: gnuplot is not installed; run ci/setup")
    for option in ("json", "markdown", "plots"):
        path = getattr(arguments, option)
        if path is not None and not path.resolve().parent.is_dir():
            parser.error(f"--{option}: there is no directory {path.resolve().parent}")
    if arguments.built is not None and not (arguments.built / "bench").is_dir():
        parser.error(f"--built: there is no directory {arguments.built / 'bench'}; build the preset {PRESET} first")
    if arguments.compare:
        try:
            arguments.compare = [compare.read(path) for path in arguments.compare]
        except compare.Unusable as error:
            parser.error(f"--compare: {error}")
    extra = [one.name for one in arguments.allocator]
    names = arguments.against.split(",") if arguments.against is not None else []
    for name in names:
        if name not in (allocators.HAKMEM, allocators.GLIBC, *allocators.PEER_FILES, *extra):
            parser.error(f"--against: unknown allocator '{name}'; choose from {known}, or give it by --allocator")
    if len(set(extra)) != len(extra):
        parser.error("--allocator: the same name is given twice")
    arguments.names = list(dict.fromkeys([*names, *extra]))
    arguments.rounds = arguments.rounds or (3 if arguments.quick else 5)
    arguments.scenarios = [scenario for scenario in scenarios if not arguments.only or
                           any(fnmatch.fnmatchcase(scenario.name, pattern) for pattern in arguments.only)]
    return arguments


class CannotMeasure(Exception):
    """Something that is needed is not there."""


def choose(arguments, root, built):
    """The allocators to compare, hakmem first. Installs peers that are missing."""
    given = {one.name: one for one in arguments.allocator}
    wanted = [allocators.HAKMEM, allocators.GLIBC, *allocators.PEER_FILES] if arguments.against is None else []
    wanted = list(dict.fromkeys([*wanted, *arguments.names]))
    missing = [name for name in wanted if name not in given and name in allocators.PEER_FILES and
               allocators.find(name) is None]
    if missing:
        print(f"ci/bench: not installed: {', '.join(missing)}", flush=True)
        subprocess.run([root / "ci" / "setup", "--no-programs", "--bench"], check=False)
    chosen = []
    for name in wanted:
        if name in given:
            chosen.append(given[name])
        elif name == allocators.GLIBC:
            chosen.append(allocators.Allocator(name))
        elif name == allocators.HAKMEM:
            chosen.append(allocators.Allocator(name, built / "libhakmem.so"))
        elif allocators.find(name) is None:
            raise CannotMeasure(f"{name} is not installed; run ci/setup --bench, or name others with --against")
        else:
            chosen.append(allocators.Allocator(name, allocators.find(name)))
    return chosen


def build(runner, shown):
    """Builds the library and the benchmarks. Raises CannotMeasure."""
    jobs = str(min(2, os.cpu_count() or 1))
    for step, command in (("configure", ["cmake", "--preset", PRESET]),
                          ("build", ["cmake", "--build", "--preset", PRESET, "-j", jobs, "--target", *TARGETS])):
        shown.live("build", f"{PRESET}: {step}")
        outcome = runner.run(f"bench-{step}", command, BUILD_SECONDS)
        if not outcome.clean:
            raise CannotMeasure(f"{step} of the preset {PRESET} {outcome.describe()}; whole output: {outcome.log}")
    shown.live("build", "")


def describe_machine():
    """Processor and load, for whoever reads the figures later."""
    model = "unknown processor"
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return f"{os.cpu_count()} cores, shared, {model}, {platform.system()} {platform.machine()}"


def measure_all(arguments, chosen, built, runner, shown):
    """The Results of all rounds."""
    total = arguments.rounds * len(arguments.scenarios) * len(chosen)
    done = 0

    def listen(number, scenario, one):
        nonlocal done
        done += 1
        shown.live("bench", f"round {number + 1} of {arguments.rounds}, {scenario.name}, {one.name} "
                            f"(run {done}, at most {total})")
        if not shown.is_terminal and one.name == chosen[number % len(chosen)].name:
            shown.line(f"round {number + 1} of {arguments.rounds}: {scenario.name}")

    # A folder of its own below the root (as Runner wants), so that two measurements at a time do not mix.
    with tempfile.TemporaryDirectory(dir=runner.logs) as scratch:
        bench = measure.Bench(process.Runner(runner.root, pathlib.Path(scratch), runner.stop), built / "bench",
                              pathlib.Path(scratch), arguments.patience)
        return bench.run(arguments.scenarios, chosen, arguments.rounds, listen)


def shown_command(argv):
    """The call that repeats the measurement; where its JSON went is of no interest."""
    words, rest = ["ci/bench"], iter(argv)
    for word in rest:
        if word == "--json":
            next(rest)
        elif not word.startswith("--json="):
            words.append(word)
    return shlex.join(words)


def draw(folder, entries, names, subject):
    """(title, path) of each picture; none where none were asked for. What cannot be drawn is said, and costs no result."""
    if folder is None:
        return []
    try:
        folder.mkdir(exist_ok=True)
        return plots.write(entries, names, subject, folder.resolve())
    except (OSError, plots.CannotDraw) as error:
        print(f"ci/bench: no pictures in {folder}: {error}", file=sys.stderr)
        return []


def write_reports(root, arguments, results, chosen, argv):
    """Prints the tables and writes the files that were asked for."""
    names = [one.name for one in chosen]
    subject = names[0]
    entries = summary.summarise(results, arguments.scenarios, names, subject)
    counts = summary.counts_of(results, arguments.scenarios, names)
    operations = summary.operations_of(results, arguments.scenarios, names)
    problems = results.problems()
    facts = {"command": shown_command(argv), "machine": describe_machine(),
             "commit": command_line.first_line(["git", "describe", "--always", "--dirty"], root),
             "rounds_done": max((sample.round + 1 for by_name in results.samples.values()
                                 for samples in by_name.values() for sample in samples), default=0),
             "interrupted": results.interrupted,
             "allocators": {one.name: one.library.name if one.library else "the C library" for one in chosen}}
    print()
    for table in summary.tables(entries, counts, operations, names, subject):
        print(summary.as_text(*table))
    for scenario, name, number, problem in problems:
        print(f"FAILED: {scenario} with {name}, round {number + 1}: {problem}")
    if arguments.json is not None:
        samples = {scenario: {name: [dataclasses.asdict(sample) for sample in each] for name, each in by_name.items()}
                   for scenario, by_name in results.samples.items()}
        whole = {**facts, "subject": subject, "failures": len(problems),
                 "geometric_means": summary.geometric_means(entries, names, subject),
                 "results": entries, "samples": samples}
        report.write_atomically(arguments.json.resolve(), json.dumps(whole, indent=2) + "\n")
    pictures = draw(arguments.plots, entries, names, subject)
    if arguments.markdown is not None:
        shown = [(title, os.path.relpath(path, arguments.markdown.resolve().parent)) for title, path in pictures]
        text = summary.document(facts, entries, counts, operations, problems, names, subject, shown)
        report.write_atomically(arguments.markdown.resolve(), text)
    print(summary.headline(entries, names, subject))
    return problems


def conclude(results, problems):
    """Prints the last line; returns the exit code."""
    word = verdict.PASSED
    if problems:
        word, sentence = verdict.FAILED, f"{len(problems)} runs failed"
    elif results.interrupted or not results.samples:
        word, sentence = verdict.INCOMPLETE, "interrupted; the results so far are above" if results.samples else "nothing was measured"
    else:
        sentence = "every scenario ran under every allocator"
    print(f"VERDICT: {word}: {sentence}")
    return verdict.EXIT_CODES[word]


def show_differences(arguments):
    """Prints how two results differ, and writes it as JSON if that was asked for; the exit code says nothing of speed."""
    old, new = arguments.compare
    rows, left_out = compare.compare(old, new)
    counts = compare.changed_counts(old, new)
    lines = compare.conclusion(rows)
    for word, result in (("old", old), ("new", new)):
        print(f"{word}: {result['subject']} at {result.get('commit', '?')}, {result['rounds_done']} rounds, {result['machine']}")
    print("\n" + summary.as_text(*compare.table(rows)))
    for line in (*(f"left out: {line}" for line in left_out), *counts, *lines):
        print(line)
    if arguments.json is not None:
        whole = {"rows": rows, "left_out": left_out, "instructions": counts, "conclusion": lines}
        report.write_atomically(arguments.json.resolve(), json.dumps(whole, indent=2) + "\n")
    return 0


def main(root, argv):
    """Measures what the command line asks for; returns the exit code."""
    arguments = arguments_of(argv)
    if arguments.list:
        for scenario in arguments.scenarios:
            print(f"{scenario.name:<26} {scenario.about}")
        return 0
    if arguments.compare:
        return show_differences(arguments)
    logs = root / "build" / "bench"
    logs.mkdir(parents=True, exist_ok=True)
    stop = process.Stop()
    stop.install()
    runner = process.Runner(root, logs, stop)
    shown = screen.Screen()
    try:
        built = (arguments.built or root / "build" / PRESET).resolve()
        chosen = choose(arguments, root, built)
        if arguments.built is None:
            build(runner, shown)
        for one in chosen:
            if one.library is not None and not one.library.is_file():
                raise CannotMeasure(f"there is no {one.library}; leave out --built, or build it")
        results = measure_all(arguments, chosen, built, runner, shown)
    except CannotMeasure as cause:
        print(f"ci/bench: {cause}", file=sys.stderr)
        return verdict.EXIT_CODES[verdict.INCOMPLETE]
    finally:
        shown.close()
    return conclude(results, write_reports(root, arguments, results, chosen, argv))
