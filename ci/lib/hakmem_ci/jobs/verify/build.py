"""Builds the presets that the parts need."""
import re

from hakmem_ci.core import report

PROGRESS = re.compile(r"^\[(\d+)/(\d+)\]")


def commands(preset, targets, jobs):
    """Configure, then build the targets."""
    return (("configure", ["cmake", "--preset", preset]),
            ("build", ["cmake", "--build", "--preset", preset, "-j", jobs, "--target", *targets]))


def build_preset(context, preset, targets):
    """Builds targets of a preset. What fails is a row, and a cause for the parts that need the preset."""
    seconds = 0.0

    def listen(line):
        progress = PROGRESS.match(line)
        if progress:
            context.screen.live("build", f"building {preset}: {progress[1]} of {progress[2]}")

    for step, command in commands(preset, targets, context.jobs):
        context.screen.live("build", f"building {preset}: {step}")
        outcome = context.runner.run(f"build-{preset}-{step}", command, context.plan.build_seconds, on_line=listen)
        seconds += outcome.seconds
        if outcome.clean:
            continue
        context.screen.live("build", "")
        context.broken_presets[preset] = f"the preset {preset} is not built"
        context.add(report.ended_badly(report.BUILD, preset, outcome, f"{step} {outcome.describe()}", "cmake"))
        return
    context.screen.live("build", "")
    context.add(report.Row(report.BUILD, preset, "cmake", "", seconds, "built", "pass"))


def build_all(context, needs):
    """Builds what is needed, a list of (preset, target), one preset after the other (each uses all jobs)."""
    for preset in dict.fromkeys(preset for preset, _ in needs):
        build_preset(context, preset, [target for other, target in needs if other == preset])
