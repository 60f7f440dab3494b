"""Lines and branches of the core's headers that unit, property and fuzz tests reach, by gcovr."""
import argparse
import json
import os
import pathlib
import shutil

from hakmem_ci.jobs.verify.cli import job_count
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.pages import stamps

CORE = ("sync", "os", "lockfree", "layout", "superslab", "heap", "learner")
UNUSED = ("src/sync/valgrind_sync.hpp",)  # of other builds, where tools check it
BOUNDS = {"line": 95.0, "branch": 90.0}
FOLDERS = ("unit", "property", "fuzz", "heap_program")  # below tests: what is built and run
TARGETS = tuple(f"folders/tests/{folder}/all" for folder in FOLDERS)
# What a build of everything leaves: other instantiations of the templates, which none of these tests runs.
NOT_TARGETS = rf".*/folders/tests/(?!(?:{'|'.join(FOLDERS)}|support)(?:/|$))[^/]+"
EXPLANATIONS = "ci/coverage-explained.json"  # of lines that no test reaches
EXIT_GREEN, EXIT_RED, EXIT_WRONG = 0, 1, 2


def arguments_of(argv):
    parser = argparse.ArgumentParser(
        prog="ci/coverage", allow_abbrev=False,
        description="Builds the preset 'coverage', runs unit, property and fuzz tests and prints which lines and branches "
                    f"of src/ ({', '.join(CORE)}) they reach. Exit code 0 only if the tests pass, lines are at least "
                    f"{BOUNDS['line']:.0f} %, branches at least {BOUNDS['branch']:.0f} %, and every line that is not "
                    f"reached is explained in {EXPLANATIONS}. Then docs/reports/coverage.md is written.")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                        help="compilations and tests at a time (default: the number of cores)")
    parser.add_argument("--no-build", action="store_true", help="count again what an earlier call has run")
    return parser.parse_args(argv)


class Explanations(dict):
    """(file, text of the line) -> why it is not reached. One line of text may stand at several places of a file. `chance`:
    those that a race may reach now and then."""

    def __init__(self, entries):
        super().__init__({(one["file"], line): one["why"] for one in entries for line in one["lines"]})
        self.chance = {(one["file"], line) for one in entries for line in one["lines"] if one.get("by_chance")}


def explanations(root):
    """What the file of EXPLANATIONS says. An entry about lines that are not there any more has no excuse."""
    known = Explanations(json.loads((root / EXPLANATIONS).read_text(encoding="utf-8")))
    texts = {name: {line.strip() for line in (root / name).read_text(encoding="utf-8").splitlines()}
             for name, _ in known if (root / name).is_file()}
    known.chance = {(name, line) for name, line in known.chance if line in texts.get(name, ())}
    return known


class Tally:
    """What was reached, by file and in all."""

    def __init__(self, root, found):
        self.rows, self.missed, self.half = [], [], []
        self.totals = {"line": [0, 0], "branch": [0, 0]}
        for one in found["files"]:
            text = (root / one["file"]).read_text(encoding="utf-8").splitlines()
            lines = [line for line in one["lines"] if not line["gcovr/noncode"]]
            branches = {line["line_number"]: [branch["count"] > 0 for branch in line["branches"] if not branch.get("throw")]
                        for line in lines}
            counts = {"line": (sum(line["count"] > 0 for line in lines), len(lines)),
                      "branch": (sum(map(sum, branches.values())), sum(map(len, branches.values())))}
            for kind, pair in counts.items():
                self.totals[kind] = [all_ + more for all_, more in zip(self.totals[kind], pair)]
            self.rows.append((one["file"], counts))
            for line in lines:
                number = line["line_number"]
                place = (one["file"], number, text[number - 1].strip())
                if line["count"] == 0:
                    self.missed.append(place)
                elif not all(branches[number]):
                    self.half.append(place)


def percent(pair):
    return 100.0 * pair[0] / pair[1] if pair[1] else 100.0


def problems_of(tally, known):
    """Why the figures are not good enough; one line each."""
    found = [f"{name}:{number} is not reached and not explained" for name, number, text in tally.missed
             if (name, text) not in known]
    missed = {(name, text) for name, _, text in tally.missed}
    found += [f"explained, and reached or gone: {name}: {text}" for name, text in known.keys() - missed - known.chance]
    found += [f"{percent(tally.totals[kind]):.1f} % of {KINDS[kind]} are reached, less than {bound:.0f} %"
              for kind, bound in BOUNDS.items() if percent(tally.totals[kind]) < bound]
    return found if tally.rows else ["nothing was counted"]


KINDS = {"line": "lines", "branch": "branches"}


def page(tally, known):
    """docs/reports/coverage.md."""
    def cells(counts):
        return " | ".join(f"{counts[kind][0]} of {counts[kind][1]} | {percent(counts[kind]):.1f}" for kind in KINDS)

    text = ["# What the tests reach", "",
            "Generated by `ci/coverage`; do not edit. Lines and branches of the core's headers by gcovr, under unit, property and",
            "fuzz tests, built without optimisation. Branches that only an exception takes are left out. The bounds are",
            f"{BOUNDS['line']:.0f} % of lines and {BOUNDS['branch']:.0f} % of branches, and a reason for every line that is not reached.", "",
            "| file | lines | % | branches | % |", "|---|---:|---:|---:|---:|"]
    text += [f"| `{name}` | {cells(counts)} |" for name, counts in [*tally.rows, ("all", tally.totals)]]
    text += ["", "## Lines that no test reaches", "", "| line | why |", "|---|---|"]
    text += [f"| `{name}`: `{line.replace('|', chr(92) + '|')}` | {known[name, line]} |" for name, _, line in tally.missed]
    return "\n".join(text) + "\n"


def report(root, tally):
    """Prints table, lines that are not reached and verdict, writes the page when it is good; the exit code."""
    known, totals = explanations(root), tally.totals
    print(f"{'file':<40} {'lines':>12} {'%':>6} {'branches':>12} {'%':>6}")
    for name, counts in [*tally.rows, ("all", totals)]:
        pairs = [counts[kind] for kind in KINDS]
        print(f"{name:<40} " + " ".join(f"{f'{pair[0]}/{pair[1]}':>12} {percent(pair):>6.1f}" for pair in pairs))
    for name, number, text in tally.half:
        print(f"a branch is not taken: {name}:{number}: {text}")
    for name, number, text in tally.missed:
        why = known.get((name, text))
        print(f"not reached: {name}:{number}: {text}" + (f"  ({why})" if why else ""))
    problems = problems_of(tally, known)
    for problem in problems:
        print(f"PROBLEM   {problem}")
    if not problems:
        stamps.publish(root, "coverage", page(tally, known))
    print(f"VERDICT: {'FAILED' if problems else 'PASSED'}: {percent(totals['line']):.1f} % of {totals['line'][1]} lines, "
          f"{percent(totals['branch']):.1f} % of {totals['branch'][1]} branches")
    return EXIT_RED if problems else EXIT_GREEN


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
             ("tests", ["ctest", "--preset", "coverage", "-L", "unit|property|fuzz", "-LE", "cli", "-E", "^Headers", "-j",
                        arguments.jobs, "--timeout", "900", "--no-tests=error"], 3600)]
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
                                   "--exclude-throw-branches", "--exclude-directories", NOT_TARGETS,
                                   *(word for name in UNUSED for word in ("--exclude", name)),
                                   "--json", build / "coverage.json", "-j", arguments.jobs], 1200)
    if not outcome.clean:
        print(f"VERDICT: FAILED: gcovr {outcome.describe()}; see {outcome.log}")
        return EXIT_RED
    return report(root, Tally(root, json.loads((build / "coverage.json").read_text(encoding="utf-8"))))

