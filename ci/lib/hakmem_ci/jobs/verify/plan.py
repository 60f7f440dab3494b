"""How much work each part does, and how long all of it may take after the build."""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Plan:
    """Sizes are chosen for two cores; the limits are kept on any machine: what does not end in time is not green."""

    fresh_seed: bool  # other random choices each time, or always the same
    total_seconds: int  # everything after the build
    build_seconds: int  # each preset
    model_seconds: int  # all suites together
    litmus_seconds: int
    model_arguments: tuple  # of hakmem-check run
    property_cases: int  # successful cases that each property needs
    property_seconds: int  # each property program
    stress_seconds: int  # each scenario
    stress_threads: int
    helgrind_threads: int
    helgrind_operations: int  # each scenario
    stress_limit_seconds: int  # each sanitizer, all scenarios
    program_seconds: int  # all programs
    program_arguments: tuple  # of ci/programs
    mutant_seconds: int  # all mutants that are not known from before


QUICK = Plan(
    fresh_seed=False,
    total_seconds=300, build_seconds=1800,
    model_seconds=150, litmus_seconds=60, model_arguments=("--quick",),
    property_cases=200, property_seconds=90,
    stress_seconds=2, stress_threads=4, helgrind_threads=3, helgrind_operations=2000, stress_limit_seconds=90,
    program_seconds=150, program_arguments=("--quick",), mutant_seconds=900)

FULL = Plan(
    fresh_seed=True,
    total_seconds=900, build_seconds=1800,
    model_seconds=600, litmus_seconds=120, model_arguments=(),
    property_cases=1000, property_seconds=240,
    stress_seconds=8, stress_threads=8, helgrind_threads=3, helgrind_operations=8000, stress_limit_seconds=240,
    program_seconds=300, program_arguments=(), mutant_seconds=600)
