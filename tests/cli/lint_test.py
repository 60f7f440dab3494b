"""ci/lint: each check is quiet on what is clean and reports a planted fault; what could not be done is never green."""
import pathlib
import shutil
import sys
import tempfile
import types
import unittest
import unittest.mock

from fake_tree import FakeTree
from hakmem_ci.core.process import Runner, Stop
from hakmem_ci.jobs.lint import documents, layout, python, shell, tidy
from hakmem_ci.jobs.lint.sources import Incomplete

SOURCE = pathlib.Path(__file__).resolve().parents[2]
PRESETS = '{"configurePresets": [{"name": "release"}], "buildPresets": [{"name": "release"}], ' \
          '"testPresets": [{"name": "release"}, {"name": "model"}]}'
SCRIPT = "#!/usr/bin/env bash\necho 'usage: ci/tool [--quick] [--json FILE]'\n"
PROGRAM = 'int main(int, char** words) { return words[1] == "--speed" ? 0 : 1; }\n'
PAGE = """# The page

## A [linked](other.md) `heading`, twice

[up](#the-page) [there](other.md#more-words) [out](https://example.org) `src/a.cpp` `src/*.cpp` `src/{a,b}.cpp` `HAKMEM_KNOWN`
`ci/tool --quick` `build/release/bench/ab --speed` `ctest --preset model -R Name` `build/<preset>/x` `src/no_such_*/<name>` `src/FILE.cpp` `build/release/bench/x_NAME`

    ci/tool [--quick]           what it does, --with words that are no options of it
    HAKMEM_KNOWN=1 build/release/bench/ab --speed && cmake --build --preset release --target ab   # --remark

* an item

      ci/tool --json report.json | tee text

```
hakmem: says --something of src/nowhere.cpp
```
"""
OTHER = "# Other\n\n## More words\n"


class Tree(unittest.TestCase):
    """A small project, clean until a test changes it."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-lint-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        for name, text in (("CMakePresets.json", PRESETS), ("ci/tool", SCRIPT), ("ci/broken", "#!/usr/bin/env bash\nexit 1\n"), ("docs/page.md", PAGE),
                           ("docs/other.md", OTHER), ("src/a.cpp", "int a = 0;\n"), ("src/b.cpp", "int b = 0;\n"),
                           ("bench/CMakeLists.txt", "add_executable(ab ab.cpp)\nset(ENV{HAKMEM_KNOWN} 1)\n"),
                           ("bench/ab.cpp", PROGRAM), ("ci/lib/tool.py", "import sys\n\nprint(sys.argv)\n")):
            self.write(name, text)
        for name in ("ci/tool", "ci/broken"):
            (self.root / name).chmod(0o755)
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(SOURCE / name, self.root / name)
        self.options = types.SimpleNamespace(fix=False, all=False, since=None, jobs=2,
                                             runner=Runner(self.root, self.root, Stop()))

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def faults(self, check):
        found = check(self.root, self.options)
        self.assertGreater(found.files, 0)
        return found.faults

    def tool(self, check):
        """The faults, or the test is skipped where the tool is not installed."""
        try:
            return self.faults(check)
        except Incomplete as cause:
            self.skipTest(str(cause))


class Documents(Tree):
    def test_clean_documents_have_no_faults(self):
        self.assertEqual(self.faults(documents.check), [])

    def assert_fault(self, text, words):
        """A line is added to the page; the fault names its line."""
        self.write("docs/page.md", PAGE + text + "\n")
        faults = self.faults(documents.check)
        self.assertEqual(len(faults), 1, (text, faults))
        line = next(number for number, one in enumerate((PAGE + text).splitlines(), 1)
                    if number > PAGE.count("\n") and one.strip(" `\n") and one != "```")
        self.assertTrue(faults[0].startswith(f"docs/page.md:{line}: "), faults)
        self.assertIn(words, faults[0])

    def test_dead_links_are_faults(self):
        for text, words in (("[x](nowhere.md)", "leads nowhere"), ("![x](pictures/1.svg)", "leads nowhere"),
                            ("[x](other.md#less-words)", "a heading that docs/other.md has not"),
                            ("[x](#no-heading)", "a heading that docs/page.md has not"),
                            ("[x](../../elsewhere.md)", "leads out of the project"), ("[x]: gone.md", "leads nowhere")):
            self.assert_fault(text, words)

    def test_what_commands_name_and_is_not_there_is_a_fault(self):
        for text, words in (("`ci/nothing`", "there is no ci/nothing"), ("`ci/tool --slow`", "ci/tool has no option --slow"),
                            ("`ci/broken --quick`", "ci/broken --help does not work"),
                            ("`src/c.cpp`", "there is no src/c.cpp"), ("`src/*.hpp`", "no file is called src/*.hpp"),
                            ("`src/{a,c}.cpp`", "there is no src/c.cpp"),
                            ("`HAKMEM_UNKNOWN=1`", "nothing knows the variable HAKMEM_UNKNOWN"),
                            ("`ctest --preset debug`", "no test preset debug"),
                            ("`build/debug/bench/ab`", "writes to build/debug"),
                            ("`build/release/bench/ba`", "nothing is built as ba"),
                            ("`build/release/bench/ab --sped`", "ab has no option --sped")):
            self.assert_fault(text, words)

    def test_blocks_of_code_are_read_too(self):
        for text, words in (("\n    ci/tool --slow", "no option --slow"), ("\n    ci/tool --quick && ci/gone", "no ci/gone"),
                            ("```\nX=1 cmake --preset model\n", "no configure preset model"),
                            ("\n    cmake --build --preset release --target ba", "nothing is built as ba")):
            self.assert_fault(text, words)


class Sources(Tree):
    def test_layout_is_checked_and_mended(self):
        self.assertEqual(self.tool(layout.check), [])
        self.write("src/a.cpp", "int  a=0;\n")
        self.assertIn("src/a.cpp:1: not laid out", self.faults(layout.check)[0])
        self.options.fix = True
        self.assertEqual(self.faults(layout.check), [])
        self.assertEqual((self.root / "src/a.cpp").read_text(encoding="utf-8"), "int a = 0;\n")

    def test_comments_are_not_reflowed(self):
        drawing = "/// | a | b |\n/// | 1 | " + "2" * 130 + " |\nint a = 0;\n"
        self.write("src/a.cpp", drawing)
        self.options.fix = True
        self.tool(layout.check)
        self.assertEqual((self.root / "src/a.cpp").read_text(encoding="utf-8"), drawing)

    def test_another_version_of_the_tool_is_none(self):
        with unittest.mock.patch("hakmem_ci.jobs.lint.layout.VERSION", 3):
            with self.assertRaisesRegex(Incomplete, "clang-format 3 is not installed; install it by: ci/setup"):
                layout.check(self.root, self.options)

    def test_fault_of_a_script_is_reported(self):
        self.assertEqual(self.tool(shell.check), [])
        self.write("ci/tool", "#!/usr/bin/env bash\nrm $1\n")
        self.assertIn("ci/tool:2: SC2086", self.faults(shell.check)[0])

    def test_python_that_does_not_compile_or_imports_for_nothing_is_reported(self):
        self.assertEqual(self.faults(python.check), [])
        self.write("ci/lib/tool.py", "import os\nimport sys as system\nfrom a import b as c\n\nprint(os)\n")
        self.assertEqual(self.faults(python.check), ["ci/lib/tool.py:2: imports system and does not use it",
                                                     "ci/lib/tool.py:3: imports c and does not use it"])
        self.write("ci/lib/tool.py", "def f(:\n")
        self.assertIn("ci/lib/tool.py:1: does not compile", self.faults(python.check)[0])


class Tidy(Tree):
    def test_fault_in_a_source_and_in_a_header_is_reported_and_clean_files_are_not_asked_again(self):
        self.write("src/lockfree/word.hpp", "#pragma once\ninline int the_word(int* p) { return p == nullptr ? 0 : *p; }\n")
        self.assertEqual(self.tool(tidy.check), [])
        self.assertEqual(list(self.root.glob("tidy-*.log")) != [], True)
        for log in self.root.glob("tidy-*.log"):
            log.unlink()
        self.assertEqual(self.faults(tidy.check), [])
        self.assertEqual(list(self.root.glob("tidy-*.log")), [])
        self.write("src/lockfree/word.hpp", "#pragma once\ninline int TheWord(int* p) { return p == 0 ? 0 : *p; }\n")
        faults = self.faults(tidy.check)
        self.assertTrue(any("src/lockfree/word.hpp:2: invalid case style for function 'TheWord'" in one for one in faults), faults)
        self.assertTrue(any("modernize-use-nullptr" in one for one in faults), faults)

    def test_source_that_does_not_compile_is_reported(self):
        self.write("src/a.cpp", "int a = b;\n")
        self.assertIn("src/a.cpp:1: use of undeclared identifier 'b'", self.tool(tidy.check)[0])

    def test_headers_that_clang_lacks_are_no_fault_of_the_code(self):
        self.tool(tidy.check)
        self.write("src/a.cpp", "#include <sanitizer/no_such_interface.h>\n")
        with self.assertRaisesRegex(Incomplete, r"clang has no sanitizer/no_such_interface\.h; install it by: ci/setup"):
            tidy.check(self.root, self.options)

    def test_what_clang_warns_of_is_reported(self):
        self.write("src/a.cpp", "char narrow(int x) { return x; }\n")
        self.assertIn("src/a.cpp:1: implicit conversion loses integer precision", self.tool(tidy.check)[0])

    def test_everything_needs_configured_builds(self):
        self.tool(tidy.check)
        self.options.all = True
        with self.assertRaisesRegex(Incomplete, "build/release is not configured; do that by: cmake --preset release"):
            tidy.check(self.root, self.options)

    def test_revision_that_is_none_is_said(self):
        self.tool(tidy.check)
        self.options.since = "no-such-revision"
        with self.assertRaisesRegex(Incomplete, "git knows no revision no-such-revision"):
            tidy.check(self.root, self.options)


class CommandLine(unittest.TestCase):
    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        few = self.tree.root / "few"
        few.mkdir()
        for name in ("bash", "dirname", "env"):
            (few / name).symlink_to(shutil.which(name))
        (few / "python3").symlink_to(sys.executable)
        self.few = {"PATH": str(few)}

    def lint(self, *arguments, extra=None):
        return self.tree.run(["ci/lint", *arguments], extra)

    def test_verdicts_and_their_exit_codes(self):
        code, output = self.lint("--only", "python")
        self.assertEqual((code, output.splitlines()[-1]), (0, "VERDICT: PASSED: all 1 checks hold"), output)
        (self.tree.root / "ci/lib/bad.py").write_text("import os\n", encoding="utf-8")
        code, output = self.lint("--only", "python")
        self.assertEqual(code, 1, output)
        self.assertIn("ci/lib/bad.py:1: imports os and does not use it", output)

    def test_missing_tool_is_incomplete_and_names_the_command_that_installs_it(self):
        code, output = self.lint("--only", "layout", "shell", "tidy", extra=self.few)
        self.assertEqual(code, 3, output)
        self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])
        for name in ("clang-format 19", "shellcheck", "clang-tidy 19"):
            self.assertIn(f"{name} is not installed; install it by: ci/setup", output)

    def test_nothing_to_look_at_is_not_green(self):
        code, output = self.lint("--only", "documents")
        self.assertEqual(code, 1, output)
        self.assertIn("there was nothing to look at", output)

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["--bogus"], ["--only", "nothing"], ["--jobs", "0"], ["--all", "--since", "HEAD"],
                          ["--json", "/no/such/folder/x.json"]):
            code, output = self.lint(*arguments)
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/lint", output)


if __name__ == "__main__":
    unittest.main()
