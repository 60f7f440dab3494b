#!/usr/bin/env python3
"""The version stands in CMake's project, in the header for programs, and in the library."""
import os
import pathlib
import re
import subprocess
import sys
import unittest

LIBRARY, VERSION = sys.argv[1:3]
del sys.argv[1:3]
HEADER = pathlib.Path(__file__).resolve().parents[2] / "include/hakmem/hakmem.h"


class Versions(unittest.TestCase):
    def test_of_the_header_is_that_of_the_project(self):
        text = HEADER.read_text(encoding="utf-8")
        parts = [re.search(rf"#define HAK_VERSION_{part} (\d+)$", text, re.MULTILINE)[1] for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertEqual(".".join(parts), VERSION)
        self.assertEqual(re.search(r'#define HAK_VERSION_STRING "(.*)"$', text, re.MULTILINE)[1], VERSION)

    def test_of_the_library_is_that_of_the_project(self):
        program = "import ctypes; print(ctypes.CDLL(None).hak_version())"
        done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "LD_PRELOAD": LIBRARY}, check=True,
                              capture_output=True, text=True)
        major, minor, patch = map(int, VERSION.split("."))
        self.assertEqual(int(done.stdout), major * 10000 + minor * 100 + patch)


if __name__ == "__main__":
    unittest.main()
