"""Negative controls of cmake/check_floors.py: every kind of violation, planted in a small tree, is reported."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "check_floors.py"


class CheckFloors(unittest.TestCase):
    def check(self, files):
        """Runs the checker on a tree of {path: text}. Returns its exit code and output."""
        with tempfile.TemporaryDirectory() as root:
            for name, text in files.items():
                path = pathlib.Path(root) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", CHECKER, root], text=True, capture_output=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def assert_reported(self, files, words):
        code, output = self.check(files)
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)

    def test_accepts_own_and_lower_floors(self):
        code, output = self.check({
            "src/sync/std_sync.hpp": "#include <atomic>\n",
            "src/lockfree/word.hpp": '#include "sync/std_sync.hpp"\n',
            "src/lockfree/list.hpp": '#include "lockfree/word.hpp"\n#include "word.hpp"\n',
            "include/hakmem/hakmem.h": "",
            "src/api/hak.cpp": '#include "hakmem/hakmem.h"\n#include "lockfree/list.hpp"\n',
        })
        self.assertEqual(code, 0, output)
        self.assertIn("4 files, 0 violations", output)

    def test_reports_an_upward_include(self):
        self.assert_reported({"src/heap/heap.hpp": "", "src/layout/map.hpp": '#include "heap/heap.hpp"\n'},
                             'src/layout/map.hpp:1: "heap/heap.hpp": floor 3 (layout) includes floor 5 (heap)')

    def test_reports_an_upward_include_in_angle_brackets(self):
        self.assert_reported({"src/heap/heap.hpp": "", "src/layout/map.hpp": "#include <heap/heap.hpp>\n"}, "floor 3")

    def test_reports_an_upward_include_by_a_relative_path(self):
        self.assert_reported({"src/heap/heap.hpp": "", "src/layout/map.hpp": '#include "../heap/heap.hpp"\n'},
                             "floor 3")

    def test_reports_neighbours_on_one_floor(self):
        self.assert_reported({"src/sync/s.hpp": "", "src/os/o.hpp": '#  include "sync/s.hpp"\n'},
                             "floor 1 (os) includes floor 1 (sync)")

    def test_reports_a_cycle_inside_a_folder(self):
        self.assert_reported({
            "src/sync/a.hpp": '#include "sync/b.hpp"\n',
            "src/sync/b.hpp": '#include "sync/c.hpp"\n',
            "src/sync/c.hpp": '#include "sync/a.hpp"\n',
        }, "include cycle: sync/a.hpp -> sync/b.hpp -> sync/c.hpp -> sync/a.hpp")

    def test_reports_the_checker_models_and_tests(self):
        for folder in ("checker", "model", "tests"):
            for include in (f'"{folder}/x.hpp"', f'"../../{folder}/x.hpp"'):
                self.assert_reported({f"{folder}/x.hpp": "", "src/heap/h.hpp": f"#include {include}\n"}, folder)

    def test_reports_public_headers_below_the_api(self):
        self.assert_reported({"include/hakmem/hakmem.h": "", "src/heap/h.hpp": "#include <hakmem/hakmem.h>\n"},
                             "only src/api")

    def test_reports_a_folder_without_a_floor_and_a_missing_file(self):
        self.assert_reported({"src/attic/x.hpp": ""}, "is on no floor")
        self.assert_reported({"src/heap/x.hpp": '#include "heap/gone.hpp"\n'}, "no such file")

    def test_accepts_the_floors_of_checker_and_model(self):
        code, output = self.check({
            "src/heap/heap.hpp": "",
            "checker/core/sites.hpp": "#include <atomic>\n",
            "checker/engine/relacy/atomic.hpp": '#include "core/sites.hpp"\n',
            "checker/include/check/atomic.hpp": '#include "engine/relacy/atomic.hpp"\n',
            "checker/example/suite.cpp": '#include "check/atomic.hpp"\n#include "box.hpp"\n',
            "checker/example/box.hpp": "",
            "model/check.hpp": '#include "check/atomic.hpp"\n',
            "model/scenarios/toy.hpp": '#include "heap/heap.hpp"\n#include "model/check.hpp"\n',
            "model/tests/engine_test.cpp": '#include "core/sites.hpp"\n#include "model/scenarios/toy.hpp"\n',
        })
        self.assertEqual((code, output), (0, "9 files, 0 violations\n"))

    def test_reports_upward_includes_of_checker_and_model(self):
        self.assert_reported({"checker/cli/run.hpp": "", "checker/core/sites.hpp": '#include "cli/run.hpp"\n', "src/os/o.hpp": ""},
                             'checker/core/sites.hpp:1: "cli/run.hpp": floor 1 (core) includes floor 6 (cli)')
        self.assert_reported({"checker/include/check/suite.hpp": "", "checker/core/sites.hpp": '#include "check/suite.hpp"\n',
                              "src/os/o.hpp": ""}, "floor 1 (core) includes floor 7 (include)")
        self.assert_reported({"model/museum/lists.hpp": "", "model/scenarios/toy.hpp": '#include "model/museum/lists.hpp"\n',
                              "src/os/o.hpp": ""}, "floor 4 (scenarios) includes floor 5 (museum)")
        self.assert_reported({"model/system/os.hpp": "", "model/check.hpp": '#include "model/system/os.hpp"\n', "src/os/o.hpp": ""},
                             "floor 1 (check.hpp) includes floor 2 (system)")

    def test_reports_what_leaves_the_checker(self):
        for include in ('"os/o.hpp"', '"model/check.hpp"'):
            self.assert_reported({"src/os/o.hpp": "", "model/check.hpp": "", "checker/core/sites.hpp": f"#include {include}\n"},
                                 "no such file below checker/")
        self.assert_reported({"src/os/o.hpp": "", "checker/core/sites.hpp": '#include "../../src/os/o.hpp"\n'},
                             "leaves checker/ for src/os/o.hpp")

    def test_reports_cycles_and_folders_without_a_floor_of_checker_and_model(self):
        for home, folder in (("checker", "core"), ("model", "system")):
            prefix = "model/" if home == "model" else ""
            self.assert_reported({"src/os/o.hpp": "", f"{home}/{folder}/a.hpp": f'#include "{prefix}{folder}/b.hpp"\n',
                                  f"{home}/{folder}/b.hpp": f'#include "{prefix}{folder}/a.hpp"\n'},
                                 f"include cycle: {folder}/a.hpp -> {folder}/b.hpp -> {folder}/a.hpp")
            self.assert_reported({"src/os/o.hpp": "", f"{home}/attic/x.hpp": ""}, f"{home}/attic/x.hpp: is on no floor")

    def test_reports_who_knows_the_machine(self):
        self.assert_reported({"src/sync/s.hpp": "\n#ifdef __x86_64__\n#endif\n"},
                             "src/sync/s.hpp:2: __x86_64__: only src/machine knows the machine")
        self.assert_reported({"src/sync/s.hpp": "", "bench/spin.cpp": "void f() { __builtin_ia32_pause(); }\n"}, "bench/spin.cpp:1")
        self.assert_reported({"src/api/log.cpp": "int pc = REG_RIP;\n"}, "REG_RIP")
        code, output = self.check({"src/machine/x86_64.hpp": "#ifdef __x86_64__\n#endif\n"})
        self.assertEqual(code, 0, output)

    def test_is_not_content_with_an_empty_tree(self):
        self.assert_reported({"src/README": ""}, "nothing was checked")


if __name__ == "__main__":
    unittest.main()
