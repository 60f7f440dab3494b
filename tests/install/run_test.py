"""hakmem-run in an installed tree. Usage: run_test.py BUILD CMAKE COMPILER TEST..."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

from installed import Tree

BUILD, CMAKE, _ = sys.argv[1:4]
del sys.argv[1:4]
# Which of hakmem's libraries are mapped, in the order of LD_PRELOAD.
MAPPED = r"""sed -n 's|.*/\(libhakmem[a-z_]*\)\.so.*|\1|p' /proc/self/maps | uniq"""
CLEAN = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD" and not name.startswith("HAKMEM_")}


class HakmemRunPutsItInThePlaceOfMalloc(unittest.TestCase):
    def setUp(self):
        self.tree = Tree(self, CMAKE, BUILD)
        self.script = self.tree.prefix / "bin/hakmem-run"

    def call(self, *words, script=None, **environment):
        return subprocess.run([str(script or self.script), *map(str, words)], text=True, capture_output=True, check=False,
                              env={**CLEAN, **environment})

    def assert_wrong(self, done, code, says):
        """It ended with this code and one line of its own."""
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertRegex(done.stderr, rf"\Ahakmem-run: [^\n]*{says}[^\n]*\n\Z")
        self.assertEqual(done.stdout, "")

    def test_with_either_library(self):
        for options, library in ([], "libhakmem"), (["--hardened"], "libhakmem_hardened"):
            done = self.call(*options, "sh", "-c", MAPPED)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, library + "\n", ""))

    def test_a_program_without_it_would_be_noticed(self):
        done = subprocess.run(["sh", "-c", MAPPED], text=True, capture_output=True, check=True, env=CLEAN)
        self.assertEqual(done.stdout, "")

    def test_through_a_link_from_another_folder_and_through_the_path(self):
        link = self.tree.work / "link"
        link.symlink_to(self.script)
        self.assertEqual(self.call("sh", "-c", MAPPED, script=link).stdout, "libhakmem\n")
        done = subprocess.run(["hakmem-run", "sh", "-c", MAPPED], text=True, capture_output=True, check=True,
                              env={**CLEAN, "PATH": f"{self.script.parent}:{CLEAN['PATH']}"})
        self.assertEqual(done.stdout, "libhakmem\n")

    def test_from_the_build(self):
        done = self.call("--hardened", "sh", "-c", MAPPED, script=pathlib.Path(BUILD) / "hakmem-run")
        self.assertEqual(done.stdout, "libhakmem_hardened\n")

    def test_statistics_go_to_standard_error(self):
        self.assertEqual(self.call("true").stderr, "")
        for option in "--stats", "--stats=text":
            done = self.call(option, "echo", "told")
            self.assertEqual(done.stdout, "told\n")
            self.assertIn("acquired", done.stderr)
        done = self.call("--stats=json", "true")
        self.assertIsInstance(json.loads(done.stderr), dict)

    def test_the_exit_code_is_the_programs(self):
        for code in 0, 1, 2, 77, 255:
            self.assertEqual(self.call("sh", "-c", f"exit {code}").returncode, code)
        self.assertEqual(self.call("sh", "-c", "kill -TERM $$").returncode, -15)

    def test_arguments_arrive_as_they_are(self):
        words = ["two words", "", "--hardened", "--", "*", "a\nb", "$HOME", "'"]
        for before in [], ["--"], ["--stats=text", "--"]:
            done = self.call(*before, "printf", "<%s>", *words)
            self.assertEqual(done.stdout, "".join(f"<{word}>" for word in words))

    def test_what_is_preloaded_already_follows(self):
        first = self.tree.libraries / "libhakmem_hardened.so"
        done = self.call("sh", "-c", 'echo "$LD_PRELOAD"', LD_PRELOAD=str(first))
        self.assertRegex(done.stdout, rf"\A[^:]*/libhakmem\.so\.\d+:{re.escape(str(first))}\n\Z")

    def test_nothing_else_changes(self):
        before = subprocess.run(["env", "-0"], capture_output=True, text=True, check=True, env=CLEAN).stdout.split("\0")
        after = self.call("env", "-0").stdout.split("\0")
        named = re.compile(r"LD_PRELOAD=|_=|PWD=|OLDPWD=|SHLVL=")  # the last four are those of a shell
        self.assertEqual(sorted(one for one in before if not named.match(one)),
                         sorted(one for one in after if not named.match(one)))

    def test_wrong_calls(self):
        for words, says in (([], "no program"), (["--"], "no program"), (["--stats"], "no program"), ([""], "is empty"),
                            (["--hardenend", "true"], "unknown option '--hardenend'"), (["-x", "true"], "unknown option '-x'"),
                            (["--stats=xml", "true"], "text or json, not 'xml'")):
            with self.subTest(words=words):
                self.assert_wrong(self.call(*words), 2, says)

    def test_programs_that_cannot_be_run(self):
        self.assertEqual(self.call("./no-such-program").returncode, 127)
        self.assertEqual(self.call("no-such-program").returncode, 127)
        plain = self.tree.work / "plain"
        plain.write_text("no program")
        self.assertEqual(self.call(plain).returncode, 126)

    def test_a_missing_library(self):
        for path in self.tree.libraries.glob("libhakmem_hardened.so*"):
            path.unlink()
        self.assert_wrong(self.call("--hardened", "true"), 127, "no library '.*/libhakmem_hardened")
        self.assertEqual(self.call("true").returncode, 0)
        alone = self.tree.work / "hakmem-run"
        shutil.copy(self.script, alone)
        self.assert_wrong(self.call("true", script=alone), 127, "no library")

    def test_a_place_that_the_loader_cannot_take(self):
        for name in "two words", "a:b":
            tree = Tree(self, CMAKE, BUILD, name)
            self.assert_wrong(self.call("true", script=tree.prefix / "bin/hakmem-run"), 126, "cannot name")

    def test_the_help_says_who_ignores_it(self):
        for option in "--help", "-h":
            done = self.call(option)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("usage: hakmem-run", done.stdout)
            self.assertIn("set-user-id", done.stdout)
            self.assertIn("statically", done.stdout)


if __name__ == "__main__":
    unittest.main()
