"""no_ties.py accepts the checker as it is and reports each way of knowing the allocator."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class NoTies(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for part in ("src", "checker", "model"):
            shutil.copytree(ROOT / part, self.root / part)

    def check(self):
        done = subprocess.run([sys.executable, "-B", HERE / "no_ties.py", self.root], text=True, capture_output=True,
                              check=False)
        return done.returncode, done.stdout

    def assert_reported(self, name, line, words):
        path = self.root / "checker" / name
        before = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(before + line + "\n", encoding="utf-8")
        code, output = self.check()
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)
        path.write_text(before, encoding="utf-8")

    def test_checker_as_it_is_holds(self):
        code, output = self.check()
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"^\d{3} files, 0 ties")

    def test_includes_are_reported(self):
        for line, words in (('#include "lockfree/remote_word.hpp"', '"lockfree/remote_word.hpp" is no header of checker/'),
                            ('#include "model/check.hpp"', '"model/check.hpp" is no header of checker/'),
                            ('#include "../../src/sync/std_sync.hpp"', "is no header of checker/"),
                            ("#include <sync/std_sync.hpp>", "<sync/std_sync.hpp> is a header of the allocator")):
            self.assert_reported("core/sites.hpp", line, words)

    def test_words_are_reported(self):
        for line, word in (("namespace hakmem {}", "hakmem"), ("option(HAKMEM_CHECKER)", "HAKMEM"), ("// a Slab", "Slab"),
                           ("// as RemoteWord does", "RemoteWord"), ("// remote_word", "remote_word"), ("// ToyBlocks", "ToyBlocks"),
                           ("// whole_heap", "whole_heap"), ("// a toy heap", "heap"), ("// see model/scenarios", "model/"),
                           ('"src/lockfree/inbox.hpp"', "src/lockfree/"), ("# docs/models.md", "docs/")):
            for name in ("cli/main.cpp", "CMakeLists.txt", "new.md"):
                self.assert_reported(name, line, f"says '{word}'")

    def test_a_copied_file_is_reported(self):
        self.assert_reported("core/remote_word.hpp", "", "core/remote_word.hpp: is called 'remote_word'")

    def test_the_checker_may_say_its_own_words(self):
        (self.root / "src/heap/other.hpp").write_text("struct SimulatedMemory {};\n", encoding="utf-8")
        self.assertEqual(self.check()[0], 0)

    def test_wrong_call_is_refused(self):
        done = subprocess.run([sys.executable, "-B", HERE / "no_ties.py", self.root / "src"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
