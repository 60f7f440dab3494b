"""A checkout made of fakes: the real ci/ scripts, with every program they call replaced by a small script."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import textwrap

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SANITIZED_PRESETS = ("release", "tsan", "asan", "valgrind")

MODELS = [
    {"suite": "remote_word", "scheduler": "full", "executions": 28392, "seconds": 0.5, "verdict": "COMPLETE",
     "status": "pass", "broken_variant": False, "trace": ""},
    {"suite": "slot_word", "scheduler": "bound=3", "executions": 97730, "seconds": 1.5, "verdict": "BOUNDED(3)",
     "status": "pass", "broken_variant": False, "trace": ""},
    {"suite": "remote_word_relaxed_take", "scheduler": "random", "executions": 7, "seconds": 0.1,
     "verdict": "SAMPLED(7)", "status": "pass", "broken_variant": True, "trace": ""},
]
STRESS = [{"scenario": "thread_churn", "threads": 4, "operations": 1000, "seconds": 1.0, "seed": 1,
           "status": "pass", "message": ""}]
PROGRAMS = [{"program": "git", "seconds": 0.5, "status": "pass", "message": ""}]
MUTANTS = [{"part": "mutants", "check": "src/lockfree/remote_word.hpp", "how": "", "work": "2 mutants", "seconds": 0.5,
            "verdict": "1 killed, 1 explained", "status": "pass"}]

WRITE_REPORT = """
    import json, sys
    with open(sys.argv[sys.argv.index("--json") + 1], "w", encoding="utf-8") as file:
        json.dump({"results": json.loads(RESULTS)}, file)
"""


def reporting(results, then=""):
    """A script that writes these results where --json says, then does what `then` says."""
    return f"RESULTS = {json.dumps(results)!r}\n" + textwrap.dedent(WRITE_REPORT) + textwrap.dedent(then)


def hakmem_check(results, suites=None, then=""):
    """A script like hakmem-check: lists suites, passes its litmus tests, reports `results`."""
    names = [result["suite"] for result in results] if suites is None else suites
    litmus = [{**MODELS[0], "suite": "store_buffering"}]
    return textwrap.dedent(f"""
        import sys
        if sys.argv[1] == "list":
            print({os.linesep.join(names)!r})
            sys.exit(0)
        RESULTS = {json.dumps(litmus)!r} if sys.argv[1] == "litmus" else {json.dumps(results)!r}
        """) + textwrap.dedent(WRITE_REPORT) + 'if sys.argv[1] == "run":\n    pass\n' + textwrap.indent(
            textwrap.dedent(then), "    ")


def property_program(cases=100, failures=0, disabled=0, then=""):
    """A script like a GoogleTest program with one RapidCheck property."""
    summary = {"tests": 1, "failures": failures, "errors": 0, "disabled": disabled}
    return textwrap.dedent(f"""
        import json, sys
        print("OK, passed {cases} tests") if {cases} else None
        path = [a for a in sys.argv if a.startswith("--gtest_output=json:")][0].split(":", 1)[1]
        json.dump({summary!r}, open(path, "w", encoding="utf-8"))
        if {failures}: sys.exit(1)
        """) + textwrap.dedent(then)


VALGRIND = """
    import subprocess, sys
    command = [a for a in sys.argv[1:]]
    while command[0].startswith("--"): command.pop(0)
    code = subprocess.call(command)
    print("==1== ERROR SUMMARY: 0 errors from 0 contexts (suppressed: 0 from 0)")
    sys.exit(code)
"""


class FakeTree:
    """A temporary checkout in which every part is green until a test replaces one of its programs."""

    def __init__(self):
        self.directory = tempfile.TemporaryDirectory(prefix="hakmem-cli-")
        self.root = pathlib.Path(self.directory.name)
        shutil.copytree(SOURCE / "ci", self.root / "ci", ignore=shutil.ignore_patterns("__pycache__"))
        self.script("ci/setup", "")
        self.script("ci/programs", reporting(PROGRAMS))
        self.script("ci/mutants", reporting(MUTANTS))
        self.script("bin/cmake", 'print("[1/1] Linking")\n')
        self.script("bin/valgrind", VALGRIND)
        self.script("build/model/hakmem-check", hakmem_check(MODELS))
        self.script("build/release/tests/property_slots", property_program())
        self.script("build/release/libhakmem.so", "")
        for preset in SANITIZED_PRESETS:
            self.script(f"build/{preset}/tests/stress", reporting(STRESS))

    def script(self, path, text):
        """Writes an executable Python script below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)
        file.write_text(f"#!{sys.executable} -ISB\n" + textwrap.dedent(text), encoding="utf-8")
        file.chmod(0o755)

    def give_pages(self):
        """Those from which the nightly takes its headers."""
        (self.root / "docs/reports").mkdir(parents=True)
        for page in ("ledger.md", "mutants.md"):
            shutil.copy2(SOURCE / "docs/reports" / page, self.root / "docs/reports" / page)

    def remove(self, path):
        (self.root / path).unlink()

    def environment(self, extra=None):
        return {**os.environ, "PATH": f"{self.root / 'bin'}:{os.environ['PATH']}", **(extra or {})}

    def start(self, command, extra=None):
        """Starts a command of the tree in a process group of its own."""
        return subprocess.Popen([str(word) for word in command], cwd=self.root, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.environment(extra),
                                start_new_session=True)

    def run(self, command, extra=None):
        """Runs a command of the tree. Returns its exit code and output."""
        child = self.start(command, extra)
        output, _ = child.communicate()
        return child.returncode, output

    def close(self):
        self.directory.cleanup()
