"""Every benchmark answers a wrong call with one clear line, its usage, and exit code 2."""
import pathlib
import subprocess
import sys
import unittest

BENCH = pathlib.Path(sys.argv.pop(1)).resolve()

WRONG_CALLS = {
    "larson": (["--bogus"], ["x"], ["-1"], ["1", "0"], ["1", "64", "8"], ["1", "8", "64", "0"],
               ["1", "8", "64", "9", "9", "1", "513"], ["1", "8", "64", "9", "9", "1", "1", "surplus"], ["0"],
               ["1", "--iterations", "5"], ["--iterations", "0"], ["--json"]),
    "random_mixed": ([], ["10"], ["10", "10"], ["0", "10", "1"], ["10", "0", "1"], ["10", "10", "x"],
                     ["10", "10", "1", "0"], ["10", "10", "1", "--size", "0"], ["10", "10", "1", "--min", "9", "--max", "8"],
                     ["10", "10", "1", "--size", "9", "--min", "8"], ["10", "10", "1", "--bogus"]),
    "scenarios": ([], ["gcc"], ["json", "--threads", "0"], ["json", "--iterations", "1x"], ["handoff", "--threads", "3"],
                  ["producer", "--threads", "6"], ["peak", "--idle", "-1"],
                  ["vm", "--bogus"], ["vm", "mir"]),
    "ab": ([], ["nothing"], ["--bogus"], ["--all", "--list"], ["atomics", "--all"], ["atomics", "--rounds", "0"],
           ["atomics", "--counted", "some"], ["atomics", "--operations", "10"], ["atomics", "--rounds", "x"]),
    "operations": (["malloc_free"], ["--seconds", "0"], ["--only", "nothing of that name"], ["--bogus"]),
    "instructions": (["16"], ["--size", "0"], ["--pattern", "square"], ["--pairs", "1"], ["--bogus"]),
}


def call(program, arguments):
    return subprocess.run([str(BENCH / program), *arguments], capture_output=True, text=True, check=False)


class CommandLines(unittest.TestCase):
    def test_wrong_calls_end_with_usage_and_2(self):
        for program, calls in WRONG_CALLS.items():
            for arguments in calls:
                done = call(program, arguments)
                with self.subTest(program=program, arguments=arguments):
                    self.assertEqual(done.returncode, 2, done.stdout + done.stderr)
                    self.assertTrue(done.stderr.startswith(f"{program}: "), done.stderr)
                    self.assertIn(f"Usage: {program}", done.stderr)
                    self.assertEqual(done.stdout, "")

    def test_help_ends_with_0(self):
        for program in WRONG_CALLS:
            done = call(program, ["--help"])
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"Usage: {program}", done.stdout)

    def test_a_report_that_cannot_be_written_is_a_failure(self):
        done = call("random_mixed", ["10", "10", "1", "--json", "/nowhere/at/all.json"])
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("cannot write /nowhere/at/all.json", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
