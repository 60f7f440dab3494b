"""Runs scenarios under allocators, in turns, so that a busy moment of the machine hits all of them alike."""
import collections
import dataclasses
import json
import signal

from hakmem_ci.jobs.bench import allocators, catalogue, shared_lines

PROCESSOR_SECONDS = 3600  # that one run may use; none needs a tenth of it


@dataclasses.dataclass
class Sample:
    """One run. `problem` says why it does not count."""

    round: int
    problem: str = ""
    speed: float = 0.0      # operations per second
    cpu_speed: float = 0.0  # operations per second of processor time
    resident: int = 0       # peak, bytes
    faults: int = 0         # of pages that no disk was read for
    cpu_seconds: float = 0.0
    system_seconds: float = 0.0  # the part of these in the kernel
    checksum: str = ""
    rss_over_time: list = dataclasses.field(default_factory=list)  # of a peak: moments with `when`, `seconds`, `bytes`
    counts: list = dataclasses.field(default_factory=list)  # of INSTRUCTIONS
    operations: list = dataclasses.field(default_factory=list)  # of OPERATIONS: `name` and `nanoseconds`
    shared: dict = dataclasses.field(default_factory=dict)  # of hakmem: updates of shared lines, see shared_lines


class Results:
    """Samples by scenario name and allocator name. Whatever was measured stays when the user stops the run."""

    def __init__(self):
        self.samples = {}
        self.interrupted = False

    def add(self, scenario, allocator, sample):
        self.samples.setdefault(scenario.name, {}).setdefault(allocator.name, []).append(sample)

    def of(self, scenario, name):
        return self.samples.get(scenario.name, {}).get(name, [])

    def problems(self):
        """(scenario, allocator, round, problem) of each run that failed."""
        return [(scenario, name, sample.round, sample.problem) for scenario, by_name in self.samples.items()
                for name, samples in by_name.items() for sample in samples if sample.problem]

    def compare_checksums(self):
        """The answer of a scenario must not depend on the allocator: whatever differs from what the C library gave (from
        the most frequent answer, where it took no part) is a failure."""
        for by_name in self.samples.values():
            trusted = by_name.get(allocators.GLIBC) or [sample for each in by_name.values() for sample in each]
            answers = collections.Counter(sample.checksum for sample in trusted if sample.checksum and not sample.problem)
            if not answers:
                continue
            expected = answers.most_common(1)[0][0]
            for sample in (sample for each in by_name.values() for sample in each):
                if not sample.problem and sample.checksum != expected:
                    sample.problem = f"computed {sample.checksum or 'nothing'}, expected {expected}"

    def failed(self, scenario, name):
        return any(sample.problem for sample in self.of(scenario, name))


def order_of(choices, number):
    """The allocators in the order of one round: each is first once in as many rounds as there are allocators."""
    first = number % len(choices)
    return choices[first:] + choices[:first]


def ending(outcome):
    """Why a program that did not end well failed, in one line."""
    if outcome.ending == "exited" and outcome.code < 0:
        words = f"was ended by {signal.Signals(-outcome.code).name}"
    else:
        words = outcome.describe()
    last = [line for line in outcome.output.strip().splitlines() if line.strip()][-1:]
    return words + (f": {last[0][:200]}" if last and outcome.ending == "exited" else "")


class Bench:
    """`runner` is a core.process.Runner, `folder` holds the programs; a run hangs that sleeps for `patience` seconds."""

    def __init__(self, runner, folder, scratch, patience):
        self.runner = runner
        self.folder = folder
        self.scratch = scratch
        self.patience = patience

    def sample(self, scenario, allocator, number):
        """One run; None if the user stopped it."""
        report = self.scratch / "result.json"
        report.unlink(missing_ok=True)
        command = [self.folder / scenario.command[0], *scenario.command[1:], "--json", report]
        preload = {"LD_PRELOAD": str(allocator.library)} if allocator.library else {}
        outcome = self.runner.run("bench", command, PROCESSOR_SECONDS, {**preload, **shared_lines.ENVIRONMENT}, patience=self.patience)
        if outcome.ending == "interrupted":
            return None
        if not outcome.clean:
            return Sample(number, ending(outcome))
        try:
            result = json.loads(report.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            return Sample(number, f"left no result: {error}")
        return self.judge(scenario, allocator, number, result, outcome.output)

    @staticmethod
    def judge(scenario, allocator, number, result, output):
        """The sample in a result, with what the library has printed."""
        objection = allocator.objection(result["malloc"])
        if objection:
            return Sample(number, objection)
        if scenario.kind == catalogue.INSTRUCTIONS:
            return Sample(number, counts=result["results"])
        if scenario.kind == catalogue.OPERATIONS:
            return Sample(number, operations=result["results"])
        return Sample(number, "", result["operations_per_second"], result["operations_per_cpu_second"],
                      result["peak_resident_bytes"], result["page_faults"], result["cpu_seconds"],
                      result["system_seconds"], result.get("checksum", ""), result.get("rss_over_time", []),
                      shared=shared_lines.updates(shared_lines.statistics_in(output), result["operations"]))

    def run(self, scenarios, choices, rounds, listen):
        """The Results of all rounds, answers compared."""
        results = self.run_rounds(scenarios, choices, rounds, listen)
        results.compare_checksums()
        return results

    def run_rounds(self, scenarios, choices, rounds, listen):
        """All rounds of all scenarios. `listen` gets (round, scenario, allocator) before each run. A scenario that fails
        under an allocator is not repeated with it."""
        results = Results()
        for number in range(rounds):
            for scenario in scenarios:
                if scenario.kind == catalogue.INSTRUCTIONS and number > 0:
                    continue
                for allocator in order_of(choices, number):
                    if results.failed(scenario, allocator.name):
                        continue
                    listen(number, scenario, allocator)
                    sample = self.sample(scenario, allocator, number)
                    if sample is None:
                        results.interrupted = True
                        return results
                    results.add(scenario, allocator, sample)
        return results
