"""The part `stress`: every scenario of the stress program, plain and under each sanitizer."""
import re
import shutil

from hakmem_verify import context as contexts
from hakmem_verify import report

PART = "stress"
FIELDS = {"scenario": str, "threads": int, "operations": int, "seconds": (int, float), "status": str}
SANITIZER_REPORT = re.compile(
    r"WARNING: ThreadSanitizer|ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|Possible data race")
HELGRIND_CLEAN = re.compile(r"ERROR SUMMARY: 0 errors from 0 contexts")
HELGRIND = ["valgrind", "--tool=helgrind", "--error-exitcode=99", "--history-level=full"]
SANITIZERS = {  # name -> (preset, wrapper, environment)
    "plain": ("release", [], {}),
    "tsan": ("tsan", [], {"TSAN_OPTIONS": "halt_on_error=1 second_deadlock_stack=1"}),
    "asan": ("asan", [], {"UBSAN_OPTIONS": "print_stacktrace=1"}),
    "helgrind": ("valgrind", HELGRIND, {}),
}


def randomisation_off():
    """A wrapper for kernels that place mappings where the sanitizers keep their shadow."""
    try:
        with open("/proc/sys/vm/mmap_rnd_bits", encoding="ascii") as file:
            needed = int(file.read()) > 28
    except (OSError, ValueError):
        needed = False
    return ["setarch", "-R"] if needed and shutil.which("setarch") else []


def command_of(context, sanitizer, program, seed, path):
    """The command line of one run of all scenarios, which also reproduces it."""
    _, wrapper, _ = SANITIZERS[sanitizer]
    if sanitizer in ("tsan", "asan"):
        wrapper = randomisation_off()
    plan = context.plan
    if sanitizer == "helgrind":
        work = ["--threads", 3, "--operations", plan.helgrind_operations]
    else:
        work = ["--threads", plan.stress_threads, "--seconds", plan.stress_seconds]
    return [*wrapper, program, "--scenario", "all", *work, "--seed", seed, "--json", path]


def row_of(result, sanitizer, outcome, command):
    """The row of one scenario."""
    work = f"{result['threads']} threads, {result['operations']:,} operations"
    if result["status"] == "pass" and result["operations"] > 0:
        return report.Row(PART, result["scenario"], sanitizer, work, result["seconds"], "pass", "pass")
    message = result.get("message") or "did no operation"
    again = " ".join(str(word) for word in command[:-2])
    return report.Row(PART, result["scenario"], sanitizer, work, result["seconds"], "FAILED", "fail",
                      f"{message} (again: {again})", contexts.tail(outcome.output), outcome.log)


def problem_of(sanitizer, outcome, results):
    """What is wrong with the run as a whole, or None."""
    if SANITIZER_REPORT.search(outcome.output):
        return "the sanitizer reports an error"
    if sanitizer == "helgrind" and outcome.clean and not HELGRIND_CLEAN.search(outcome.output):
        return "Helgrind does not say that it found 0 errors"
    if not outcome.clean and all(result["status"] == "pass" for result in results):
        return f"{outcome.describe()} though no scenario fails"
    return None


def run_sanitizer(context, sanitizer):
    """Runs all scenarios under one sanitizer and adds their rows."""
    preset, _, environment = SANITIZERS[sanitizer]
    program, cause = context.program(preset, "tests/stress")
    if program is not None and sanitizer == "helgrind" and not shutil.which("valgrind"):
        cause = "valgrind is not installed"
    if cause is not None:
        context.add(report.not_run(PART, "all scenarios", cause, sanitizer))
        return
    path = context.fresh_report(f"stress-{sanitizer}")
    command = command_of(context, sanitizer, program, context.seed, path)
    outcome = context.run(f"stress-{sanitizer}", f"stress {sanitizer}", command, context.plan.stress_limit_seconds,
                          environment)
    results, problem = contexts.read_results(path, FIELDS)
    for result in results or []:
        context.add(row_of(result, sanitizer, outcome, command))
    if results is None and not outcome.clean:
        problem = f"{outcome.describe()} and {problem}"
    problem = problem or problem_of(sanitizer, outcome, results)
    if problem:
        again = " ".join(str(word) for word in command[:-2])
        context.add(report.ended_badly(PART, "all scenarios", outcome, f"{problem} (again: {again})", sanitizer))


def run(context):
    """Adds the rows of the part."""
    context.in_parallel(run_sanitizer, list(SANITIZERS))
