"""Builds the presets that the parts need."""
import re

from hakmem_ci.core import report

PROGRESS = re.compile(r"^\[(\d+)/(\d+)\]")
COMPILER_ERROR = re.compile(r"^(\S+?):(\d+):(?:\d+:)? (?:fatal )?error: ", re.MULTILINE)
NO_FAULT = re.compile(r"No space left on device|Killed signal|out of memory|virtual memory exhausted|Cannot allocate memory")
BUILD_SECONDS = 4 * 3600.0  # of processor time; only what hangs takes longer


def commands(preset, targets, jobs):
    """Configure, then build the targets."""
    return (("configure", ["cmake", "--preset", preset]),
            ("build", ["cmake", "--build", "--preset", preset, "-j", jobs, "--target", *targets]))


def row_of_failure(preset, step, outcome, go_on):
    """A compiler's error in the code is a fault of the code, shown where it is. Anything else that keeps a preset from
    being built says nothing of the code."""
    message = f"{step} {outcome.describe()}"
    error = COMPILER_ERROR.search(outcome.output)
    if error and not outcome.cut_off and not NO_FAULT.search(outcome.output):
        row = report.ended_badly(report.BUILD, preset, outcome, f"{message}; the first error: {first_line(outcome, error)}", "cmake")
        row.evidence = "\n".join(outcome.output[error.start():].splitlines()[:report.TAIL_LINES])
        return row
    last = outcome.output.strip().splitlines()[-1:]
    return report.incomplete(report.BUILD, preset, message + (f": {last[0][:200]}" if last else ""), "cmake", outcome.log,
                             go_on, outcome.seconds, "\n".join(outcome.output.rstrip().splitlines()[-report.TAIL_LINES:]))


def first_line(outcome, found):
    return outcome.output[found.start():].splitlines()[0]


def build_preset(context, preset, targets):
    """Builds targets of a preset. What fails is a row, and a cause for the parts that need the preset."""
    seconds = 0.0

    def listen(line):
        progress = PROGRESS.match(line)
        if progress:
            context.screen.live("build", f"building {preset}: {progress[1]} of {progress[2]}")

    for step, command in commands(preset, targets, context.jobs):
        context.screen.live("build", f"building {preset}: {step}")
        outcome = context.runner.run(f"build-{preset}-{step}", command, BUILD_SECONDS, on_line=listen,
                                     deadline=context.deadline)
        seconds += outcome.seconds
        if outcome.clean:
            continue
        context.screen.live("build", "")
        context.broken_presets[preset] = f"the preset {preset} is not built"
        again = f"cmake --preset {preset} && cmake --build --preset {preset}"
        context.add(row_of_failure(preset, step, outcome, again))
        return
    context.screen.live("build", "")
    context.add(report.Row(report.BUILD, preset, "cmake", "", seconds, "built", "pass"))


def build_all(context, needs):
    """Builds what is needed, a list of (preset, target), one preset after the other (each uses all jobs)."""
    for preset in dict.fromkeys(preset for preset, _ in needs):
        build_preset(context, preset, list(dict.fromkeys(target for other, target in needs if other == preset)))
