"""The checker is built alone, outside of the tree, and its example is checked; a tie to the allocator breaks that build."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CMAKE = COMPILER = None


class Alone(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="checker-alone-")
        cls.addClassCleanup(folder.cleanup)
        cls.source, cls.build = pathlib.Path(folder.name, "source"), pathlib.Path(folder.name, "build")
        shutil.copytree(ROOT / "checker", cls.source)
        cls.configured = cls.cmake("-S", cls.source, "-B", cls.build, "-G", "Ninja", f"-DCMAKE_CXX_COMPILER={COMPILER}",
                                   "-DCMAKE_CXX_FLAGS=-Werror")
        cls.built = cls.make("mailbox-check")

    @staticmethod
    def cmake(*words):
        done = subprocess.run([CMAKE, *words], text=True, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    @classmethod
    def make(cls, target):
        return cls.cmake("--build", cls.build, "--parallel", "2", "--target", target)

    def setUp(self):
        for code, output in (self.configured, self.built):
            self.assertEqual(code, 0, output[-4000:])

    def run_example(self, *words):
        done = subprocess.run([self.build / "example/mailbox-check", *words], text=True, capture_output=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def edit(self, name, old, new):
        """Changes a file of the copy until the test ends."""
        path = self.source / name
        text = path.read_text(encoding="utf-8")
        self.assertEqual(text.count(old), 1, old)
        path.write_text(text.replace(old, new), encoding="utf-8")
        self.addCleanup(path.write_text, text, encoding="utf-8")

    def test_example_holds_and_its_variants_are_caught(self):
        code, output = self.run_example("run")
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"pass  mailbox/letters +graph\+1 +COMPLETE")
        self.assertRegex(output, r"pass  mailbox/letters~put_does_not_release +graph\+1 +CAUGHT .*DATA RACE")
        self.assertIn("VERDICT: PASSED: all 4 hold", output)

    def test_its_names_are_the_users(self):
        self.assertIn("Model checks a mailbox.", self.run_example("--help")[1])
        self.assertIn("mailbox-check list names them", self.run_example("run", "nothing")[1])
        self.assertRegex(self.run_example("sites")[1], r"^example/mailbox\.hpp:\d+ put compare_exchange acquire/relaxed")
        self.assertNotIn("--program", self.run_example("run", "--help")[1])

    def test_litmus_tests_show_what_the_checker_sees(self):
        code, output = self.run_example("litmus")
        self.assertEqual(code, 0, output[-2000:])
        self.assertIn("VERDICT: PASSED", output)

    def test_audit_knows_who_notices(self):
        code, output = self.run_example("audit", "--ledger", "", "--cache", "")
        self.assertEqual(code, 1, output)  # a survivor is to be explained by who owns the structure
        self.assertRegex(output, r"\b4 sites, 0 operations unreached; \d+ mutants: \d+ killed")

    def test_broken_header_gives_a_counterexample(self):
        self.addCleanup(self.make, "mailbox-check")  # once the header is what it was
        self.edit("example/mailbox.hpp", "state_.store(kFull, std::memory_order_release)",
                  "state_.store(kFull, std::memory_order_relaxed)")
        code, output = self.make("mailbox-check")
        self.assertEqual(code, 0, output)
        code, output = self.run_example("run", "mailbox/letters", "--exact")
        self.assertEqual(code, 1, output)
        self.assertRegex(output, r"FAIL  mailbox/letters .*DATA RACE")
        self.assertRegex(output, r"atomic store, value=2.*order=relaxed, in put, example/mailbox\.hpp\(\d+\)")
        token = re.search(r"replay: mailbox-check replay '([^']+)'", output)[1]
        code, output = self.run_example("replay", token)
        self.assertEqual(code, 1)
        self.assertIn("but the write does not release", output)

    def test_tie_to_the_allocator_is_reported(self):
        for name, include in (("core/subject.cpp", "sync/std_sync.hpp"), ("engine/relacy/mutex.cpp", "model/check.hpp")):
            path = self.source / name
            self.edit(name, path.read_text(encoding="utf-8"), f'#include "{include}"\n' + path.read_text(encoding="utf-8"))
            code, output = self.make("check_engine")
            self.assertNotEqual(code, 0)
            self.assertIn(f"{include}: No such file", output)


if __name__ == "__main__":
    CMAKE, COMPILER = sys.argv.pop(1), sys.argv.pop(1)
    unittest.main()
