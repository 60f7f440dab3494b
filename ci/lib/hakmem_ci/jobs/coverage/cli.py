"""Lines and branches of the core's headers that unit, property and fuzz tests reach, by gcovr."""
import json
import shutil

from hakmem_ci.core import command_line, lock, screen
from hakmem_ci.core import report as reports
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.jobs.verify import build as builds
from hakmem_ci.pages import stamps

CORE = ("sync", "os", "lockfree", "layout", "superslab", "heap", "variants", "diagnostics", "learner")
UNUSED = ("src/sync/valgrind_sync.hpp",)  # of other builds, where tools check it
BOUNDS = {"line": 95.0, "branch": 90.0}
FOLDERS = ("unit", "property", "fuzz", "heap_program")  # below tests: what is built and run
TARGETS = tuple(f"folders/tests/{folder}/all" for folder in FOLDERS)
# What a build of everything leaves: other instantiations of the templates, which none of these tests runs.
NOT_TARGETS = rf".*/folders/tests/(?!(?:{'|'.join(FOLDERS)}|support)(?:/|$))[^/]+"
PART = "coverage"
STEP_SECONDS = 14400  # of processor time, which only what hangs uses
EXPLANATIONS = "ci/coverage-explained.json"  # of lines that no test reaches


def arguments_of(argv):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        "coverage", "Builds the preset 'coverage', runs unit, property and fuzz tests and prints which lines and branches of "
                    f"src/ ({', '.join(CORE)}) they reach: at least {BOUNDS['line']:.0f} % of the lines and "
                    f"{BOUNDS['branch']:.0f} % of the branches, and every line that is not reached is explained in "
                    f"{EXPLANATIONS}. Then docs/reports/coverage.md is written.")
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


def judge(root, tally, add):
    """Prints the table and the lines that are not reached, writes the page when all is good, adds rows."""
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
        add(reports.Row(PART, problem, "", "", 0.0, "FAILED", "fail", problem))
    if not problems:
        stamps.publish(root, "coverage", page(tally, known))
        work = f"{totals['line'][1]} lines, {totals['branch'][1]} branches"
        add(reports.Row(PART, "src", "", work, 0.0,
                        f"{percent(totals['line']):.1f} % and {percent(totals['branch']):.1f} %", "pass"))


def steps_of(root, folder, arguments):
    """(name, command) of what has to run before there is something to judge."""
    filters = [word for name in CORE for word in ("--filter", f"src/{name}/")]
    steps = [] if arguments.no_build else [
        ("configure", ["cmake", "--preset", "coverage"]),
        ("build", ["cmake", "--build", "--preset", "coverage", "-j", arguments.jobs, "--target", *TARGETS]),
        ("tests", ["ctest", "--preset", "coverage", "-L", "unit|property|fuzz", "-LE", "cli", "-E", "^Headers", "-j",
                   arguments.jobs, "--no-tests=error"])]
    return [*steps, ("gcovr", ["gcovr", "--root", root, "--object-directory", folder, *filters,
                               "--exclude-throw-branches", "--exclude-directories", NOT_TARGETS,
                               *(word for name in UNUSED for word in ("--exclude", name)),
                               "--json", folder / "coverage.json", "-j", arguments.jobs])]


def measure(root, folder, arguments, runner, add):
    """Runs all steps and judges what they have counted."""
    if not arguments.no_build:
        for old in folder.rglob("*.gcda"):
            old.unlink()
    for name, command in steps_of(root, folder, arguments):
        print(f"{name} ...", flush=True)
        outcome = runner.run(name, command, STEP_SECONDS)
        if outcome.clean:
            continue
        if name in ("configure", "build"):
            add(builds.row_of_failure("coverage", name, outcome, "ci/coverage"))
        elif name == "tests":
            add(reports.ended_badly(PART, name, outcome, f"ctest {outcome.describe()}", go_on="ci/coverage"))
        else:
            add(reports.incomplete(PART, name, f"{name} {outcome.describe()}", log=outcome.log, go_on="ci/coverage --no-build"))
        return
    judge(root, Tally(root, json.loads((folder / "coverage.json").read_text(encoding="utf-8"))), add)


def run(root, arguments, argv):
    """Runs the job and returns its exit code."""
    folder = root / "build/coverage"
    stop = Stop()
    stop.install()
    facts = command_line.facts_of(root, " ".join(["ci/coverage", *argv]))
    results = reports.Report("coverage", folder / "report", facts, command_line.copies_of(arguments))
    if shutil.which("gcovr") is None:
        results.add(reports.incomplete(PART, "gcovr", "gcovr is not installed", go_on="ci/setup --nightly && ci/coverage"))
    else:
        measure(root, folder, arguments, Runner(root, folder, stop), results.add)
    return reports.finish(results, screen.Screen(), stop.is_set())


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv)
    return lock.alone("coverage", root / "build/coverage", lambda: run(root, arguments, argv))
