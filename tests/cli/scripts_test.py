"""ci/test and ci/setup against fake programs: what fails, is skipped or is missing is never counted as passed."""
import pathlib
import unittest

from fake_tree import FakeTree

JUNIT = '<testsuite name="(empty)"\n\ttests="{tests}"\n\tfailures="{failures}"\n\tdisabled="{disabled}"\n' \
        '\tskipped="{skipped}"\n\ttime="3"\n>\n</testsuite>\n'


def ctest(tests=3, failures=0, disabled=0, skipped=0, code=0):
    """A script like ctest that leaves a JUnit file with these numbers."""
    text = JUNIT.format(tests=tests, failures=failures, disabled=disabled, skipped=skipped)
    return f"import sys\nopen(sys.argv[sys.argv.index('--output-junit') + 1], 'w').write({text!r})\nsys.exit({code})\n"


class TestScript(unittest.TestCase):
    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        self.tree.script("bin/ctest", ctest())

    def assert_ends(self, code, last_line, *arguments):
        actual, output = self.tree.run(["ci/test", *arguments])
        self.assertEqual(actual, code, output)
        self.assertEqual(output.splitlines()[-1], last_line, output)

    def test_sums_up_every_preset(self):
        self.assert_ends(0, "15 passed, 0 failed")
        self.assert_ends(0, "6 passed, 0 failed", "release", "model", "--jobs", "1")

    def test_counts_failures(self):
        self.tree.script("bin/ctest", ctest(failures=1, code=8))
        self.assert_ends(1, "2 passed, 1 failed", "release")

    def test_counts_what_was_skipped_or_disabled_as_not_passed(self):
        self.tree.script("bin/ctest", ctest(skipped=1, disabled=1))
        self.assert_ends(1, "1 passed, 2 failed", "release")

    def test_no_tests_and_no_results_fail(self):
        self.tree.script("bin/ctest", ctest(tests=0))
        self.assert_ends(1, "0 passed, 1 failed", "release")
        self.tree.script("bin/ctest", "")
        self.assert_ends(1, "0 passed, 1 failed", "release")

    def test_a_bad_exit_code_fails_whatever_the_numbers_say(self):
        self.tree.script("bin/ctest", ctest(code=1))
        self.assert_ends(1, "3 passed, 1 failed", "release")

    def test_a_build_that_fails_is_a_failure(self):
        self.tree.script("bin/cmake", "import sys\nprint('error: no')\nsys.exit('--build' in sys.argv)\n")
        self.assert_ends(1, "0 passed, 1 failed", "release")

    def test_wrong_calls_end_with_usage_and_2(self):
        for script, arguments in (("test", ["--bogus"]), ("test", ["--jobs"]), ("test", ["--jobs", "0"]),
                                  ("test", ["--jobs", "2x"]), ("test", ["everything"])):
            code, output = self.tree.run([f"ci/{script}", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn(f"usage: ci/{script}", output)


class SetupScript(unittest.TestCase):
    """Runs the real ci/setup with fake package tools."""

    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        source = pathlib.Path(__file__).resolve().parents[2] / "ci" / "setup"
        (self.tree.root / "ci" / "setup").write_bytes(source.read_bytes())
        self.installed("'installed ' + name")

    def installed(self, expression):
        """Fakes dpkg-query: prints `expression` for each package name that it is asked for."""
        self.tree.script("bin/dpkg-query", f"import sys\nfor name in sys.argv[3:]:\n    print({expression})\n")

    def test_does_nothing_when_nothing_is_missing(self):
        self.tree.script("bin/apt-get", "import sys\nsys.exit('called')\n")
        code, output = self.tree.run(["ci/setup", "--bench"])
        self.assertEqual((code, output), (0, "ci/setup: nothing is missing\n"))

    def test_names_what_is_missing(self):
        self.installed("('not-installed ' if name == 'valgrind' else 'installed ') + name")
        code, output = self.tree.run(["ci/setup", "--check"])
        self.assertEqual((code, output), (1, "ci/setup: missing: valgrind\n"))

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["--bogus"], ["valgrind"]):
            code, output = self.tree.run(["ci/setup", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/setup", output)


if __name__ == "__main__":
    unittest.main()
