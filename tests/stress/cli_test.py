#!/usr/bin/env python3
"""Checks that the stress program answers wrong calls with one clear line, its usage and exit code 2."""
import pathlib
import subprocess
import sys
import unittest

PROGRAM = str(pathlib.Path(sys.argv.pop()).resolve())


def call(*arguments):
    return subprocess.run([PROGRAM, *arguments], text=True, capture_output=True, check=False)


class CommandLine(unittest.TestCase):
    def test_refuses_wrong_calls(self):
        for arguments in (["--no-such-option"], ["extra"], ["--scenario", "nothing"], ["--threads", "1"],
                          ["--threads", "257"], ["--threads", "many"], ["--seconds", "0"], ["--operations", "99"],
                          ["--seconds", "1", "--operations", "1000"], ["--geometry", "flat"], ["--fault", "nothing"],
                          ["--allocator", "api", "--geometry", "toy"], ["--seed", "-1"],
                          ["--seed", "99999999999999999999"],
                          ["--allocator", "malloc", "--fault", "missing-release"], ["--scenario"]):
            with self.subTest(arguments=arguments):
                done = call(*arguments)
                self.assertEqual(done.returncode, 2)
                lines = done.stderr.splitlines()
                self.assertTrue(lines[0].startswith("stress: "), done.stderr)
                self.assertTrue(lines[1].startswith("usage: "), done.stderr)
                self.assertEqual(done.stdout, "")

    def test_prints_the_seed_that_repeats_a_run(self):
        done = call("--scenario", "ring_handoff", "--geometry", "toy", "--operations", "1000", "--seed", "77")
        self.assertEqual(done.returncode, 0)
        self.assertIn("seed 77", done.stdout)

    def test_reports_a_file_that_cannot_be_written(self):
        done = call("--scenario", "ring_handoff", "--operations", "100", "--json", "/no/such/directory/report.json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /no/such/directory/report.json", done.stderr)

    def test_lists_scenarios_and_faults(self):
        done = call("--list")
        self.assertEqual(done.returncode, 0)
        for name in ("random_exchange", "thread_churn", "missing-release"):
            self.assertIn(name, done.stdout)


if __name__ == "__main__":
    unittest.main()
