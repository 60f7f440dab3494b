"""Runs a plan: each part gets its share of what is left, each item its part of that."""
import concurrent.futures
import shlex
import time
import traceback

from hakmem_ci.core import report
from hakmem_ci.jobs.nightly import plan as plans
from hakmem_ci.jobs.nightly import rows, work
from hakmem_ci.jobs.verify import build
from hakmem_ci.jobs.verify import plan as verify_plan
from hakmem_ci.jobs.verify.context import Context


class NightContext(Context):
    """What an item works with: that of ci/verify, with an end and a seed of its own."""

    def __init__(self, night, item, seconds, seed):
        super().__init__(night.root, verify_plan.FULL, night.jobs, night.screen, night.runner)
        self.night, self.item, self.state, self.seed = night, item, night.state, seed
        self.scratch = night.scratch
        self.broken_presets = night.broken_presets
        self.deadline = time.monotonic() + 2 * seconds + 120  # items that fill their time end themselves before

    def run(self, key, title, command, check=None, extra_environment=None):
        """Runs a program until it ends, hangs, or the item's time is over twice."""
        try:
            return self.runner.run(key, command, None, extra_environment, self.watch(key, title), self.deadline)
        finally:
            self.screen.live(key, "")

    def again(self, check=None):
        """The command that does the item's part alone, with the same random choices."""
        return f"ci/nightly --minutes {self.night.minutes:g} --night {self.night.number} --only {shlex.quote(self.item.split(':')[0])}"

    def add(self, row):
        """A result counts as the item's."""
        if row.status == "incomplete" and not row.go_on:
            row.go_on = self.again()
        row = rows.of_item(row, self.item)
        super().add(row)
        self.night.keep(row)


class Night:
    """One run of the long job, or of a shard of it."""

    def __init__(self, root, scratch, jobs, screen, runner, state, number, minutes, report):
        self.root, self.scratch, self.jobs, self.number, self.minutes = root, scratch, jobs, number, minutes
        self.report = report
        self.screen, self.runner, self.state = screen, runner, state
        self.broken_presets = {}
        self.rows = []
        self.seeds = {}  # item -> the seed that it ran with
        self.seconds = {}  # item -> what it was given

    def keep(self, row):
        """A row of the night, which the reports show from now on."""
        self.rows.append(row)
        self.report.add(row)

    def build(self, mine):
        """Builds what the items need; what cannot be built is a cause for the items that need it."""
        needs = [need for _, items in mine for item in items for need in item.needs]
        missing = work.missing_tools(dict.fromkeys(preset for preset, _ in needs))
        self.broken_presets.update(missing)
        context = NightContext(self, "build", 0, 1)
        build.build_all(context, list(dict.fromkeys(need for need in needs if need[0] not in missing)))

    def run(self, mine, seconds):
        """Runs the items of a shard, part after part."""
        end = time.monotonic() + seconds
        parts = [(part, items) for part, items in mine if items]
        for at, (part, items) in enumerate(parts):
            shares = sum(other.share for other, _ in parts[at:])
            left = max(0.0, end - time.monotonic())
            self.run_part(part, items, left * part.share / shares, left)

    def run_part(self, part, items, share, left):
        """Runs a part's items: those that need one core beside each other, the others one after the other."""
        started = time.monotonic()
        beside = [item for item in items if item.one_core]
        alone = [item for item in items if not item.one_core]
        if beside:
            each = share * len(beside) / len(items) * min(1.0, self.jobs / len(beside))
            with concurrent.futures.ThreadPoolExecutor(self.jobs) as pool:
                list(pool.map(lambda item: self.run_item(part, item, each), beside))
        for at, item in enumerate(alone):
            spent = time.monotonic() - started
            each = max(0.0, share - spent) / (len(alone) - at)
            if not item.fills:  # it has an end of its own, and what it borrows shortens what comes later
                each += max(0.0, left - max(share, spent)) / 2
            self.run_item(part, item, each)

    def run_item(self, part, item, seconds):
        """Runs an item, whatever happens in it."""
        seed = self.state.seeds.get(item.key) or plans.seed_of(self.number, item.key)
        context = NightContext(self, item.key, seconds, seed)
        self.seconds[item.key] = round(seconds, 1)
        if self.runner.stop.is_set():
            context.add(report.incomplete(part.name, item.key, "interrupted"))
            return
        if seconds < part.unit:
            context.add(report.incomplete(part.name, item.key, f"{seconds:.0f} s are left for it and it needs {part.unit}: "
                                                            "give more --minutes"))
            return
        self.seeds[item.key] = seed
        before = len(self.rows)
        try:
            item.run(context, seconds)
        except Exception:  # a fault of the job itself must cost neither the other parts nor the truth
            context.add(report.incomplete(part.name, "ci/nightly itself", "stumbled", item.key, evidence=traceback.format_exc()))
        if not any(row.item == item.key for row in self.rows[before:]):
            context.add(report.incomplete(part.name, item.key, "left no result"))
