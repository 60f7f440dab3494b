"""ci/update: what makes a page owed and what does not, what it writes, and what it says when it cannot."""
import contextlib
import io
import pathlib
import shutil
import sys
import signal
import tempfile
import time
import unittest

from fake_tree import FakeTree
from hakmem_ci.jobs.update import cli
from hakmem_ci.pages import inputs, renewal, stamps
from hakmem_ci.pages.catalogue import BY_NAME, PAGES

SOURCE = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("src", "checker", "model", "bench", "ci", "docs/reports", "docs/reference", "tests/conformance", "tests/reference")
WORD = "src/lockfree/remote_word.hpp"


class Check(unittest.TestCase):
    """Over a copy of the tree in which nothing is owed."""

    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory(prefix="hakmem-update-")
        cls.root = pathlib.Path(cls.folder.name)
        for folder in FOLDERS:
            shutil.copytree(SOURCE / folder, cls.root / folder, ignore=shutil.ignore_patterns("__pycache__"))
        for page in PAGES:
            stamps.record(cls.root, page.name)

    @classmethod
    def tearDownClass(cls):
        cls.folder.cleanup()

    def check(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = cli.main(self.root, ["--check"])
        return code, output.getvalue()

    def owed_after(self, name, old, new):
        """The pages owed after a change of one file, and what is said; the file is put back."""
        path = self.root / name
        before = path.read_text(encoding="utf-8")
        self.assertIn(old, before, name)
        path.write_text(before.replace(old, new, 1), encoding="utf-8")
        try:
            code, output = self.check()
        finally:
            path.write_text(before, encoding="utf-8")
        lines = output.splitlines()
        self.assertEqual(code, 1 if lines else 0, output)
        return {line.rpartition("; write it by: ci/update ")[2] for line in lines}, output

    def test_nothing_is_owed_for_an_unchanged_tree(self):
        self.assertEqual(self.check(), (0, ""))

    def test_comment_blank_line_and_include_make_nothing_owed(self):
        for name in (WORD, "src/heap/heap.hpp", "model/scenarios/remote_word.cpp", "bench/larson.cpp"):
            for text in ("// A new comment, with {braces} and a \"quote.\n#include", "\n\n#include",
                         "#include <string>\n#include"):
                self.assertEqual(self.owed_after(name, "#include", text), (set(), ""), name)

    def test_function_that_is_moved_makes_nothing_owed(self):
        text = (self.root / WORD).read_text(encoding="utf-8")
        at = text.index("bool is_head")
        function = text[text.rindex("\n\n", 0, at):text.index("\n\n", at)]
        self.assertIn("word_.load", function)
        moved = text.replace(function, "", 1)
        last = moved.index("\n\n", moved.index("void reset("))
        self.assertEqual(self.owed_after(WORD, text, moved[:last] + function + moved[last:]), (set(), ""))

    def test_another_order_makes_the_ledger_owed_and_names_the_function(self):
        pages, output = self.owed_after(WORD, "word_.exchange(0, std::memory_order_acquire)",
                                        "word_.exchange(0, std::memory_order_relaxed)")
        self.assertEqual(pages, {"costs", "ledger", "mutants", "coverage"})
        self.assertIn("src/lockfree/remote_word.hpp take_all has changed", output)
        self.assertIn("write it by: ci/update ledger", output)

    def test_another_order_in_the_heap_makes_the_ledger_owed(self):
        pages, _ = self.owed_after("src/heap/slab_ops.hpp", "std::memory_order_relaxed", "std::memory_order_release")
        self.assertLessEqual({"costs", "ledger"}, pages)

    def test_plain_function_of_the_heap_is_no_input_of_the_ledger(self):
        pages, output = self.owed_after("src/heap/thread_cache.hpp", "bool keeps_large(", "bool really_keeps_large(")
        self.assertEqual(pages, {"coverage", "mutants"}, output)

    def test_another_reason_for_an_operation_makes_the_ledger_owed(self):
        pages, output = self.owed_after("src/lockfree/bitmap_word.hpp", "// Acquire pairs with set: the new owner",
                                        "// Acquire pairs with set, so the new owner")
        self.assertEqual(pages, {"ledger"})
        self.assertIn("the comment of take fetch_and in src/lockfree/bitmap_word.hpp has changed", output)

    def test_each_page_is_owed_when_its_own_inputs_change(self):
        for name, old, new, page in (
                ("src/heap/slab_ops.survivors.json", "equivalent", "beyond the model", "ledger"),
                ("checker/audit/mutant.cpp", "return operation != Operation::kStore", "return operation != Operation::kLoad", "ledger"),
                ("checker/audit/ledger.cpp", "is borne by random", "was borne by random", "ledger"),
                ("checker/audit/compiled.cpp", "another version", "a version", "ledger"),
                ("docs/reports/costs.json", '"mov"', '"xchg"', "ledger"),
                ("ci/lib/hakmem_ci/jobs/costs/words.py", "NEAR = 4", "NEAR = 5", "costs"),
                ("src/machine/aarch64.hpp", "isb", "yield", "costs"),
                ("model/scenarios/remote_word.cpp", "push_does_not_release", "push_does_not", "models"),
                ("checker/litmus/tests.cpp", "MP+rel+acq", "MP+rel+acquire", "models"),
                ("model/museum/exhibits.cpp", "No synchronisation at all", "No synchronisation", "museum"),
                ("ci/lib/hakmem_ci/jobs/controls/catalogue.py", "double-free", "double frees", "controls"),
                ("src/heap/slab_ops.mutants.json", "why", "because", "mutants"),
                ("ci/coverage-explained.json", "another thread", "a thread", "coverage"),
                ("ci/lib/hakmem_ci/jobs/bench/catalogue.py", "larson", "larsen", "benchmarks"),
                ("bench/ab/workloads.hpp", "0", "1", "baselines"),
                ("tests/conformance/known_deviations.json", "\"", "\"a", "conformance"),
                ("src/api/option_table.hpp", ".least = 16", ".least = 8", "reference"),
                ("src/api/statistic_table.hpp", "in stage 2", "at stage 2", "reference"),
                ("src/layout/geometry.hpp", "kRefillBlocks = 128", "kRefillBlocks = 64", "reference")):
            self.assertIn(page, self.owed_after(name, old, new)[0], name)

    def test_thorough_searches_and_the_inside_of_a_suite_are_no_inputs(self):
        self.assertEqual(self.owed_after("model/scenarios/bounded_cache.cpp", ".thorough({", ".thorough({bound(1), ")[0], set())
        self.assertEqual(self.owed_after("model/scenarios/bounded_cache.cpp", "there is memory", "memory is there")[0], set())

    def test_page_that_is_edited_by_hand_is_said(self):
        for name in ("controls.md", "museum/1.svg"):
            pages, output = self.owed_after(f"docs/reports/{name}", "a", "b")
            self.assertEqual(pages, {name.split("/")[0].removesuffix(".md")})
            self.assertIn("edited by hand", output)

    def test_rows_that_a_page_is_made_of_are_no_less_edited_by_hand_than_the_page(self):
        for old, new in (('"unit": 4', '"unit": 5'), ("Equivalent", "Equal")):
            pages, output = self.owed_after("docs/reports/mutants.json", old, new)
            self.assertEqual(pages, {"mutants"})
            self.assertIn("owed: docs/reports/mutants.md: is not what was written last: edited by hand", output)
        path = self.root / "docs/reports/mutants.json"
        path.rename(path.with_suffix(".away"))
        self.addCleanup(path.with_suffix(".away").rename, path)
        self.assertIn("; write it by: ci/update mutants", self.check()[1])

    def test_page_of_several_files_is_owed_when_one_of_them_is_edited_or_gone(self):
        for name in ("options.md", "statistics.md", "environment.man"):
            pages, output = self.owed_after(f"docs/reference/{name}", "a", "b")
            self.assertEqual(pages, {"reference"})
            self.assertIn("owed: docs/reference/options.md: is not what was written last: edited by hand", output)
            path = self.root / "docs/reference" / name
            path.rename(path.with_suffix(".away"))
            try:
                self.assertIn("; write it by: ci/update reference", self.check()[1])
            finally:
                path.with_suffix(".away").rename(path)

    def test_page_that_is_gone_is_said(self):
        path = self.root / "docs/reports/mutants.md"
        path.rename(path.with_suffix(".away"))
        self.addCleanup(path.with_suffix(".away").rename, path)
        self.assertIn("owed: docs/reports/mutants.md: is not there; write it by: ci/update mutants", self.check()[1])

    def test_damaged_stamps_are_one_clear_line(self):
        path = self.root / stamps.FILE
        before = path.read_text(encoding="utf-8")
        self.addCleanup(path.write_text, before, encoding="utf-8")
        for text in ("<<<<<<< HEAD\n", "[]", '{"ledger": 1}'):
            path.write_text(text, encoding="utf-8")
            code, output = self.check()
            self.assertEqual((code, len(output.splitlines())), (2, 1), output)
            self.assertIn("docs/reports/inputs.json cannot be read", output)


COSTS = """
import pathlib, sys
sys.path.insert(0, "ci/lib")
from hakmem_ci.pages import stamps
root = pathlib.Path.cwd()
root.joinpath("docs/reports/costs.json").write_text(repr(len(root.joinpath("src/heap/a.hpp").read_text())))
stamps.publish(root, "costs", "costs")
"""
LEDGER = "open('docs/reports/ledger.md', 'w').write('# The ledger\\n')\n"
AB = "import sys\nopen(sys.argv[sys.argv.index('--markdown') + 1], 'w').write('x\\n\\n| a |\\n|---|\\n| 1 |\\n')\n"
REFERENCE = """
import os, sys
assert sys.argv[1:] == ["--write", "."]
os.makedirs("docs/reference", exist_ok=True)
for name in ("options.md", "statistics.md", "environment.man"):
    open(f"docs/reference/{name}", "w").write(name)
"""
# Like the real one, says first what is run, and publishes.
MUTANTS = """
import os, pathlib, sys
sys.path.insert(0, "ci/lib")
from hakmem_ci.pages import stamps
root = pathlib.Path.cwd()
print("3 of 57 files have changed: src/heap/a.hpp" if "--changed" in sys.argv else "no more is said", flush=True)
print("src/heap/a.hpp: 7 mutants")
root.joinpath("docs/reports/mutants.json").write_text("{}")
if "FORGETS" in os.environ:
    root.joinpath("docs/reports/mutants.md").write_text("")
else:
    stamps.publish(root, "mutants", " ".join(sys.argv[1:]))
"""


class Renewal(unittest.TestCase):
    def test_ledger_audits_the_headers_that_have_changed(self):
        words, says = renewal.of_ledger({"src/heap/slab_ops.hpp carve", "src/heap/slab_ops.hpp make", "src/lockfree/inbox.hpp",
                                         "src/sync/counter.survivors.json"})
        self.assertEqual(words, ["--kept", "docs/reports/ledger.json", "--changed", "heap/slab_ops.hpp/", "lockfree/inbox.hpp/"])
        self.assertEqual(says, "of 2 headers anew, the others' verdicts stay")

    def test_ledger_keeps_all_verdicts_when_only_words_have_changed(self):
        for changed in (set(), {"src/heap/slab_ops.survivors.json"}, {"the ledger's layout row_of"}):
            self.assertEqual(renewal.of_ledger(changed), (["--kept", "docs/reports/ledger.json"], "all verdicts stay"))

    def test_ledger_is_audited_whole_when_a_suite_or_the_mutants_are_others(self):
        for changed in ({"the suite trim/discard"}, {"the audit's mutants weaker", "src/heap/slab_ops.hpp make"}):
            self.assertIsNone(renewal.of_ledger(changed))

    def test_controls_that_the_page_does_not_have_are_run_alone_unless_what_they_plant_has_changed(self):
        self.assertEqual(renewal.of_controls({renewal.CONTROLS})[0], ["--new"])
        self.assertIsNone(renewal.of_controls({renewal.CONTROLS, "ci/lib/hakmem_ci/jobs/controls/planted.cpp"}))
        self.assertTrue((SOURCE / renewal.CONTROLS).is_file())

    def test_neither_place_nor_namespace_of_the_auditor_is_an_input(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            def digests(name, text):
                (root / name).write_text(text, encoding="utf-8")
                return inputs.Functions(name, every=True, called="the auditor").digests(root)
            before = digests("a.cpp", "namespace a::b {\nint f() { return 1; }\nconstexpr int kA = 1;\n}\n")
            self.assertEqual(digests("b.cpp", "namespace c {\nint f() { return 1; }\nconstexpr int kA = 1;\n}\n"), before)
            self.assertNotEqual(digests("b.cpp", "namespace c {\nint f() { return 2; }\nconstexpr int kA = 1;\n}\n"), before)
            self.assertNotEqual(digests("b.cpp", "namespace c {\nint f() { return 1; }\nconstexpr int kA = 2;\n}\n"), before)


class Update(unittest.TestCase):
    """In a tree of fakes."""

    def setUp(self):
        self.tree = FakeTree()
        self.addCleanup(self.tree.close)
        self.tree.script("build/model/hakmem-check", LEDGER)
        self.tree.script("build/release/bench/ab", AB)
        (self.tree.root / "docs/reports").mkdir(parents=True)

    def update(self, *arguments):
        return self.tree.run(["ci/update", *arguments])

    def test_writes_what_is_owed_and_nothing_again(self):
        code, output = self.update("ledger", "baselines")
        self.assertEqual(code, 0, output)
        self.assertEqual(output.splitlines()[-1], "VERDICT: PASSED: all 2 checks hold")
        self.assertEqual(self.update("--check", "ledger", "baselines"), (0, ""))
        page = (self.tree.root / "docs/reports/baselines.md").read_text(encoding="utf-8")
        self.assertRegex(page, r"\| 1 \|\n\nMeasured on \d{4}-\d\d-\d\d")
        self.tree.script("build/model/hakmem-check", "raise SystemExit(1)")
        code, output = self.update("ledger")
        self.assertEqual(code, 0, output)
        self.assertIn("up to date", output)
        self.assertEqual(self.update("ledger", "--force")[0], 1)

    def test_ledger_is_renewed_by_what_has_changed_and_whole_when_it_is_not_what_was_written(self):
        self.tree.script("build/model/hakmem-check", LEDGER + "import sys\n"
                         "open('docs/reports/ledger.json', 'w').write('{}')\nopen('words', 'w').write(' '.join(sys.argv[4:]))\n")
        def words_of(*arguments):
            code, output = self.update("ledger", *arguments)
            self.assertEqual(code, 0, output)
            return (self.tree.root / "words").read_text(encoding="utf-8"), output
        header = self.tree.root / "src/lockfree/word.hpp"
        header.parent.mkdir(parents=True)
        header.write_text("int f() { return 1; }\n", encoding="utf-8")
        self.assertEqual(words_of()[0], "")
        header.write_text("int f() { return 2; }\n", encoding="utf-8")
        words, output = words_of()
        self.assertEqual(words, "--kept docs/reports/ledger.json --changed lockfree/word.hpp/")
        self.assertIn("ledger: of 1 headers anew", output)
        self.assertEqual(words_of("--force")[0], "")
        for name in ("ledger.md", "ledger.json"):
            header.write_text(f"int f() {{ return {len(name)}; }}\n", encoding="utf-8")
            (self.tree.root / "docs/reports" / name).write_text("by hand", encoding="utf-8")
            self.assertEqual(words_of()[0], "", name)

    def test_page_that_is_made_of_another_one_is_written_behind_it(self):
        self.tree.script("ci/costs", COSTS)
        for program, _ in BY_NAME["costs"].programs:
            self.tree.script(f"bin/{program}", "")
        header = self.tree.root / "src/heap/a.hpp"
        header.parent.mkdir(parents=True)
        header.write_text("void f() { a.store(1, std::memory_order_relaxed); }\n", encoding="utf-8")
        self.assertEqual(self.update("costs", "ledger")[0], 0)
        header.write_text("void f() { a.exchange(1, std::memory_order_relaxed); }\n", encoding="utf-8")
        stamps.record(self.tree.root, "ledger")
        self.assertEqual(self.update("--check", "ledger"), (0, ""))
        code, output = self.update("costs", "ledger")
        self.assertEqual(code, 0, output)
        self.assertIn("\nledger: docs/reports/costs.json has changed\n", output)
        self.assertEqual(self.update("--check", "costs", "ledger"), (0, ""))

    def test_page_of_several_files_is_written_by_its_program(self):
        self.tree.script("build/release/tests/reference", REFERENCE)
        code, output = self.update("reference")
        self.assertEqual(code, 0, output)
        self.assertEqual(self.update("--check", "reference"), (0, ""))
        (self.tree.root / "docs/reference/statistics.md").write_text("changed\n", encoding="utf-8")
        self.assertIn("owed: docs/reference/options.md", self.update("--check", "reference")[1])

    def test_page_with_rows_of_its_own_is_renewed_where_it_has_changed_and_says_so(self):
        self.tree.script("ci/mutants", MUTANTS)
        page, header = self.tree.root / "docs/reports/mutants.md", self.tree.root / "src/heap/a.hpp"
        header.parent.mkdir(parents=True)

        def words_of(text, *arguments):
            header.write_text(text, encoding="utf-8")
            code, output = self.update("mutants", "--jobs", "2", *arguments)
            self.assertEqual(code, 0, output)
            self.assertNotIn("7 mutants", output)
            return page.read_text(encoding="utf-8"), output

        self.assertEqual(words_of("int f();\n")[0], "--jobs 2", "there is no page yet")
        words, output = words_of("int g();\n")
        self.assertEqual(words, "--jobs 2 --changed")
        self.assertIn("\nmutants: 3 of 57 files have changed: src/heap/a.hpp\n", output)
        self.assertEqual(self.update("--check", "mutants"), (0, ""))
        words, output = words_of("int g();\n", "--force")
        self.assertEqual(words, "--jobs 2")
        self.assertNotIn("no more is said", output)
        page.write_text("by hand", encoding="utf-8")
        self.assertEqual(words_of("int h();\n")[0], "--jobs 2")

    def test_what_such_a_page_was_made_from_is_noted_by_its_command_alone(self):
        self.tree.script("ci/mutants", MUTANTS)
        code, output = self.tree.run(["ci/update", "mutants"], {"FORGETS": "1"})
        self.assertEqual(code, 0, output)
        self.assertIn("owed: docs/reports/mutants.md: nobody has noted", self.update("--check", "mutants")[1])

    def test_command_that_finds_a_fault_is_a_failure_and_the_page_stays_owed(self):
        self.tree.script("build/model/hakmem-check", "raise SystemExit(1)")
        code, output = self.update("ledger", "baselines")
        self.assertEqual(code, 1, output)
        self.assertIn("VERDICT: FAILED", output.splitlines()[-1])
        self.assertIn("owed: docs/reports/ledger.md", self.update("--check")[1])
        self.assertNotIn("baselines", self.update("--check", "baselines")[1])

    def test_build_that_fails_writes_nothing(self):
        self.tree.script("bin/cmake", "import sys\nsys.exit('--build' in sys.argv)\n")
        code, output = self.update("ledger")
        self.assertEqual(code, 1, output)
        self.assertFalse((self.tree.root / "docs/reports/ledger.md").exists())

    def test_command_that_is_incomplete_or_missing_is_no_failure(self):
        for script in ("raise SystemExit(3)", None):
            if script is None:
                self.tree.remove("build/model/hakmem-check")
            else:
                self.tree.script("build/model/hakmem-check", script)
            code, output = self.update("ledger")
            self.assertEqual(code, 3, output)
            self.assertIn("VERDICT: INCOMPLETE", output.splitlines()[-1])
            self.assertIn("goes on with: ci/update ledger", output)

    def test_interrupted_update_is_incomplete_and_leaves_nothing_running(self):
        self.tree.script("build/model/hakmem-check", "import time\nprint('begun', flush=True)\ntime.sleep(300)\n")
        child = self.tree.start(["ci/update", "ledger"])
        log = self.tree.root / "build/update/ledger-1.log"
        while child.poll() is None and not (log.is_file() and "begun" in log.read_text(encoding="utf-8")):
            time.sleep(0.1)
        child.send_signal(signal.SIGINT)
        output, _ = child.communicate()
        self.assertEqual(child.returncode, 3, output)
        self.assertIn("goes on with: ci/update ledger", output)
        self.assertFalse((self.tree.root / "docs/reports/ledger.md").exists())

    def test_program_without_a_table_makes_no_page(self):
        self.tree.script("build/release/bench/ab", AB.replace("|", ""))
        code, output = self.update("baselines")
        self.assertEqual(code, 1, output)
        self.assertFalse((self.tree.root / "docs/reports/baselines.md").exists())

    def test_missing_tool_is_named_with_the_command_that_installs_it(self):
        few = self.tree.root / "few"
        few.mkdir()
        for name in ("bash", "dirname", "env"):
            (few / name).symlink_to(shutil.which(name))
        (few / "python3").symlink_to(sys.executable)
        code, output = self.tree.run(["ci/update", "coverage"], {"PATH": str(few)})
        self.assertEqual(code, 3, output)
        self.assertIn("gcovr is not installed; install it by: ci/setup --nightly", output)

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["nothing"], ["--bogus"], ["--check", "--force"], ["--jobs", "0"]):
            code, output = self.update(*arguments)
            self.assertEqual(code, 2, output)
            self.assertIn("usage: ci/update", output)


if __name__ == "__main__":
    unittest.main()
