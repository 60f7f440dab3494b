"""The command line of ci/mutants."""
import concurrent.futures
import dataclasses
import json
import pathlib
import re
import shlex
import shutil
import sys
import tempfile
import time

from hakmem_ci.core import command_line, lock, report, screen
from hakmem_ci.core.process import Stop
from hakmem_ci.core.verdict import EXIT_WRONG_CALL
from hakmem_ci.jobs.mutants import library, operators, page
from hakmem_ci.jobs.mutants.bench import FAIL_FAST, UNDEFINED, Bench, Cache, NotBuilt, Stage, files_behind
from hakmem_ci.pages import stamps

PART = "mutants"
NOT_RUN = " was not run: "
FOLDERS = ("lockfree", "superslab", "heap", "variants", "diagnostics", "layout", "sync", "os", "learner")
# What a header's tests are called when they are not called after it.
WHOLE_HEAP = ("heap/heap_test.cpp", "heap/heap_events_test.cpp", "heap/heap_pages_test.cpp", "heap/heap_realloc_test.cpp",
              "heap/heap_refusal_test.cpp", "heap/heap_threads_test.cpp", "variants/guarded_heap_test.cpp")
UNIT_TESTS = {"variants/guards.hpp": ("variants/guarded_heap_test.cpp",),
              "heap/heap.hpp": ("heap/thread_cache_test.cpp", "heap/thread_cache_statistics_test.cpp", "heap/reclaimer_test.cpp",
                                "heap/misuse_test.cpp", "heap/misuse_unmarked_test.cpp", "variants/guarded_heap_test.cpp",
                                "diagnostics/heap_walk_test.cpp"),
              "heap/misuse.hpp": WHOLE_HEAP,
              "heap/thread_cache.hpp": ("heap/reclaimer_test.cpp", "heap/misuse_test.cpp", "heap/misuse_unmarked_test.cpp", *WHOLE_HEAP),
              "heap/thread_context.hpp": ("heap/thread_cache_test.cpp", "heap/thread_cache_statistics_test.cpp", *WHOLE_HEAP),
              "heap/reclaimer.hpp": ("heap/thread_cache_test.cpp", *WHOLE_HEAP),
              "superslab/shared_pool.hpp": ("heap/heap_pages_test.cpp", "heap/reclaimer_test.cpp")}
PROPERTIES = {"variants/guards.hpp": "guarded_heap", "heap/thread_cache.hpp": "heap", "heap/thread_context.hpp": "heap",
              "heap/reclaimer.hpp": "heap", "heap/misuse.hpp": "guarded_heap"}
# Cases of a property that would otherwise take longer than all other tests, in hundredths of those that its test tries.
CASES = dict.fromkeys(("heap/heap.hpp", "heap/thread_cache.hpp", "heap/thread_context.hpp", "heap/reclaimer.hpp", "heap/misuse.hpp",
                       "variants/guarded_heap.hpp", "variants/guards.hpp"), 8)
SCENARIOS = {"diagnostics/heap_walk.hpp": ("idle_owner", "heap/walk_of_an_idle_owner")}
# What a scenario is linked with, each before what it needs.
MODEL_LIBRARIES = ("hakmem_model_programs", "hakmem_model_system", "check_runner", "check_sources",
                   "check_records", "check_engine", "check_graph")
# What only a tool can see that watches the program, which says so by its exit code. Without optimisation each atomic
# store is a locked exchange, which is no race.
TOOLS = {"sync/valgrind_sync.hpp": {"helgrind": "-O2", "drd": "-O2"}, "sync/watched_sync.hpp": {"memcheck": "-O0"}}
# AddressSanitizer's own memory lies at fixed addresses, where others are not to be.
SAME_ADDRESSES = ("setarch", "-R")
VALGRIND = ("valgrind", "--quiet", "--error-exitcode=1")
# What the library tells such tools is compiled only where one of them watches: all of a file, or a part of it.
WATCHED, PARTLY_WATCHED = pathlib.Path("src/api/watched.hpp"), pathlib.Path("src/api/process_os.hpp")
# Folders whose tests are long simulations: they run for longer than the compiler takes to optimise them.
SIMULATED = ("learner",)
# What is compiled in other builds, or can be seen in them alone: flags, and words before the program.
OTHER_BUILDS = {"os/linux_os.hpp": (("-D__SANITIZE_THREAD__",), ()),
                "os/unpoisoning_os.hpp": (("-fsanitize=address", "-DHAKMEM_ASAN"), SAME_ADDRESSES)}
GTEST = ("-lgtest_main", "-lgtest", "-pthread")
NO_CONTROLS = "--gtest_filter=-*Refute*"  # they judge the property
SAME_CASES = "seed=1"


@dataclasses.dataclass
class Verdict:
    """What has become of a mutant: "killed" by a stage, "timeout", "survived", "not run". `why`: it may live."""

    mutant: operators.Mutant
    verdict: str
    by: str = ""
    why: str = ""

    def key(self):
        """What an explanation names it by."""
        return self.mutant.old.strip(), self.mutant.new.strip()


def model_stage(root, scenario, suites):
    """A scenario as the model preset compiles and links it, but for warnings, and some of its suites; None when that is
    not built."""
    build = root / "build/model"
    try:
        entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    words = {pathlib.Path(entry["file"]): shlex.split(entry["command"]) for entry in entries
             if f"hakmem_scenario_{scenario.stem}.dir" in entry["command"]}.get(scenario, ())
    objects = [pathlib.Path(entry["directory"]) / shlex.split(entry["command"])[-3] for entry in entries
               if re.search(r"hakmem_model_(runner|subject)\.dir", entry["command"])]
    libraries = [path for name in MODEL_LIBRARIES for path in build.rglob(f"lib{name}.a")]
    if not words or len(libraries) != len(MODEL_LIBRARIES) or not all(path.suffix == ".o" and path.is_file() for path in objects):
        return None
    flags = [word for word in words if word.startswith(("-D", "-I", "-O", "-f")) and not word.startswith("-fmacro")]
    flags += [f"-isystem{word}" for at, word in enumerate(words) if at != 0 and words[at - 1] == "-isystem"]
    return Stage("model", (scenario,), flags, (*objects, *libraries, "-lfmt", "-pthread"), ("run", "--quick", suites),
                 binaries=(*libraries, *(path for path in objects if path.parent.name != "museum")))


def name_of(header):
    """Folder and name, as the tables have it."""
    return f"{header.parent.name}/{header.name}"


def with_support(root, source, flags):
    """A test and the sources of what it, or one of them, includes of the tests' own."""
    folders = [pathlib.Path(flag[2:]) for flag in flags if flag.startswith("-I")]
    found, left = set(), {source}
    while left:
        found |= left
        behind = set().union(*(files_behind(one, folders) for one in left))
        left = {path.with_suffix(".cpp") for path in behind if path.suffix == ".hpp"} - found
        left = {path for path in left if path.is_file() and path.is_relative_to(root / "tests")}
    return (source, *sorted(found - {source}))


def unit_tests(root, header):
    """The test that has the header's name, then those of its folder that include it or whose names go on where its name
    ends: first those that have no header's name, as they are about several."""
    folder = root / "tests/unit" / header.parent.name
    named = folder / f"{header.stem}_test.cpp"
    include = f'#include "{header.parent.name}/{header.name}"'
    others = [path for path in folder.glob("*_test.cpp") if path != named and (
        path.name.startswith(f"{header.stem}_") or include in path.read_text(encoding="utf-8"))]

    def about_another(path):
        return (header.parent / path.name.replace("_test.cpp", ".hpp")).is_file()

    more = [root / "tests/unit" / name for name in UNIT_TESTS.get(name_of(header), ())]
    return [path for path in (named, *sorted(others, key=lambda path: (about_another(path), path)), *more) if path.is_file()]


def needs_valgrind():
    """Raises NotBuilt where it is not installed."""
    if shutil.which(VALGRIND[0]) is None:
        raise NotBuilt(f"{VALGRIND[0]} is not installed: ci/setup")


def watched_stages(root):
    """The test of what tools know of blocks, linked with the sources of the C API, once for each tool."""
    needs_valgrind()
    sources = (root / "tests/watched/watched_test.cpp",
               *(path for path in sorted((root / "src/api").glob("*.cpp")) if path.name not in library.INTERPOSERS))
    common = ("-O1", *UNDEFINED, f"-I{root}/src", f"-I{root}/include")
    return [Stage("unit", sources, (*common, "-fsanitize=address"), GTEST, FAIL_FAST, tool=SAME_ADDRESSES),
            Stage("unit memcheck", sources, (*common, "-DHAKMEM_VALGRIND"), GTEST, FAIL_FAST,
                  tool=(*VALGRIND, "--tool=memcheck"))]


def stages_of(root, header):
    """The tests of a header, cheapest first."""
    if header == root / WATCHED:
        return watched_stages(root)
    if header.parent == root / "src/api":
        return [*library.stages_of(root, header), *(watched_stages(root) if header == root / PARTLY_WATCHED else ())]
    stem = header.stem
    stages = []
    common = ("-O2" if header.parent.name in SIMULATED else "-O0", *UNDEFINED, f"-I{root}/src", f"-I{root}/tests", f"-I{root}/include")
    for number, unit in enumerate(unit_tests(root, header)):
        stages.append(Stage("unit" if number == 0 else f"unit {unit.stem}", with_support(root, unit, common), common, GTEST, FAIL_FAST,
                            ("gtest/gtest.h",)))
    for tool, optimised in TOOLS.get(name_of(header), {}).items():
        needs_valgrind()
        flags = (*common, optimised, "-DHAKMEM_VALGRIND")
        stages += [Stage(f"unit {tool}", with_support(root, unit, flags), flags, GTEST, FAIL_FAST, ("gtest/gtest.h",),
                         tool=(*VALGRIND, f"--tool={tool}")) for unit in unit_tests(root, header)[:1]]
    if name_of(header) in OTHER_BUILDS:
        more, tool = OTHER_BUILDS[name_of(header)]
        flags = (*common, *more)
        stages += [Stage("unit other build", with_support(root, unit, flags), flags, GTEST, FAIL_FAST, ("gtest/gtest.h",), tool=tool)
                   for unit in unit_tests(root, header)[:1]]
    properties = root / "tests/property" / f"{PROPERTIES.get(name_of(header), stem)}_property.cpp"
    if properties.is_file():
        stages.append(Stage("property", with_support(root, properties, common), common, ("-lrapidcheck", *GTEST), (*FAIL_FAST, NO_CONTROLS),
                            ("gtest/gtest.h", "rapidcheck.h", "rapidcheck/gtest.h"),
                            {"RC_PARAMS": f"{SAME_CASES} max_success={CASES.get(name_of(header), 100)}"}))
    of, suites = SCENARIOS.get(name_of(header), (stem, f"{stem}/*"))
    scenario = root / "model/scenarios" / f"{of}.cpp"
    model = model_stage(root, scenario, suites) if scenario.is_file() else None
    if scenario.is_file() and model is None:
        raise NotBuilt("the model preset is not built: cmake --preset model && cmake --build --preset model")
    if model:
        stages.append(model)
    return stages


def explained(header):
    """(old, new) -> why, from the reviewed file beside the header."""
    path = page.explanations_of(header)
    if not path.is_file():
        return {}
    return {(entry["line"], entry["becomes"]): entry["why"]
            for entry in json.loads(path.read_text(encoding="utf-8"))["survivors"]}


def audit_header(bench, root, header, jobs):
    """The verdicts over one header, and the problems."""
    text = header.read_text(encoding="utf-8")
    shown = header.relative_to(root)
    stages = stages_of(root, header)
    mutants = operators.mutants_of(text)
    if not stages and mutants:
        return [], [f"{shown}: no test is named after it"]
    bench.plan(header, text, mutants)
    reasons = explained(header)

    def judge_as_it_is(stage):
        name = f"{header.name}-0-{stage.tag}"
        verdict, by = bench.judge(name, header, text, [stage])
        if verdict == "survived":
            return []
        how = "does not compile" if by == "compiler" else "does not hold"
        return [f"{shown}: as it is, the header {how} as a {stage.name} test: "
                f"{bench.last_words.get(name) or ' '.join((verdict, by))}"]

    def judge(numbered):
        number, one = numbered[0], Verdict(numbered[1], "")
        one.why = reasons.get(one.key(), "")
        if bench.runner.stop.is_set():  # to find out what is known of a mutant takes a while, too
            one.verdict, one.by = "not run", "interrupted"
            return one
        one.verdict, one.by = bench.judge(f"{header.name}-{number}", header, operators.apply(text, one.mutant), [*stages],
                                          one.key() in reasons, number)
        # Replaced at once, as others copy it meanwhile: a list that is being sorted looks empty.
        stages[:] = sorted(stages, key=lambda stage: stage.after(one.by))
        return one

    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        if not mutants:
            return [], []
        problems = sum(pool.map(judge_as_it_is, stages), [])
        if problems:
            return [], problems
        stages.sort(key=lambda stage: stage.place(bench.took[header, stage.name]))
        for one in pool.map(judge, enumerate(mutants, 1)):
            verdicts.append(one)
            if one.verdict != "killed":
                print(f"{one.verdict:<9} {shown}:{one.mutant.line}  {one.mutant.name()}  {one.by}", flush=True)
    return verdicts, problems_of(shown, verdicts, reasons)


def problems_of(shown, verdicts, reasons):
    """What is unexplained, and what is explained for nothing."""
    problems, used = [], set()
    for one in verdicts:
        key = one.key()
        if one.verdict == "killed":
            continue
        if one.verdict == "not run":
            problems.append(f"{shown}:{one.mutant.line}{NOT_RUN}{one.mutant.name()}")
        elif key in reasons:
            used.add(key)
        else:
            problems.append(f"{shown}:{one.mutant.line} {one.verdict} without an explanation: {one.mutant.name()}")
    problems += [f"{shown}: explained, and no such mutant lives: {old}  =>  {new}" for old, new in reasons.keys() - used]
    return problems


def headers_of(root, pattern):
    """The files with plain logic, which is what can be changed, whose path contains `pattern`."""
    found = [path for folder in FOLDERS for path in sorted((root / "src" / folder).glob("*.hpp"))]
    found += [path for path in (root / WATCHED, *library.files_of(root)) if path.is_file()]
    return [path for path in found if pattern in str(path.relative_to(root))
            and operators.mutants_of(path.read_text(encoding="utf-8"))]


def default_page(root):
    """Where the page of the documentation is."""
    return str(root / page.PATH)


def arguments_of(argv, root):
    """The parsed command line; a wrong one ends with usage and exit code 2."""
    parser = command_line.parser(
        "mutants", "Changes one place of a header at a time and runs its unit, property and model tests; of a file of "
                   "src/api those of the libraries that have it inside. Every mutant must be killed, or explained in the "
                   ".mutants.json file beside it. Needs a built model preset, and for src/api a built release preset. What "
                   "ran before with the same content is not run again (build/mutants).")
    parser.add_argument("pattern", nargs="?", default="", help="part of a file's path, such as lockfree/remote_word")
    parser.add_argument("--changed", action="store_true",
                        help="only files that have changed since the page was written, or whose explanations have; the "
                             "rows of the others stay, unless the page is not what was written last")
    parser.add_argument("--list", action="store_true", help="name the mutants and run nothing")
    parser.add_argument("--page", default=default_page(root), metavar="FILE",
                        help="where to write the page, when all is green and there is no pattern (default: "
                             "docs/reports/mutants.md, where each green file's row is kept at once); none with an empty "
                             "name")
    arguments = parser.parse_args(argv)
    if arguments.changed and arguments.pattern:
        parser.error("--changed is about the page of all files; give no pattern beside it")
    if not headers_of(root, arguments.pattern):
        parser.error(f"no path of a file with logic contains '{arguments.pattern}'")
    return arguments


def row_of(name, verdicts, problems, not_run, seconds):
    """The row of a header. A problem is a fault of its tests or explanations; what was not run shows nothing."""
    killed = sum(one.verdict == "killed" for one in verdicts)
    status = "fail" if problems else "incomplete" if not_run or not verdicts else "pass"
    word = {"fail": "FAILED", "incomplete": "incomplete",
            "pass": f"{killed} killed, {len(verdicts) - killed} explained"}[status]
    said = problems or not_run
    message = "; ".join(said[:3]) + (f"; {len(said) - 3} more" if len(said) > 3 else "")
    return report.Row(PART, name, "", f"{len(verdicts)} mutants", seconds, word, status,
                      message or ("" if verdicts else "it has no mutants"), "\n".join(said),
                      go_on=f"ci/mutants {name}" if status == "incomplete" else "")


def audit_all(root, headers, jobs, bench, add, keep=lambda green: None):
    """header -> (verdicts, seconds that its programs took); each header's row goes to `add`. What was found is kept in
    the cache even when interrupted; all that are green so far go to `keep` whenever it is one more."""
    found, green = {}, {}
    for header in headers:
        started, before, not_run = time.monotonic(), bench.seconds, []
        try:
            verdicts, problems = ([], []) if bench.runner.stop.is_set() else audit_header(bench, root, header, jobs)
        except NotBuilt as cause:
            verdicts, problems, not_run = [], [], [str(cause)]
        found[header] = verdicts, bench.seconds - before
        bench.cache.save()
        not_run += [problem for problem in problems if NOT_RUN in problem]
        problems = [problem for problem in problems if NOT_RUN not in problem]
        if bench.runner.stop.is_set():  # the header as it is may not have been judged either
            not_run, problems = not_run + problems or ["interrupted"], []
        row = row_of(str(header.relative_to(root)), verdicts, problems, not_run, time.monotonic() - started)
        add(row)
        print(f"{row.check}: {row.work}, {row.verdict}" + (f": {row.message}" if row.message else ""), flush=True)
        if row.status == "pass":
            green[header] = found[header]
            keep(green)
    return found


def run(root, arguments, plan, argv):
    """Judges the mutants of the plan's files and returns the exit code."""
    stop = Stop()
    stop.install()
    facts = command_line.facts_of(root, " ".join(["ci/mutants", *argv]))
    of_documentation = arguments.page == default_page(root) and not arguments.pattern
    results = report.Report("mutants", root / "build/mutants", facts, command_line.copies_of(arguments))
    if plan.says:
        print(plan.says, flush=True)
    if not plan.files:
        results.add(report.Row(PART, page.PATH, "", "nothing to run", 0.0, "up to date", "pass"))
    with tempfile.TemporaryDirectory(prefix="hakmem-mutants-") as work:
        bench = Bench(root, pathlib.Path(work), stop, Cache(root / "build/mutants/verdicts.json"))
        found = audit_all(root, plan.files, arguments.jobs, bench, results.add,
                          lambda green: page.publish_so_far(root, plan, green) if of_documentation else None)
    verdicts = [one for of_header, _ in found.values() for one in of_header]
    killed = sum(one.verdict == "killed" for one in verdicts)
    code = report.finish(results, screen.Screen(), stop.is_set(), more=[
        f"{len(verdicts)} mutants: {killed} killed, {len(verdicts) - killed} not; {bench.ran} programs were run"])
    if code == 0 and of_documentation:
        page.publish(root, plan, found)
    elif code == 0 and arguments.page and not arguments.pattern:
        pathlib.Path(arguments.page).write_text(page.text_of(plan.rows(root, found)), encoding="utf-8")
    return code


def main(root, argv):
    """Runs the job on the checkout at `root` and returns its exit code."""
    arguments = arguments_of(argv, root)
    headers = headers_of(root, arguments.pattern)
    try:
        plan = page.plan_of_changed(root, headers) if arguments.changed else page.plan_of_all(root, headers)
    except stamps.Damaged as error:
        print(f"ci/mutants: {error}", file=sys.stderr)
        return EXIT_WRONG_CALL
    if arguments.list:
        for header in plan.files:
            for mutant in operators.mutants_of(header.read_text(encoding="utf-8")):
                print(f"{header.relative_to(root)}:{mutant.line}  {mutant.name()}")
        return 0
    return lock.alone("mutants", root / "build/mutants", lambda: run(root, arguments, plan, argv))
