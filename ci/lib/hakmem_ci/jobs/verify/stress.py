"""The part `stress`: every scenario of the stress program, plain and under each sanitizer."""
import re
import shutil

from hakmem_ci.core import report
from hakmem_ci.jobs.verify import context as contexts
from hakmem_ci.jobs.verify.plan import Check

PART = "stress"
NEEDS = tuple((preset, "stress") for preset in ("release", "tsan", "asan", "valgrind"))
FIELDS = {"scenario": str, "threads": int, "operations": int, "seconds": (int, float), "status": str}
SANITIZER_REPORT = re.compile(
    r"WARNING: ThreadSanitizer|ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|Possible data race|"
    r"ERROR SUMMARY: [1-9][0-9,]* errors")
HELGRIND_CLEAN = re.compile(r"ERROR SUMMARY: 0 errors from 0 contexts")
HELGRIND = ["valgrind", "--tool=helgrind", "--error-exitcode=99", "--history-level=full"]
TSAN = {"TSAN_OPTIONS": "halt_on_error=1 second_deadlock_stack=1"}
ASAN = {"UBSAN_OPTIONS": "print_stacktrace=1"}
RUNS = {  # name -> (preset, environment, allocator: the core's headers on several geometries, or the process's heap)
    "plain": ("release", {}, "heap"),
    "tsan": ("tsan", TSAN, "heap"),
    "asan": ("asan", ASAN, "heap"),
    "helgrind": ("valgrind", {}, "heap"),
    "plain, C API": ("release", {}, "api"),
    "tsan, C API": ("tsan", TSAN, "api"),
    "asan, C API": ("asan", ASAN, "api"),
}


def randomisation_off():
    """A wrapper for kernels that place mappings where the sanitizers keep their shadow."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as file:
            needed = int(file.read()) > 28
    except (OSError, ValueError):
        needed = False
    return ["setarch", "-R"] if needed and shutil.which("setarch") else []


def command_of(context, name, program, path):
    """The command line of one run of all scenarios, which also reproduces it."""
    preset, _, allocator = RUNS[name]
    plan = context.plan
    threads, wrapper = plan.stress_threads, []
    if preset == "valgrind":
        threads, wrapper = plan.helgrind_threads, HELGRIND
    elif preset in ("tsan", "asan"):
        wrapper = randomisation_off()
    return [*wrapper, program, "--scenario", "all", "--allocator", allocator, "--threads", threads,
            "--operations", plan.stress_operations[preset], "--seed", context.seed, "--json", path]


def row_of(result, name, outcome, command, go_on):
    """The row of one scenario."""
    work = f"{result['threads']} threads, {result['operations']:,} operations"
    if result["status"] == "pass" and result["operations"] > 0:
        return report.Row(PART, result["scenario"], name, work, result["seconds"], "pass", "pass")
    if result["status"] != "fail":
        message = result.get("message") or "did no operation"
        return report.incomplete(PART, result["scenario"], message, name, outcome.log, go_on, result["seconds"])
    again = " ".join(str(word) for word in command[:-2])
    return report.Row(PART, result["scenario"], name, work, result["seconds"], "FAILED", "fail",
                      f"{result.get('message')} (again: {again})", contexts.tail(outcome.output), outcome.log)


def row_of_report(part, check, how, outcome, again):
    """The row of a run in which the sanitizer has spoken: a fault, however the run has ended."""
    return report.Row(part, check, how, "", outcome.seconds, "FAILED", "fail",
                      f"the sanitizer reports an error (again: {again})", contexts.tail(outcome.output, 200), outcome.log)


def problem_of(name, outcome, results):
    """What is wrong with the run as a whole, or None."""
    if name == "helgrind" and outcome.clean and not HELGRIND_CLEAN.search(outcome.output):
        return "Helgrind does not say that it found 0 errors"
    if not outcome.clean and all(result["status"] == "pass" for result in results):
        return f"{outcome.describe()} though no scenario fails"
    return None


def run_all_scenarios(context, check):
    """Does one of RUNS and adds its rows."""
    name = check.name
    preset, environment, _ = RUNS[name]
    program, cause = context.program(preset, "tests/stress")
    if program is not None and name == "helgrind" and not shutil.which("valgrind"):
        cause = "valgrind is not installed"
    if cause is not None:
        context.add(report.incomplete(PART, "all scenarios", cause, name, go_on=context.again(check)))
        return
    key = contexts.file_name(f"stress-{name}")
    path = context.fresh_report(key)
    command = command_of(context, name, program, path)
    outcome = context.run(key, f"stress {name}", command, check, environment)
    results, problem = contexts.read_results(path, FIELDS)
    for result in results or []:
        context.add(row_of(result, name, outcome, command, context.again(check)))
    again = " ".join(str(word) for word in command[:-2])
    if SANITIZER_REPORT.search(outcome.output):
        context.add(row_of_report(PART, "all scenarios", name, outcome, again))
        return
    if results is None and not outcome.clean:
        problem = f"{outcome.describe()} and {problem}"
    problem = problem or problem_of(name, outcome, results)
    if problem:
        context.add(report.ended_badly(PART, "all scenarios", outcome, f"{problem} (again: {again})", name,
                                       context.again(check)))


def checks(_):
    """The checks of the part: one for each tool and allocator."""
    return [Check(PART, name, run_all_scenarios) for name in RUNS]
