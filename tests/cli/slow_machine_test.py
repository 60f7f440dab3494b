"""ci/verify with real programs on a quarter of one core: it says what it says on an idle machine, be that PASSED or FAILED.

    slow_machine_test.py stress STRESS PROPERTY      the stress program, and one of the property programs
    slow_machine_test.py models CHECK EDITED-CHECK   hakmem-check, and one over a header with one order changed
"""
import json
import os
import pathlib
import sys
import time
import unittest

from fake_tree import FakeTree
from slow_machine import quarter_of_a_core

# The real job on a short plan, and with a limit that the caller gives.
JOB = """
import dataclasses, pathlib, sys
sys.path.insert(0, "ci/lib")
from hakmem_ci.core import process, processes
from hakmem_ci.jobs.verify import cli, plan
plan.QUICK = dataclasses.replace(plan.QUICK, property_cases=60, stress_operations={{"release": 60_000}})
process.LOOK_SECONDS = 0.5
plan.LEAST_ALLOWED, process.AMPLE = {limit}, 0
{more}
sys.exit(cli.main(pathlib.Path.cwd(), sys.argv[1:]))
"""
ON_THE_WALL = """
import time
began = time.monotonic()
processes.processor_seconds = lambda tree: time.monotonic() - began
"""
DEFAULT_LIMIT = 1200.0
AMPLE = 6  # on the slow machine each check may use so many times what all have used on the idle one
FAULTY_STRESS = """
import os, sys
os.execv({stress!r}, [{stress!r}, *sys.argv[1:], "--fault", "double-handout"])
"""


class Tree(FakeTree):
    """A checkout in which these programs are real."""

    def __init__(self, programs):
        super().__init__()
        self.remove("build/release/tests/property_slots")
        for path, program in programs.items():
            file = self.root / path
            file.unlink(missing_ok=True)
            file.symlink_to(program)

    def verify(self, checks, prefix=(), limit=DEFAULT_LIMIT, more=""):
        """(verdict, rows, output, seconds of processor time that it used, share of one processor that it got)"""
        job = JOB.format(limit=limit, more=more)
        before, started = os.times(), time.monotonic()
        output, _ = self.start([*prefix, sys.executable, "-B", "-c", job, "--quick", "--jobs", "1", *checks]).communicate()
        after, passed = os.times(), time.monotonic() - started
        used = after.children_user + after.children_system - before.children_user - before.children_system
        report = json.loads((self.root / "build/verify/report.json").read_text(encoding="utf-8"))
        return report["verdict"], report["results"], output, used, used / passed


class SlowMachine(unittest.TestCase):
    def tree(self, programs=None):
        tree = Tree(programs or PROGRAMS)
        self.addCleanup(tree.close)
        return tree

    def slowly(self, tree, **limits):
        """What ci/verify says on a quarter of one core."""
        with quarter_of_a_core() as prefix:
            verdict, rows, output, _, share = tree.verify(CHECKS, prefix, **limits)
        if share > 0.5:
            self.skipTest(f"this machine cannot be made slow: it gave {share:.0%} of a processor")
        return verdict, rows, output

    def test_says_what_it_says_on_an_idle_machine(self):
        def of(rows):
            return sorted((row["part"], row["check"], row["how"], row["status"], row["verdict"]) for row in rows)

        tree = self.tree()
        verdict, rows, output, used, _ = tree.verify(CHECKS)
        self.assertEqual(verdict, "PASSED", output)
        slow, slow_rows, output = self.slowly(tree, limit=AMPLE * used)
        self.assertEqual(slow, "PASSED", output)
        self.assertEqual(of(slow_rows), of(rows))
        self.assertGreaterEqual(len(rows), LEAST_ROWS)

    def test_a_planted_fault_fails_there_too(self):
        tree = self.tree()
        plant(tree)
        verdict, rows, output = self.slowly(tree)
        self.assertEqual(verdict, "FAILED", output)
        self.assertTrue(any(row["status"] == "fail" and row["part"] == PART for row in rows), output)
        self.assertFalse([row for row in rows if row["status"] == "incomplete"], output)

    def test_a_limit_on_the_wall_would_be_noticed(self):
        tree = self.tree()
        verdict, _, output, _, _ = tree.verify(CHECKS, limit=0.5, more=ON_THE_WALL)
        self.assertEqual(verdict, "INCOMPLETE", output)
        self.assertIn("s of processor time", output)


def plant(tree):
    """Puts the faulty program in the place of the good one."""
    if PART == "stress":
        tree.script("build/release/tests/stress", FAULTY_STRESS.format(stress=str(FIRST)))
    else:
        tree.remove("build/model/hakmem-check")
        (tree.root / "build/model/hakmem-check").symlink_to(SECOND)


if __name__ == "__main__":
    PART, FIRST, SECOND = sys.argv[1], *(pathlib.Path(word).resolve() for word in sys.argv[2:4])
    if PART == "stress":
        PROGRAMS = {"build/release/tests/stress": FIRST, f"build/release/tests/{SECOND.name}": SECOND}
        CHECKS = ["--checks", "stress/plain", "properties/*"]
        LEAST_ROWS = 10
    else:
        PROGRAMS = {"build/model/hakmem-check": FIRST}
        CHECKS = ["--only", "models", "--suites", "remote_word*"]
        LEAST_ROWS = 10
    unittest.main(argv=sys.argv[:1] + sys.argv[4:])
