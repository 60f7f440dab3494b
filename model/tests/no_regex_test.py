#!/usr/bin/env python3
"""No file of checker/ or model/ uses the library's regular expressions: what is known as data is not read back out of text.

  no_regex_test.py ROOT"""
import pathlib
import re
import sys
import tempfile
import unittest

USE = re.compile(r"std::(?:\w*regex\w*|[swc]+match)\b|#\s*include\s*<regex>")
SOURCES = (".hpp", ".cpp", ".h")


def uses(root):
    """FILE:LINE of each use."""
    return [f"{path.relative_to(root)}:{number}"
            for folder in ("checker", "model") for path in sorted((root / folder).rglob("*")) if path.suffix in SOURCES
            for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1) if USE.search(line)]


class RegularExpressions(unittest.TestCase):
    def test_are_used_nowhere(self):
        self.assertEqual(uses(ROOT), [])

    def test_are_reported_where_they_are_used(self):
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "checker").mkdir()
            (root / "model").mkdir()
            (root / "checker/a.cpp").write_text("#include <regex>\n\nconst std::regex form(text);\n", encoding="utf-8")
            (root / "model/b.hpp").write_text("std::smatch found;\n", encoding="utf-8")
            self.assertEqual(uses(root), ["checker/a.cpp:1", "checker/a.cpp:3", "model/b.hpp:1"])


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv.pop())
    unittest.main()
