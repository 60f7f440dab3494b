"""Lines and branches of the core's headers that unit, property and fuzz tests reach, by gcovr."""
import argparse
import json
import os
import pathlib
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hakmem_verify.cli import job_count  # noqa: E402 - needs the path set above
from hakmem_verify.process import Runner, Stop  # noqa: E402

CORE = ("sync", "os", "lockfree", "layout", "superslab", "heap")
BOUNDS = {"line": 95.0, "branch": 90.0}
TARGETS = ("folders/tests/unit/all", "folders/tests/property/all", "folders/tests/fuzz/all")
EXIT_GREEN, EXIT_RED, EXIT_WRONG = 0, 1, 2


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog="ci/coverage", allow_abbrev=False,
        description="Builds the preset 'coverage', runs unit, property and fuzz tests and prints which lines and branches "
                    f"of src/ ({', '.join(CORE)}) they reach. Exit code 0 only if the tests pass, lines are at least "
                    f"{BOUNDS['line']:.0f} %, branches at least {BOUNDS['branch']:.0f} %, and every line that is not "
                    "reached is explained in ci/lib/uncovered.json.")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="compilations and tests at a time (default: the number of cores)")
    parser.add_argument("--no-build", action="store_true", help="count again what an earlier call has run")
    return parser.parse_args(argv)


def explanations(root):
    """(file, text of the line) -> why it is not reached."""
    path = root / "ci/lib/uncovered.json"
    return {(one["file"], one["line"]): one["why"] for one in json.loads(path.read_text(encoding="utf-8"))}


def tally(root, found):
    """(rows of a table, totals, lines that are not reached) from gcovr's JSON."""
    rows, totals, missed = [], {"line": [0, 0], "branch": [0, 0]}, []
    for one in found["files"]:
        text = (root / one["file"]).read_text(encoding="utf-8").splitlines()
        lines = [line for line in one["lines"] if not line["gcovr/noncode"]]
        branches = [branch for line in lines for branch in line["branches"] if not branch.get("throw")]
        counts = {"line": (sum(line["count"] > 0 for line in lines), len(lines)),
                  "branch": (sum(branch["count"] > 0 for branch in branches), len(branches))}
        for kind, (reached, all_) in counts.items():
            totals[kind][0] += reached
            totals[kind][1] += all_
        rows.append((one["file"], counts))
        missed += [(one["file"], line["line_number"], text[line["line_number"] - 1].strip())
                   for line in lines if line["count"] == 0]
    return rows, totals, missed


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 100.0


def report(root, found):
    """Prints table, lines that are not reached and verdict; the exit code."""
    rows, totals, missed = tally(root, found)
    print(f"{'file':<40} {'lines':>12} {'%':>6} {'branches':>12} {'%':>6}")
    for name, counts in [*rows, ("all", totals)]:
        print(f"{name:<40} " + " ".join(f"{f'{pair[0]}/{pair[1]}':>12} {percent(pair):>6.1f}" for pair in counts.values()))
    known, used, problems = explanations(root), set(), []
    for name, number, text in missed:
        why = known.get((name, text))
        used.add((name, text))
        print(f"not reached: {name}:{number}: {text}" + (f"  ({why})" if why else ""))
        if why is None:
            problems.append(f"{name}:{number} is not reached and not explained")
    problems += [f"explained, and reached or gone: {name}: {text}" for name, text in known.keys() - used]
    for kind, bound in BOUNDS.items():
        if percent(totals[kind]) < bound:
            problems.append(f"{percent(totals[kind]):.1f} % of {kind}s are reached, less than {bound:.0f} %")
    for problem in problems:
        print(f"PROBLEM   {problem}")
    verdict = "FAILED" if problems or not rows else "PASSED"
    print(f"VERDICT: {verdict}: {percent(totals['line']):.1f} % of {totals['line'][1]} lines, "
          f"{percent(totals['branch']):.1f} % of {totals['branch'][1]} branches")
    return EXIT_RED if verdict == "FAILED" else EXIT_GREEN


def main(root, argv):
    arguments = arguments_of(argv)
    if shutil.which("gcovr") is None:
        print("ci/coverage: not run: gcovr is not installed; run ci/setup --nightly", file=sys.stderr)
        return EXIT_RED
    build = root / "build/coverage"
    build.mkdir(parents=True, exist_ok=True)
    stop = Stop()
    stop.install()
    runner = Runner(root, build, stop)
    steps = [("configure", ["cmake", "--preset", "coverage"], 300),
             ("build", ["cmake", "--build", "--preset", "coverage", "-j", arguments.jobs, "--target", *TARGETS], 3600),
             ("tests", ["ctest", "--preset", "coverage", "-L", "unit|property|fuzz", "-LE", "cli", "-E", "^Headers", "-j", arguments.jobs,
                        "--timeout", "900", "--no-tests=error"], 3600)]
    if not arguments.no_build:
        for old in build.rglob("*.gcda"):
            old.unlink()
    for name, command, seconds in [] if arguments.no_build else steps:
        print(f"{name} ...", flush=True)
        outcome = runner.run(name, command, seconds)
        if not outcome.clean:
            print("\n".join(outcome.output.rstrip().splitlines()[-40:]))
            print(f"VERDICT: FAILED: {name} {outcome.describe()}; see {outcome.log}")
            return EXIT_RED
    filters = [word for folder in CORE for word in ("--filter", f"src/{folder}/")]
    outcome = runner.run("gcovr", ["gcovr", "--root", root, "--object-directory", build, *filters,
                                   "--exclude-throw-branches", "--exclude", "src/sync/valgrind_sync.hpp",
                                   "--json", build / "coverage.json", "-j", arguments.jobs], 1200)
    if not outcome.clean:
        print(f"VERDICT: FAILED: gcovr {outcome.describe()}; see {outcome.log}")
        return EXIT_RED
    return report(root, json.loads((build / "coverage.json").read_text(encoding="utf-8")))


if __name__ == "__main__":
    sys.exit(main(HERE.parents[1], sys.argv[1:]))
