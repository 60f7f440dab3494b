"""What every part works with: where things are, what checks cost, and where results go."""
import concurrent.futures
import json
import re
import shlex
import threading
import time

from hakmem_ci.core import screen as screens
from hakmem_ci.jobs.verify import plan as plans


class Context:
    """One run of the main job. `add` is thread-safe."""

    def __init__(self, root, plan, jobs, screen, runner, deadline=None):
        self.root = root
        self.seed = int(time.time()) if plan.fresh_seed else 1  # of random schedulers and of stress
        self.plan = plan
        self.jobs = jobs
        self.screen = screen
        self.runner = runner
        self.deadline = deadline  # of those who gave minutes, by the monotonic clock; else None
        self.scratch = root / "build" / "verify"
        self.costs = plans.Costs(plan, self.scratch / "costs.json")
        self.suites = ""  # which suites of the models, as hakmem-check names them; all of them
        self.rows = []
        self.keep = self.rows.append  # where a row goes
        self.broken_presets = {}  # preset -> why it cannot be used
        self.lock = threading.Lock()
        self.watched = {}  # key of a run -> its programs' live text

    def add(self, row):
        """Keeps a result and prints it."""
        with self.lock:
            self.keep(row)
        word = self.screen.paint(row.verdict, row.status)
        work = f", {row.work}" if row.work else ""
        cause = f": {row.message}" if row.message and row.status != "pass" else ""
        self.screen.line(f"{row.part}: {row.name()} {word} ({row.seconds:.1f} s{work}){cause}")

    def again(self, check):
        """The command that does this check alone."""
        quick = " --quick" if self.plan.name == "quick" else ""
        suites = f" --suites {shlex.quote(self.suites)}" if self.suites else ""
        return f"ci/verify{quick} --checks {shlex.quote(check.key)}{suites}"

    def program(self, preset, path):
        """(program, None), or (None, why it cannot be run). `path` is relative to the preset's build directory."""
        if preset in self.broken_presets:
            return None, self.broken_presets[preset]
        program = self.root / "build" / preset / path
        if not program.is_file():
            return None, f"build/{preset}/{path} does not exist"
        return program, None

    def watch(self, key, title):
        """A listener that shows a program's latest line on the live line."""
        started = time.monotonic()
        self.screen.live(key, title)

        def listen(line):
            spent = screens.duration(time.monotonic() - started)
            self.screen.live(key, f"{title} {spent}: {line.strip()[:90]}")

        return listen

    def run(self, key, title, command, check, extra_environment=None):
        """Runs a program of a check with its latest line shown, and learns what it costs."""
        listen = self.watch(key, title)
        try:
            outcome = self.runner.run(key, command, self.costs.allowed(check), extra_environment, listen, self.deadline)
        finally:
            self.screen.live(key, "")
        if outcome.clean and not self.suites:  # some suites cost less than all
            self.costs.learn(check, outcome.processor_seconds)
        return outcome

    def seconds_left(self):
        """The user's minutes that are left, in seconds; None without a bound."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())

    def do(self, checks, run):
        """Calls run(check) for all: those that need one core beside each other, the others alone, in their order. With a
        deadline the cheap ones come first. Shows what is done, what is left and how long that takes."""
        if self.deadline is not None:
            checks = sorted(checks, key=self.costs.of)
        progress = Progress(self, checks)

        def one(check):
            run(check)
            progress.done(check)

        with concurrent.futures.ThreadPoolExecutor(max_workers=self.jobs) as pool:
            beside = []
            for check in checks:
                if check.one_core:
                    beside.append(pool.submit(one, check))
                    continue
                for future in beside:
                    future.result()
                beside = []
                one(check)
            for future in beside:
                future.result()
        self.screen.head("")

    def fresh_report(self, name):
        """A path for a program's JSON report; an older report of that name is gone."""
        path = self.scratch / "parts" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return path


class Progress:
    """What is done, what is left, and how long that takes if it costs what is expected, at the speed so far."""

    def __init__(self, context, checks):
        self.context, self.started = context, time.monotonic()
        self.costs = {check.key: context.costs.of(check) for check in checks}
        self.total, self.finished, self.count = sum(self.costs.values()), 0.0, 0
        self.show()

    def done(self, check):
        self.finished += self.costs[check.key]
        self.count += 1
        self.show()

    def show(self):
        """The head of the live line."""
        speed = self.finished / max(0.1, time.monotonic() - self.started) if self.finished else float(self.context.jobs)
        left = screens.duration((self.total - self.finished) / max(speed, 0.01))
        self.context.screen.head(f"{self.count} of {len(self.costs)} checks, about {left} left")


def read_results(path, fields):
    """(results, None) from a program's JSON report, or (None, what is wrong with it). `fields` maps each field that
    every result must have to its type."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
    except FileNotFoundError:
        return None, "left no report"
    except (ValueError, KeyError, TypeError, OSError) as error:
        return None, f"left a report that cannot be read ({error.__class__.__name__}: {error})"
    if not isinstance(results, list) or not results:
        return None, "left a report without results"
    for result in results:
        for field, kind in fields.items():
            if not isinstance(result, dict) or not isinstance(result.get(field), kind):
                return None, f"left a report with a result whose '{field}' is missing or of a wrong kind"
    return results, None


def tail(text, lines=60):
    """The last lines of a program's output."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def file_name(text):
    """The text as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)
