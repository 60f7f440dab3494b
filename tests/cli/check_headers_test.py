"""Negative controls of cmake/check_headers.py. Usage: check_headers_test.py COMPILER"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parents[2] / "cmake" / "check_headers.py"
COMPILER = sys.argv.pop()


class CheckHeaders(unittest.TestCase):
    def check(self, name, text):
        """Runs the checker on a directory with one file. Returns its exit code and output."""
        with tempfile.TemporaryDirectory() as root:
            (pathlib.Path(root) / name).write_text(text, encoding="utf-8")
            done = subprocess.run([sys.executable, "-B", CHECKER, "--compiler", COMPILER, "--include", root, root],
                                  text=True, capture_output=True, check=False)
            return done.returncode, done.stdout + done.stderr

    def assert_reported(self, name, text, words):
        code, output = self.check(name, text)
        self.assertEqual(code, 1, output)
        self.assertIn(words, output)

    def test_accepts_a_header_that_includes_what_it_needs(self):
        code, output = self.check("good.hpp", "#pragma once\n#include <cstddef>\nstruct Good { std::size_t size; };\n")
        self.assertEqual(code, 0, output)

    def test_reports_a_header_that_needs_another_one_first(self):
        self.assert_reported("bad.hpp", "#pragma once\nstruct Bad { std::size_t size; };\n", "not self-contained")

    def test_reports_a_header_without_a_guard(self):
        self.assert_reported("bad.hpp", "struct Bad {};\n", "not self-contained")

    def test_reports_a_warning(self):
        self.assert_reported("bad.hpp", "#pragma once\ninline char narrow(int x) { return x; }\n", "onversion")

    def test_compiles_public_headers_as_c(self):
        self.assert_reported("bad.h", '#pragma once\nextern "C" void f();\n', "not self-contained")

    def test_reports_a_source_that_does_not_compile(self):
        self.assert_reported("bad.cpp", "int f() { return g(); }\n", "does not compile")

    def test_is_not_content_with_nothing(self):
        code, _ = self.check("README", "")
        self.assertEqual(code, 1)


if __name__ == "__main__":
    unittest.main()
