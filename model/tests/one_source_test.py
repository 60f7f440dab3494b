"""one_source.py accepts the model as it is and reports each way of drifting from what ships."""
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]


class OneSource(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for part in ("src", "checker", "model"):
            shutil.copytree(ROOT / part, self.root / part)

    def check(self):
        done = subprocess.run([sys.executable, "-B", HERE / "one_source.py", self.root], text=True,
                              capture_output=True, check=False)
        return done.returncode, done.stdout

    def plant(self, name, text):
        with open(self.root / "model" / name, "a", encoding="utf-8") as file:
            file.write(text)

    def assert_reported(self, text):
        code, output = self.check()
        self.assertEqual(code, 1, output)
        self.assertIn(text, output)

    def test_model_as_it_is_holds(self):
        code, output = self.check()
        self.assertEqual(code, 0, output)

    def test_a_copy_of_a_shipping_type_is_reported(self):
        self.plant("scenarios/toy.hpp", "template <class Sync> class SlotWord {\n};\n")
        self.assert_reported("defines SlotWord, which src/lockfree/slot_word.hpp defines")

    def test_a_copied_header_is_reported(self):
        shutil.copy(self.root / "src/lockfree/inbox.hpp", self.root / "model/scenarios/inbox.hpp")
        self.assert_reported("defines Inbox, which src/lockfree/inbox.hpp defines")

    def test_an_include_from_elsewhere_is_reported(self):
        self.plant("scenarios/remote_word.cpp", '#include "tests/support/other.hpp"\n')
        self.assert_reported('"tests/support/other.hpp" is no header of src/, model/ or check/')
        (self.root / "tests/support").mkdir(parents=True)
        (self.root / "tests/support/other.hpp").write_text("")
        self.assert_reported('"tests/support/other.hpp" is neither of src/ nor of model/ nor of check/')

    def test_the_inside_of_the_checker_is_for_tests_alone(self):
        self.plant("tests/engine_test.cpp", '#include "engine/relacy/visibility.hpp"\n')
        self.assertEqual(self.check()[0], 0)
        self.plant("museum/museum.cpp", '#include "engine/relacy/visibility.hpp"\n')
        self.assert_reported('"engine/relacy/visibility.hpp" is no header of src/, model/ or check/')
        self.plant("museum/museum.cpp", '#include "checker/engine/relacy/visibility.hpp"\n')
        self.assert_reported('"checker/engine/relacy/visibility.hpp" is no header of src/, model/ or check/')

    def test_a_scenario_with_atomics_of_its_own_is_reported(self):
        self.plant("scenarios/slot_word.cpp", "std::atomic<int> own;\n")
        self.assert_reported("a scenario uses std::atomic and not the policy's atomics")

    def test_a_header_without_a_scenario_is_reported(self):
        (self.root / "src/lockfree/new_word.hpp").write_text("#pragma once\n")
        self.assert_reported("src/lockfree/new_word.hpp: no scenario includes it")

    def test_wrong_call_is_refused(self):
        done = subprocess.run([sys.executable, "-B", HERE / "one_source.py", self.root / "src"], text=True,
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)


if __name__ == "__main__":
    unittest.main()
