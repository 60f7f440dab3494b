"""The items of the plan: what each runs, and how its outcome is judged."""
import dataclasses
import json
import pathlib
import re
import shutil
import typing

from hakmem_ci.core import report
from hakmem_ci.jobs.controls.cli import results_of
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify import programs, stress

LONG_LIST_MINUTES = 30  # a shorter night would spend most of its time on the long list of programs
SCENARIOS = ("producer_consumer", "ring_handoff", "random_exchange", "thread_churn", "class_drift", "realloc_storm",
             "idle_owner", "mixed_sizes", "late_frees", "retuning")
ALLOCATOR_CORPORA, CHECKER_CORPORA = "tests/fuzz/corpus", "model/fuzz/corpus"
FUZZ_TARGETS = {"heap": ("fuzz", ALLOCATOR_CORPORA), "api": ("fuzz", ALLOCATOR_CORPORA),
                "options": ("fuzz", ALLOCATOR_CORPORA), "tokens": ("fuzz-model", CHECKER_CORPORA),
                "reports": ("fuzz-model", CHECKER_CORPORA)}
AFL_PRESETS = {"fuzz": "afl", "fuzz-model": "afl-model"}
# Who adds a header says nothing here: what the last pages tell of counts.
REPORTS = pathlib.Path(__file__).resolve().parents[5] / "docs/reports"
AUDITED = tuple(re.findall(r"^## src/(\S+)\.hpp$", (REPORTS / "ledger.md").read_text(encoding="utf-8"), re.MULTILINE))
MUTATED = tuple(re.findall(r"^\| `src/(\S+)` \| [1-9]", (REPORTS / "mutants.md").read_text(encoding="utf-8"), re.MULTILINE))
VALGRIND_TOOLS = {
    "helgrind": ("--tool=helgrind", "--error-exitcode=99", "--history-level=full"),
    "drd": ("--tool=drd", "--error-exitcode=99"),
    "memcheck": ("--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite"),
}
SANITIZED = ("asan", "tsan", "asan-clang", "tsan-clang")
NEEDED_PROGRAMS = {"asan-clang": "clang++-19", "tsan-clang": "clang++-19", "fuzz": "clang++-19",
                   "fuzz-model": "clang++-19", "afl": "afl-clang-fast++",
                   "afl-model": "afl-clang-fast++", "valgrind": "valgrind", "release-arm64": "aarch64-linux-gnu-g++"}
# A tool that fails by itself says nothing about what it was to check.
TOOL_BROKE = re.compile(
    r"FATAL: ThreadSanitizer: .*|.*Shadow memory range interleaves.*|valgrind: the 'impossible' happened:.*|"
    r".*unhandled instruction bytes:.*|.*Sanitizer CHECK failed:.*|.*ASan runtime does not come first.*")
NO_ERRORS = re.compile(r"ERROR SUMMARY: 0 errors from 0 contexts")


@dataclasses.dataclass(frozen=True)
class Item:
    """`run(context, seconds)` adds the item's rows. `fills` says that it works as long as it is given; otherwise it has
    an end of its own. An item with `one_core` runs beside others."""

    key: str
    needs: tuple  # of (preset, target)
    run: typing.Callable
    fills: bool = True
    one_core: bool = False


def problem_with_tool(outcome):
    """Why the outcome says nothing about what was checked, or None."""
    found = TOOL_BROKE.search(outcome.output)
    return f"the tool itself fails: {found[0].strip()}" if found else None


# programs, audit, mutants, tests: of a fixed size

def programs_item(library):
    """ci/programs with one library; the long list too, unless the night is too short for it."""
    def run(context, _):
        more = ("--all",) if context.night.minutes >= LONG_LIST_MINUTES else ()
        programs.run_all(context, programs.checks(context)[0], f"lib{library}.so", more)

    return Item(f"programs: {library}", (("release", library),), run, fills=False)


def audit_item(header):
    """The orders of one header; verdicts of lines that have not changed since an earlier night are kept."""
    def run(context, seconds):
        tool, cause = context.program("model", "hakmem-check")
        if tool is None:
            context.add(report.incomplete("audit", header, cause))
            return
        path = context.fresh_report(contexts.file_name(f"audit-{header}"))
        command = [tool, "audit", header + ".hpp", "--jobs", context.jobs, "--cache", context.state.place("audit") / "verdicts",
                   "--ledger", context.scratch / "ledger.md", "--seconds", max(1, int(seconds) - 5), "--json", path]
        outcome = context.run(contexts.file_name(f"audit-{header}"), f"audit of {header}", command)
        if outcome.ending != "exited":
            context.add(report.ended_badly("audit", header, outcome, outcome.describe()))
            return
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            verdicts, problems = [one["verdict"] for one in found["mutants"]], found["problems"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            context.add(report.ended_badly("audit", header, outcome, f"left no report that can be read ({error})"))
            return
        add_audit(context, header, outcome, verdicts, problems)

    return Item(f"audit: {header}", (("model", "hakmem-check"),), run, fills=False)


def add_audit(context, header, outcome, verdicts, problems):
    """The row of an audit that has left its report."""
    done = [verdict for verdict in verdicts if verdict != "not run"]
    work = f"{len(done):,} mutants, {done.count('killed'):,} killed"
    row = report.Row("audit", header, "", work, outcome.seconds, "explained", "pass", log=outcome.log)
    if len(done) < len(verdicts):
        row.verdict, row.status = "TRUNCATED", "incomplete"
        row.message = f"{len(verdicts) - len(done)} mutants have not been run yet; the next night goes on there"
    elif not outcome.clean or problems or not done:
        row.verdict, row.status = "FAILED", "fail"
        row.message = f"{len(problems)} problems" if problems else outcome.describe()
        row.evidence = "\n".join(problems[:report.TAIL_LINES]) or contexts.tail(outcome.output)
    context.add(row)


def mutants_item(source):
    needs = (("model", "hakmem-check"), *([("release", "all")] if source.startswith("api/") else []))

    def run(context, seconds):
        for preset, _ in needs:
            if preset in context.broken_presets:
                context.add(report.incomplete("mutants", source, context.broken_presets[preset]))
                return
        name = contexts.file_name(f"mutants-{source}")
        outcome = context.run(name, f"mutants of {source}",
                              [context.root / "ci/mutants", source, "--jobs", context.jobs])
        if not outcome.clean:
            context.add(report.ended_badly("mutants", source, outcome, outcome.describe(), judges=True))
            return
        found = re.search(r"(\d+) mutants: (\d+) killed", outcome.output)
        if not found or found[1] == "0":
            context.add(report.incomplete("mutants", source, "no mutant was counted", log=outcome.log))
            return
        context.add(report.Row("mutants", source, "", f"{found[1]} mutants, {found[2]} killed", outcome.seconds,
                               "explained", "pass", log=outcome.log))

    return Item(f"mutants: {source}", needs, run, fills=False)


def tests_item(preset, what="unit tests", select=("-L", "unit"), target="folders/tests/unit/all"):
    """The tests of a preset, all or those that `select` chooses."""
    def run(context, seconds):
        if preset in context.broken_presets:
            context.add(report.incomplete("tests", what, context.broken_presets[preset], preset))
            return
        junit = context.fresh_report(f"tests-{preset}").with_suffix(".xml")
        junit.unlink(missing_ok=True)
        command = ["ctest", "--test-dir", context.root / "build" / preset, *select, "-j", context.jobs,
                   "--no-tests=error", "--output-on-failure", "--output-junit", junit]
        outcome = context.run(f"tests-{preset}", f"{what} {preset}", command)
        results = results_of(junit)
        broke = problem_with_tool(outcome)
        if broke:
            context.add(report.incomplete("tests", what, broke, preset, outcome.log))
        elif not outcome.clean or not results or not all(results.values()):
            bad = ", ".join(sorted(name for name, good in results.items() if not good))
            context.add(report.ended_badly("tests", what, outcome, f"{outcome.describe()}; fail: {bad}", preset))
        else:
            context.add(report.Row("tests", what, preset, f"{len(results)} tests", outcome.seconds, "pass", "pass",
                                   log=outcome.log))

    return Item(f"tests: {preset}", ((preset, target),), run, fills=False)


# fuzzing, matrix, long stress: as long as they are given

def fuzz_item(target):
    def run(context, seconds):
        preset, corpora = FUZZ_TARGETS[target]
        program, cause = context.program(preset, f"tests/fuzz_{target}")
        if program is None:
            context.add(report.incomplete("fuzzing", target, cause, "libFuzzer"))
            return
        corpus = context.state.place("corpora", target)
        found = context.state.place("fuzz-findings")
        command = [*stress.randomisation_off(), program, f"-max_total_time={max(1, int(seconds) - 3)}",
                   f"-seed={context.seed}", "-timeout=20", "-rss_limit_mb=4096", "-print_final_stats=1",
                   f"-artifact_prefix={found}/{target}-", corpus]
        committed = context.root / corpora / target
        outcome = context.run(f"fuzz-{target}", f"fuzzing {target}", [*command, committed])
        add_fuzz(context, target, outcome)

    return Item(f"fuzzing: {target}", ((FUZZ_TARGETS[target][0], f"fuzz_{target}"),), run, one_core=True)


def add_fuzz(context, target, outcome):
    """The row of a fuzzer that was started."""
    runs = re.search(r"number_of_executed_units: (\d+)", outcome.output)
    covered = re.findall(r"cov: (\d+) ft: (\d+)", outcome.output)
    broke = problem_with_tool(outcome)
    if broke:
        context.add(report.incomplete("fuzzing", target, broke, "libFuzzer", outcome.log))
    elif not outcome.clean:
        artefact = re.search(r"Test unit written to (\S+)", outcome.output)
        again = f" (again: build/{FUZZ_TARGETS[target][0]}/tests/fuzz_{target} {artefact[1]})" if artefact else ""
        context.add(report.ended_badly("fuzzing", target, outcome, outcome.describe() + again, "libFuzzer"))
    elif not runs or int(runs[1]) == 0 or not covered:
        context.add(report.incomplete("fuzzing", target, "no run was counted", "libFuzzer", outcome.log))
    else:
        work = f"{int(runs[1]):,} runs, {covered[-1][0]} edges"
        context.add(report.Row("fuzzing", target, "libFuzzer", work, outcome.seconds, f"SAMPLED({runs[1]})", "pass",
                               log=outcome.log))


AFL = {"AFL_AUTORESUME": "1", "AFL_NO_UI": "1", "AFL_NO_COLOR": "1", "AFL_NO_AFFINITY": "1", "AFL_SKIP_CPUFREQ": "1",
       "AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES": "1"}


def afl_item(target):
    """The same target by AFL++, which goes on in its own folder where the night before has ended."""
    fuzz_preset, corpora = FUZZ_TARGETS[target]
    preset = AFL_PRESETS[fuzz_preset]

    def run(context, seconds):
        program, cause = context.program(preset, f"tests/fuzz_{target}")
        cause = cause or (None if shutil.which("afl-fuzz") else "afl-fuzz is not installed; run ci/setup --nightly")
        if cause is not None:
            context.add(report.incomplete("fuzzing", target, cause, "AFL++"))
            return
        folder = context.state.place("afl", target)
        command = [*stress.randomisation_off(), "afl-fuzz", "-i", context.root / corpora / target, "-o", folder,
                   "-V", max(1, int(seconds) - 3), "-s", context.seed, "-m", "none", "-t", "5000", "--", program]
        outcome = context.run(f"afl-{target}", f"fuzzing {target} by AFL++", command, extra_environment=AFL)
        add_afl(context, target, f"build/{preset}/tests/fuzz_{target}", folder / "default", outcome)

    return Item(f"fuzzing: {target}, AFL++", ((preset, f"fuzz_{target}"),), run, one_core=True)


def add_afl(context, target, program, folder, outcome):
    """The row of AFL++: what it has counted and kept in its folder."""
    try:
        stats = dict(line.split(":", 1) for line in (folder / "fuzzer_stats").read_text(encoding="utf-8").splitlines())
        count = {name.strip(): int(value) for name, value in stats.items() if value.strip().isdecimal()}
        runs, found = count["execs_done"], count["saved_crashes"] + count["saved_hangs"]
    except (OSError, ValueError, KeyError):
        runs, found, count = 0, 0, {}
    abort = re.search(r"PROGRAM ABORT.*?: (.*)", outcome.output)
    if found or (abort and "crash" in abort[1].lower()):
        again = f"inputs are in {folder}/crashes and {folder}/hangs (again: {program} FILE)"
        context.add(report.Row("fuzzing", target, "AFL++", f"{runs:,} runs", outcome.seconds, "FAILED", "fail",
                               f"{found} crashes and hangs; {again}", contexts.tail(outcome.output), outcome.log))
    elif abort or runs == 0:
        context.add(report.incomplete("fuzzing", target, f"AFL++ itself: {abort[1] if abort else 'no run was counted'}",
                                   "AFL++", outcome.log))
    elif not outcome.clean:
        context.add(report.ended_badly("fuzzing", target, outcome, outcome.describe(), "AFL++"))
    else:
        context.add(report.Row("fuzzing", target, "AFL++", f"{runs:,} runs, {count.get('edges_found', 0)} edges",
                               outcome.seconds, f"SAMPLED({runs})", "pass", log=outcome.log))


OTHER_GEOMETRIES = ("noise", "spin", "unshared")  # of which "all" has none
# What is stressed: name -> (program, its allocator, library for LD_PRELOAD, in words)
SUBJECTS = {
    "heap": ("stress", "heap", None, ""),
    "api": ("stress", "api", None, ", C API"),
    "hardened": ("stress_hardened", "api", None, ", hardened"),
    "locked": ("stress_locked", "api", None, ", locked"),
    "system": ("stress", "malloc", None, ", the system's malloc"),
    "preloaded": ("stress", "malloc", "hakmem", ", preloaded"),
    "preloaded hardened": ("stress", "malloc", "hakmem_hardened", ", preloaded hardened"),
    "preloaded locked": ("stress", "malloc", "hakmem_locked", ", preloaded locked"),
}


def needs_of(build, subject):
    """What must be built for it."""
    program, _, library, _ = SUBJECTS[subject]
    preset = wrapped(build)[0]
    return ((preset, program), *(((preset, library),) if library else ()))


def wrapped(build):
    """(preset, wrapper) of a build: a preset, or a tool of Valgrind."""
    if build in VALGRIND_TOOLS:
        return "valgrind", ["valgrind", *VALGRIND_TOOLS[build]]
    return build, [] if build == "release" else stress.randomisation_off()


def stress_run(context, part, build, subject, arguments, seed=None, judged=None):
    """Runs the stress program once and adds a row for each scenario; `judged(row)` may change it, or say None to leave
    it out. The seed is printed with what fails."""
    preset, wrapper = wrapped(build)
    name, allocator, library, in_words = SUBJECTS[subject]
    how = build + in_words + "".join(f", {word}" for word in OTHER_GEOMETRIES if word in arguments)
    program, cause = context.program(preset, f"tests/{name}")
    environment = dict(stress.TSAN if "tsan" in preset else stress.ASAN if "asan" in preset else {})
    if library and cause is None:
        preloaded, cause = context.program(preset, f"lib{library}.so")
        environment["LD_PRELOAD"] = str(preloaded)
    if cause is not None:
        context.add(report.incomplete(part, "stress", cause, how))
        return
    key = contexts.file_name(f"{part}-{how}-{arguments[1]}")
    path = context.fresh_report(key)
    command = [*wrapper, program, *arguments, "--allocator", allocator, "--seed", seed or context.seed, "--json", path]
    outcome = context.run(key, f"{part} {how} {arguments[1]}", command, extra_environment=environment)
    results, problem = stress.read_results(path, outcome)
    broke = problem_with_tool(outcome)
    if broke:
        context.add(report.incomplete(part, "stress", broke, how, outcome.log))
        return
    for result in results or []:
        row = dataclasses.replace(stress.row_of(result, how, outcome, command, context.again()), part=part)
        row = judged(row, result) if judged else row
        if row is not None:
            context.add(row)
    again = " ".join(str(word) for word in command[:-2])
    if stress.SANITIZER_REPORT.search(outcome.output):
        context.add(stress.row_of_report(part, arguments[1], how, outcome, again))
        return
    if results is None and not outcome.clean:
        problem = f"{outcome.describe()} and {problem}"
    problem = problem or stress.problem_of(how, outcome, results)
    if not problem and build in VALGRIND_TOOLS and not NO_ERRORS.search(outcome.output):
        problem = f"{build} does not say that it found 0 errors"
    if problem:
        context.add(report.ended_badly(part, arguments[1], outcome, f"{problem} (again: {again})", how))


def matrix_item(build, subject):
    threads = 3 if build in VALGRIND_TOOLS else 8

    def run(context, seconds):
        each = max(0.1, 0.7 * seconds / len(SCENARIOS))  # the rest is for starting, and for a tool's own work
        arguments = ["--scenario", "all", "--threads", threads, "--seconds", f"{each:.1f}"]
        stress_run(context, "matrix", build, subject, arguments)

    return Item(f"matrix: {build}, {subject}", needs_of(build, subject), run)


def geometry_item(build, geometry):
    """Every scenario with schedule noise, or on a baseline."""
    def run(context, seconds):
        each = max(0.1, 0.7 * seconds / len(SCENARIOS))
        arguments = ["--scenario", "all", "--geometry", geometry, "--threads", 8, "--seconds", f"{each:.1f}"]
        stress_run(context, "matrix", build, "heap", arguments)

    return Item(f"matrix: {build}, {geometry}", ((build, "stress"),), run)


REPETITIONS = 10


def stability_item(build, subject):
    """All scenarios, again and again with other seeds: one row, which says how many of the runs hold."""
    def run(context, seconds):
        each = max(0.1, 0.7 * seconds / REPETITIONS / len(SCENARIOS))
        arguments = ["--scenario", "all", "--threads", 8, "--seconds", f"{each:.1f}"]
        held, operations, spent = 0, 0, 0.0
        for number in range(REPETITIONS):
            results = []

            def judged(row, result):
                results.append(result)
                return None if row.status == "pass" else row

            before = len(context.rows)
            stress_run(context, "stability", build, subject, arguments, (context.seed + number) % 2**32, judged)
            held += bool(results) and len(context.rows) == before
            operations += sum(result["operations"] for result in results)
            spent += sum(result["seconds"] for result in results)
        how = build + SUBJECTS[subject][3]
        good = held == REPETITIONS
        context.add(report.Row("stability", "all scenarios", how, f"{held} of {REPETITIONS} runs, {operations:,} operations",
                               spent, "pass" if good else "FAILED", "pass" if good else "fail",
                               "" if good else f"{REPETITIONS - held} of {REPETITIONS} runs do not hold"))

    return Item(f"stability: {build}, {subject}", needs_of(build, subject), run)


def slowdown_item():
    """16 threads under every tool, for 60 s where there is time for that, and how much less they do than without it."""
    def run(context, seconds):
        tools = (*SANITIZED, *VALGRIND_TOOLS)
        each = min(60.0, max(1.0, 0.7 * seconds / (1 + len(tools))))
        arguments = ["--scenario", "random_exchange", "--geometry", "full", "--threads", 16, "--seconds", f"{each:.1f}"]
        speeds = {}

        def judged(row, result):
            speeds[row.how] = speed = result["operations"] / max(result["seconds"], 0.1)
            alone = speeds.get("release", 0)
            if row.how != "release" and alone and speed:
                row = dataclasses.replace(row, work=f"{row.work}, {alone / speed:.1f} times slower than alone")
            return row

        for build in ("release", *tools):
            stress_run(context, "slow-down", build, "heap", arguments, judged=judged)

    builds = ("release", *SANITIZED, "helgrind")
    return Item("slow-down: 16 threads under every tool", tuple(need for build in builds for need in needs_of(build, "heap")),
                run)


def long_item(scenario, build, allocator):
    def run(context, _):
        arguments = ["--scenario", scenario, "--threads", 16, "--seconds", 60]
        stress_run(context, "long stress", build, allocator, arguments)

    return Item(f"long stress: {scenario}, {build}, {allocator}", needs_of(build, allocator), run)


PROGRAMS = tuple(programs_item(library) for library in ("hakmem", "hakmem_hardened"))
AUDIT = tuple(audit_item(header) for header in AUDITED)
MUTANTS = tuple(mutants_item(source) for source in MUTATED)
CROSS = "release-arm64"
TESTS = (*(tests_item(preset) for preset in SANITIZED), tests_item(CROSS, "tests under emulation", (), "all"))
FUZZING = (*(fuzz_item(target) for target in FUZZ_TARGETS), *(afl_item(target) for target in FUZZ_TARGETS))
NOISE = tuple(geometry_item(build, "noise") for build in ("release", "tsan", "asan"))
BASELINES = tuple(geometry_item(build, geometry) for build in ("release", "tsan") for geometry in ("spin", "unshared"))
TOOLS = (*SANITIZED, *VALGRIND_TOOLS)
MATRIX = (*(matrix_item(build, subject) for build in TOOLS for subject in ("heap", "api")), *NOISE,
          *(matrix_item(build, "hardened") for build in ("asan", "tsan", *VALGRIND_TOOLS)),
          *(matrix_item(build, "locked") for build in ("asan", "tsan", "helgrind")),
          *(matrix_item("release", subject) for subject in SUBJECTS if SUBJECTS[subject][1] == "malloc"), *BASELINES)
STABILITY = tuple(stability_item(build, subject) for build, subject in (("release", "heap"), ("release", "api"), ("tsan", "heap")))
SLOWDOWN = (slowdown_item(),)
LONG_STRESS = tuple(long_item(scenario, build, allocator) for scenario in SCENARIOS
                    for build, allocator in (("release", "heap"), ("tsan", "heap"), ("asan", "heap"), ("release", "api"),
                                             ("tsan", "api")))


def missing_tools(presets):
    """Preset -> why it cannot be used here."""
    setup = {CROSS: "--cross"}
    return {preset: f"{NEEDED_PROGRAMS[preset]} is not installed; run ci/setup {setup.get(preset, '--nightly')}"
            for preset in presets
            if preset in NEEDED_PROGRAMS and shutil.which(NEEDED_PROGRAMS[preset]) is None}
