"""ci/test and ci/setup against fake programs: what fails, is skipped or is missing is never counted as passed."""
import json
import os
import pathlib
import unittest

from fake_tree import FakeTree

LINES = {
    "pass": "{at}/{count} Test #{at}: Holds{at} ..........................   Passed    0.01 sec",
    "fail": "{at}/{count} Test #{at}: Fails{at} ..........................***Failed    0.02 sec",
    "no report": "{at}/{count} Test #{at}: Escapes{at} .....***Failed  Required regular expression not found. Regex=[a race]  0.30 sec",
    "crash": "{at}/{count} Test #{at}: Crashes{at} ........................***Exception: SegFault  0.20 sec",
    "timeout": "{at}/{count} Test #{at}: Hangs{at} ..........................***Timeout  10.01 sec",
    "skipped": "{at}/{count} Test #{at}: Skips{at} ..........................***Skipped   0.00 sec",
    "disabled": "{at}/{count} Test #{at}: Off{at} ............................***Not Run (Disabled)   0.00 sec",
}


def ctest(*endings, code=0, count=None):
    """A script like ctest that tells of tests with these endings."""
    lines = [LINES[ending].format(at=at, count=count or len(endings)) for at, ending in enumerate(endings, 1)]
    return f"import sys\nprint({chr(10).join(lines)!r})\nsys.exit({code})\n"


class TestScript(unittest.TestCase):
    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        self.tree.script("bin/ctest", ctest("pass", "pass", "pass"))

    def assert_ends(self, code, last_line, *arguments):
        actual, output = self.tree.run(["ci/test", *arguments])
        self.assertEqual(actual, code, output)
        self.assertEqual(output.splitlines()[-1], last_line, output)
        return output

    def test_sums_up_every_preset(self):
        self.assert_ends(0, "18 passed, 0 failed")
        self.assert_ends(0, "6 passed, 0 failed", "release", "model", "--jobs", "1")

    def test_writes_a_row_for_each_test(self):
        self.assert_ends(0, "3 passed, 0 failed", "release", "--json", "copy.json")
        rows = json.loads((self.tree.root / "copy.json").read_text(encoding="utf-8"))["results"]
        self.assertEqual([row["check"] for row in rows if row["part"] == "release"], ["Holds1", "Holds2", "Holds3"])
        self.assertIn('name="Holds2"', (self.tree.root / "build/test/report.xml").read_text(encoding="utf-8"))

    def test_counts_failures_and_crashes(self):
        for bad in ("fail", "crash", "no report"):
            self.tree.script("bin/ctest", ctest("pass", bad, "pass", code=8))
            self.assert_ends(1, "2 passed, 1 failed", "release")

    def test_what_was_cut_off_or_left_out_shows_nothing(self):
        for bad in ("timeout", "skipped", "disabled"):
            self.tree.script("bin/ctest", ctest("pass", bad, code=8))
            output = self.assert_ends(3, "1 passed, 0 failed, 1 skipped", "release")
            self.assertIn("goes on with: ctest --preset release -R", output)

    def test_no_test_shows_nothing(self):
        self.tree.script("bin/ctest", "")
        self.assert_ends(3, "0 passed, 0 failed, 1 skipped", "release")

    def test_a_test_that_ctest_does_not_tell_of_is_missed(self):
        self.tree.script("bin/ctest", ctest("pass", count=2))
        self.assert_ends(3, "1 passed, 0 failed, 1 skipped", "release")

    def test_a_bad_exit_code_fails_whatever_the_lines_say(self):
        self.tree.script("bin/ctest", ctest("pass", code=1))
        self.assert_ends(1, "1 passed, 1 failed", "release")

    def test_a_build_that_fails_is_told_from_one_that_cannot_be_done(self):
        for text, code, line in (("x.cpp:1:2: error: no", 1, "0 passed, 1 failed"),
                                 ("no such generator", 3, "0 passed, 0 failed, 1 skipped")):
            self.tree.script("bin/cmake", f"import sys\nprint({text!r})\nsys.exit('--build' in sys.argv)\n")
            self.assert_ends(code, line, "release")

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

    def installed(self, expression, architecture="'all'"):
        """Fakes dpkg-query: prints `expression` and `architecture` for each package
        name that it is asked for."""
        self.tree.script("bin/dpkg-query", f"import sys\nfor name in sys.argv[3:]:\n    print({expression}, {architecture})\n")

    def test_does_nothing_when_nothing_is_missing(self):
        self.tree.script("bin/apt-get", "import sys\nsys.exit('called')\n")
        code, output = self.tree.run(["ci/setup", "--bench"])
        self.assertEqual((code, output), (0, "ci/setup: nothing is missing\n"))

    def test_tells_packages_of_another_architecture_apart(self):
        self.tree.script("bin/dpkg", "print('amd64')\n")
        self.installed("'installed ' + name.partition(':')[0]", "'amd64'")
        code, output = self.tree.run(["ci/setup", "--cross", "--check"])
        self.assertEqual((code, output), (1, "ci/setup: missing: libgtest-dev:arm64 librapidcheck-dev:arm64 libfmt-dev:arm64\n"))
        self.installed("'installed ' + name.partition(':')[0]", "name.partition(':')[2] or 'amd64'")
        code, output = self.tree.run(["ci/setup", "--cross", "--check"])
        self.assertEqual((code, output), (0, "ci/setup: nothing is missing\n"))

    def test_names_what_is_missing(self):
        self.installed("('not-installed ' if name == 'valgrind' else 'installed ') + name")
        code, output = self.tree.run(["ci/setup", "--check"])
        self.assertEqual((code, output), (1, "ci/setup: missing: valgrind\n"))

    @unittest.skipUnless(os.geteuid() == 0, "installs as root alone")
    def test_takes_the_name_that_the_system_offers(self):
        self.installed("('not-installed ' if 'testsuite' in name or name == 'nodejs' else 'installed ') + name")
        self.tree.script("bin/apt-get", "import sys\nif 'install' in sys.argv: open('installed', 'w').write(' '.join(sys.argv))\n")
        self.tree.script("bin/apt-cache", "import sys\nname = sys.argv[2]\n"
                                          "print(f\"{name}:\\n  Candidate: {'1' if '3.12' in name else '(none)'}\", flush=True)\n"
                                          "for line in range(20000): print('     an older version, and where it is')\n")
        code, output = self.tree.run(["ci/setup"])
        self.assertEqual(code, 0, output)
        self.assertIn("does not offer nodejs: what needs them will be INCOMPLETE", output.splitlines()[-1])
        installed = (self.tree.root / "installed").read_text(encoding="utf-8")
        self.assertTrue(installed.endswith("--no-install-recommends libpython3.12-testsuite"), installed)

    @unittest.skipUnless(os.geteuid() == 0, "installs as root alone")
    def test_what_the_build_needs_and_nobody_offers_is_an_error(self):
        self.installed("('not-installed ' if name == 'relacy-dev' else 'installed ') + name")
        self.tree.script("bin/apt-get", "")
        self.tree.script("bin/apt-cache", "")
        code, output = self.tree.run(["ci/setup"])
        self.assertEqual(code, 1, output)
        self.assertIn("this system does not offer relacy-dev", output.splitlines()[-1])

    def test_lists_what_it_would_install_where_there_is_no_apt(self):
        (self.tree.root / "bin/bash").symlink_to("/bin/bash")
        code, output = self.tree.run(["ci/setup", "--list"], {"PATH": str(self.tree.root / "bin")})
        self.assertEqual(code, 0, output)
        self.assertIn("  relacy-dev\n", output)
        self.assertIn("libpython3.13-testsuite or libpython3.12-testsuite", output)

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["--bogus"], ["valgrind"]):
            code, output = self.tree.run(["ci/setup", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/setup", output)


class CrossRootScript(unittest.TestCase):
    """Runs the real ci/cross-root with fake package tools."""

    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        source = pathlib.Path(__file__).resolve().parents[2] / "ci" / "cross-root"
        script = self.tree.root / "ci" / "cross-root"
        script.write_bytes(source.read_bytes())
        script.chmod(0o755)
        self.tree.script("bin/dpkg", "print('arm64')\n")

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["--bogus"], ["sparc"], ["--folder"]):
            code, output = self.tree.run(["ci/cross-root", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/cross-root", output)

    def test_says_what_is_missing_and_what_to_do(self):
        code, output = self.tree.run(["ci/cross-root", "--check"])
        self.assertEqual((code, output), (1, "ci/cross-root: build/cross-root/arm64 is not there; run ci/cross-root arm64\n"))
        code, output = self.tree.run(["ci/cross-root", "riscv64"])
        self.assertEqual((code, output), (1, "ci/cross-root: apt does not know riscv64; run ci/setup --cross\n"))
        self.tree.script("bin/apt-get", "import sys\nsys.exit('E: no network')\n")
        code, output = self.tree.run(["ci/cross-root"])
        self.assertEqual(code, 1, output)
        self.assertIn("E: no network", output)
        self.assertFalse((self.tree.root / "build/cross-root/arm64").exists())

    def test_folder_that_was_interrupted_is_not_complete(self):
        folder = self.tree.root / "build/cross-root/arm64"
        folder.mkdir(parents=True)
        self.assertEqual(self.tree.run(["ci/cross-root", "--check"])[0], 1)
        (folder / ".unpacked").touch()
        self.assertEqual(self.tree.run(["ci/cross-root"]), (0, "ci/cross-root: build/cross-root/arm64 is there\n"))


class CleanRootScript(unittest.TestCase):
    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        self.tree.run(["git", "init", "-q"])
        self.tree.run(["git", "-c", "user.name=a", "-c", "user.email=b", "commit", "-q", "--allow-empty", "-m", "c"])

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["sarge"], ["--keep"], ["--bogus"], ["trixie", "--"]):
            code, output = self.tree.run(["ci/clean-root", *arguments])
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/clean-root", output)

    def test_a_root_that_cannot_be_made_is_incomplete_and_leaves_nothing(self):
        self.tree.script("bin/debootstrap", "import sys\nprint('E: no such mirror')\nsys.exit(1)\n")
        (self.tree.root / "tmp").mkdir()
        code, output = self.tree.run(["ci/clean-root", "bookworm"], {"TMPDIR": str(self.tree.root / "tmp")})
        self.assertEqual(code, 3, output)
        self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])
        self.assertIn("no such mirror" if os.geteuid() == 0 else "needs root", output)
        self.assertEqual(list((self.tree.root / "tmp").iterdir()), [])


if __name__ == "__main__":
    unittest.main()
