"""Progress: a loop that waits is named, and is a failure where it ships; one that ends is neither."""
import subprocess
import sys
import unittest

CHECK = None  # the checker with the planted faults


def progress(*arguments):
    """(exit code, output) of the command."""
    done = subprocess.run([CHECK, "progress", *arguments], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Progress(unittest.TestCase):
    def test_loop_that_waits_is_a_failure_where_it_ships(self):
        code, output = progress("spin_lock")
        self.assertEqual(code, 1)
        for thread in (0, 1):
            self.assertRegex(output, rf"FAIL  spin_lock +alone={thread} +WAITS .*thread {thread} waits for another one, "
                                     r"in lock in src/lockfree/planted_spin\.hpp")
        self.assertRegex(output, r"VANISHES[^\n]*\n(?:.*\n)*?.*waits, in lock, src/lockfree/planted_spin\.hpp")
        self.assertRegex(output, r"loop of lock in src/lockfree/planted_spin\.hpp +met in 2 programs: waits for others, as in spin_lock")

    def test_loop_of_a_suite_that_waits_is_named_and_no_failure(self):
        code, output = progress("faults/livelock")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"pass  faults/livelock +alone=0 +WAITS .*in thread in model/tests/faults\.cpp")

    def test_program_without_a_loop_ends(self):
        code, output = progress("healthy")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"pass  healthy +alone=1 +ENDS")
        self.assertNotIn("loop of", output)

    def test_what_others_leave_half_done_is_not_judged(self):
        code, output = progress("faults/half_written")
        self.assertEqual(code, 0, output)

    def test_suite_that_is_none_is_refused(self):
        code, output = progress("no_such_suite")
        self.assertEqual(code, 2)
        self.assertIn("no suite that is explored by graphs matches 'no_such_suite'", output)


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    unittest.main()
