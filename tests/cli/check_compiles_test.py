"""Negative controls of cmake/check_compiles.py. Usage: check_compiles_test.py COMPILER"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "check_compiles.py"
COMPILER = sys.argv.pop()


class CheckCompiles(unittest.TestCase):
    def check(self, text, options="", folder="tests"):
        """Runs the checker on a database of one source in `tests`. Returns its exit code and output."""
        with tempfile.TemporaryDirectory() as place:
            root = pathlib.Path(place)
            source = root / "tests" / "source.cpp"
            source.parent.mkdir()
            source.write_text(text, encoding="utf-8")
            for header in ("answer.hpp", "cmake_pch.hxx"):
                (root / header).write_text("#pragma once\nconstexpr int answer = 42;\n", encoding="utf-8")
            database = root / "compile_commands.json"
            database.write_text(json.dumps([{"directory": place, "file": "tests/source.cpp",
                                             "command": f"g++ -std=c++20 {options} -o source.o -c tests/source.cpp"}]))
            done = subprocess.run([sys.executable, "-B", CHECKER, "--compiler", COMPILER, "--database", database,
                                   root / folder], text=True, capture_output=True, check=False)
            return done.returncode, done.stdout + done.stderr, (root / "source.o").exists()

    def test_accepts_what_compiles_and_writes_no_object(self):
        code, output, object_written = self.check("constexpr bool f(auto x) { return x; }\nstatic_assert(f(true));\n")
        self.assertEqual((code, object_written), (0, False), output)
        self.assertIn("1 compilations, 0 failed", output)

    def test_takes_over_definitions_and_include_directories(self):
        text = "#include \"answer.hpp\"\nstatic_assert(answer == PLANTED);\n"
        self.assertEqual(self.check(text, "-I . -DPLANTED=42")[0], 0)
        self.assertEqual(self.check(text, "-I. -DPLANTED=41")[0], 1)

    def test_leaves_out_what_only_one_compiler_knows(self):
        self.assertEqual(self.check("int x;\n", "-fno-such-option -Wno-such-warning")[0], 0)

    def test_reports_what_does_not_compile(self):
        code, output, _ = self.check("int f() { return g(); }\n")
        self.assertEqual(code, 1, output)
        self.assertIn("source.cpp: does not compile cleanly", output)

    def test_takes_over_a_precompiled_header(self):
        for text, code in (("static_assert(answer == 42);\n", 0), ("static_assert(answer == 41);\n", 1)):
            self.assertEqual(self.check(text, "-I . -include cmake_pch.hxx")[0], code)
        self.assertEqual(self.check("static_assert(answer == 42);\n")[0], 1)

    def test_a_header_that_cannot_be_precompiled_is_no_excuse(self):
        self.assertEqual(self.check("int x;\n", "-include no/such/cmake_pch.hxx")[0], 1)

    def test_reports_a_warning(self):
        code, output, _ = self.check("char narrow(int x) { return x; }\n")
        self.assertEqual(code, 1, output)
        self.assertIn("onversion", output)

    def test_is_not_content_with_nothing(self):
        self.assertEqual(self.check("int x;\n", folder="elsewhere")[0], 1)


if __name__ == "__main__":
    unittest.main()
