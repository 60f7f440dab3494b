"""What every part works with: where things are, how long there is left, and where results go."""
import concurrent.futures
import json
import re
import threading
import time

from hakmem_ci.core import screen as screens


class Context:
    """One run of the main job. `add` is thread-safe."""

    def __init__(self, root, plan, jobs, screen, runner):
        self.root = root
        self.seed = int(time.time()) if plan.fresh_seed else 1  # of random schedulers and of stress
        self.plan = plan
        self.jobs = jobs
        self.screen = screen
        self.runner = runner
        self.scratch = root / "build" / "verify"
        self.rows = []
        self.broken_presets = {}  # preset -> why it cannot be used
        self.clock_start = self.deadline = None  # set once the build is done
        self.lock = threading.Lock()

    def start_clock(self):
        """From here on the time counts that the plan allows."""
        self.clock_start = time.monotonic()
        self.deadline = self.clock_start + self.plan.total_seconds

    def time_for(self, wanted):
        """The seconds that something may take: what it wants, or what is left."""
        return min(wanted, self.deadline - time.monotonic())

    def add(self, row):
        """Keeps a result and prints it."""
        with self.lock:
            self.rows.append(row)
        word = self.screen.paint(row.verdict, row.status)
        what = f"{row.check} [{row.how}]" if row.how else row.check
        work = f", {row.work}" if row.work else ""
        cause = f": {row.message}" if row.message and row.status != "pass" else ""
        self.screen.line(f"{row.part}: {what} {word} ({row.seconds:.1f} s{work}){cause}")

    def program(self, preset, path):
        """(program, None), or (None, why it cannot be run). `path` is relative to the preset's build directory."""
        if preset in self.broken_presets:
            return None, self.broken_presets[preset]
        program = self.root / "build" / preset / path
        if not program.is_file():
            return None, f"build/{preset}/{path} does not exist"
        return program, None

    def watch(self, key, title, seconds):
        """A listener that shows a program's latest line on the live line."""
        started = time.monotonic()
        self.screen.live(key, title)

        def listen(line):
            spent = screens.duration(time.monotonic() - started)
            self.screen.live(key, f"{title} {spent} of {screens.duration(seconds)}: {line.strip()[:90]}")

        return listen

    def run(self, key, title, command, seconds, extra_environment=None):
        """Runs a program with its latest line shown, within the time that is left."""
        seconds = self.time_for(seconds)
        listen = self.watch(key, title, seconds)
        try:
            return self.runner.run(key, command, seconds, extra_environment, listen)
        finally:
            self.screen.live(key, "")

    def in_parallel(self, function, items):
        """Calls function(context, item) for every item, as many at a time as there are jobs."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=self.jobs) as pool:
            for future in [pool.submit(function, self, item) for item in items]:
                future.result()

    def fresh_report(self, name):
        """A path for a program's JSON report; an older report of that name is gone."""
        path = self.scratch / "parts" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        return path


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


def read_problems(path):
    """What a program's JSON report calls problems, as text."""
    return [str(problem) for problem in json.loads(path.read_text(encoding="utf-8")).get("problems", [])]


def tail(text, lines=60):
    """The last lines of a program's output."""
    return "\n".join(text.rstrip().splitlines()[-lines:])


def file_name(text):
    """The text as a part of a file name."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text)
