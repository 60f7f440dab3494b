"""Programs of the heap given on the command line: run, made smaller when they fail, and replayed."""
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

# The checker, one over a header with an order that is too weak, and one without programs.
CHECK = EDITED = WITHOUT = None

PROGRAM = "T0: a=malloc(64) trim give a b=malloc(64) c=malloc(64) renew; T1: c=malloc(200) free c b=take free b renew"


def run(check, *arguments):
    """(exit code, output) of a call."""
    done = subprocess.run([check, *arguments], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Programs(unittest.TestCase):
    def test_what_holds_is_searched_in_three_ways(self):
        code, output = run(CHECK, "run", "--program", PROGRAM)
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"BOUNDED\(0\) SAMPLED\(\d+\) SAMPLED\(\d+\)")

    def test_what_fails_is_made_small_and_replays(self):
        code, output = run(EDITED, "run", "--program", PROGRAM, "--scheduler", "random", "--executions",
                           "40000", "--seed", "3")
        self.assertEqual(code, 1, output)
        self.assertIn("DATA RACE", output)
        smallest = re.search(r"the smallest program that fails: (.*)", output).group(1)
        self.assertLessEqual(len(re.findall(r"malloc|free|give|take|renew|trim", smallest)), 7, smallest)
        token = re.search(r"replay '(.*)'", output).group(1)
        replayed_code, replayed = run(EDITED, "replay", token)
        self.assertEqual(replayed_code, 1, replayed)
        self.assertIn("remote_word.hpp", replayed)
        self.assertIn("DATA RACE", replayed)
        self.assertEqual(run(CHECK, "run", "--program", smallest, "--scheduler", "random", "--executions",
                             "3000")[0], 0)

    def test_a_file_and_a_number_name_programs_too(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "program"
            path.write_text("T0: a=take\n  renew\nT1: b=take\n")
            code, output = run(CHECK, "run", "--program", f"@{path}", "--scheduler", "full")
            self.assertEqual(code, 0, output)
            self.assertIn("T0: a=take renew T1: b=take\n", output)
            self.assertIn("COMPLETE", output)
        first, second = (run(CHECK, "run", "--program", "seed:7", "--scheduler", "random", "--executions", "100")
                         for _ in range(2))
        self.assertEqual(first[0], 0, first[1])
        self.assertEqual(first[1].splitlines()[0], second[1].splitlines()[0])

    def test_programs_of_attached_threads_are_searched_to_their_ends(self):
        code, output = run(CHECK, "run", "--program", "attached:1+3")
        self.assertEqual(code, 0, output)
        for seed in (1, 2, 3):
            self.assertRegex(output, rf"pass +attached:{seed} +graph +COMPLETE")

    def test_a_fault_that_they_find_names_the_number_is_made_small_and_replays(self):
        code, output = run(EDITED, "run", "--program", "attached:1+20")
        self.assertEqual(code, 1, output)
        seed = re.search(r"(?m)^FAIL +attached:(\d+) .*DATA RACE.*the smallest program that fails: (.*)", output)
        self.assertLessEqual(len(re.findall(r"malloc|free|give|take", seed[2])), 6, seed[2])
        self.assertRegex(seed[2], "^T0: attached.* T1: attached")
        self.assertEqual(run(EDITED, "run", "--program", f"attached:{seed[1]}")[0], 1)
        replayed_code, replayed = run(EDITED, "replay", re.search(r"replay '(.*)'", output)[1])
        self.assertEqual(replayed_code, 1, replayed)
        self.assertIn("DATA RACE", replayed)
        self.assertEqual(run(CHECK, "run", "--program", seed[2])[0], 0)

    def test_wrong_calls_say_what_is_wrong(self):
        for arguments, problem in [
            (["--program", "T0: jump T1:"], "'jump' is no step"),
            (["--program", "T0: free T1:"], "needs a variable"),
            (["--program", "T0: trim"], "two to four threads"),
            (["--program", "seed:x"], "is no seed"),
            (["--program", "attached:1+0"], "is no seed"),
            (["--program", "attached:1+"], "is no seed"),
            (["--program", "T0: free a attached T1:"], "in front of all steps"),
            (["--program", "@/nowhere"], "cannot read /nowhere"),
            (["heap", "--program", PROGRAM], "no suite beside it"),
        ]:
            code, output = run(CHECK, "run", *arguments)
            self.assertEqual(code, 2, output)
            self.assertIn(problem, output.splitlines()[0])

    def test_a_checker_without_the_heap_says_so(self):
        code, output = run(WITHOUT, "run", "--program", PROGRAM)
        self.assertEqual(code, 2, output)
        self.assertIn("built without programs of the heap", output.splitlines()[0])


if __name__ == "__main__":
    CHECK, EDITED, WITHOUT = sys.argv.pop(1), sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
