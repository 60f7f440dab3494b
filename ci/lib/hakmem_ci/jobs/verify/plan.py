"""How much work each part does: a fixed list, whatever the machine. What it is expected to cost decides on the estimate
that is shown, on what comes first when the user gives --minutes, and from where on a program must be hanging."""
import dataclasses
import fnmatch
import json

from hakmem_ci.core import process, report

LEAST_ALLOWED = 1200.0  # seconds of processor time below which no program is said to hang


@dataclasses.dataclass(frozen=True)
class Plan:
    """`costs`: name of a check -> seconds of processor time on the machine that docs/reports/models.md names. They are no
    limits."""

    name: str
    fresh_seed: bool  # other random choices each time, or always the same
    model_arguments: tuple  # of hakmem-check run
    property_cases: int  # successful cases that each property needs
    stress_threads: int
    stress_operations: dict  # preset -> operations of each scenario
    helgrind_threads: int
    program_arguments: tuple  # of ci/programs
    costs: dict


QUICK = Plan(
    name="quick", fresh_seed=False, model_arguments=("--quick",), property_cases=200, stress_threads=4,
    stress_operations={"release": 2_000_000, "tsan": 200_000, "asan": 800_000, "valgrind": 2_000}, helgrind_threads=3,
    program_arguments=("--quick",),
    costs={"models/litmus": 2, "models/suites": 60, "properties/*": 15, "stress/plain*": 50, "stress/tsan*": 60,
           "stress/asan*": 50, "stress/helgrind*": 80, "programs/all": 60, "mutants/all": 900})

FULL = Plan(
    name="full", fresh_seed=True, model_arguments=(), property_cases=1000, stress_threads=8,
    stress_operations={"release": 8_000_000, "tsan": 800_000, "asan": 3_000_000, "valgrind": 8_000}, helgrind_threads=3,
    program_arguments=(),
    costs={"models/litmus": 2, "models/suites": 700, "properties/*": 75, "stress/plain*": 200, "stress/tsan*": 240,
           "stress/asan*": 200, "stress/helgrind*": 320, "programs/all": 200, "mutants/all": 900})


@dataclasses.dataclass(frozen=True)
class Check:
    """One program of a part. `run(context, check)` adds its rows. `one_core`: others may run beside it."""

    part: str
    name: str
    run: object
    one_core: bool = True

    @property
    def key(self):
        return f"{self.part}/{self.name}"


class Costs:
    """What checks cost: as this checkout has seen them last, or as the plan says."""

    def __init__(self, plan, path):
        self.plan, self.path = plan, path
        self.seen = self.load()

    def load(self):
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {str(key): float(value) for key, value in found.items()}
        except (OSError, ValueError, TypeError, AttributeError):
            return {}

    def planned(self, check):
        """What the plan expects."""
        for pattern, seconds in self.plan.costs.items():
            if fnmatch.fnmatchcase(check.key, pattern):
                return float(seconds)
        return 60.0

    def of(self, check):
        """What it is expected to cost here."""
        return self.seen.get(f"{self.plan.name}/{check.key}", self.planned(check))

    def allowed(self, check):
        """What it may cost before it is taken for a program that does not end."""
        return max(LEAST_ALLOWED, process.AMPLE * max(self.of(check), self.planned(check)))

    def learn(self, check, seconds):
        """Keeps what a check that came to its end has cost."""
        self.seen[f"{self.plan.name}/{check.key}"] = round(seconds, 1)

    def save(self):
        try:
            report.write_atomically(self.path, json.dumps(self.seen, indent=1, sort_keys=True) + "\n")
        except OSError:
            pass  # it is only an estimate
