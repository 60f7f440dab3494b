"""Installs the build and uses it as a stranger would. Usage: install_test.py BUILD CMAKE COMPILER TEST..."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from installed import Tree, run

CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
BUILD, CMAKE, COMPILER = sys.argv[1:4]
del sys.argv[1:4]


class ConsumersFindTheInstalledPackage(unittest.TestCase):
    def setUp(self):
        tree = Tree(self, CMAKE, BUILD)
        self.work, self.prefix, self.library_folder = tree.work, tree.prefix, tree.libraries

    def test_through_find_package(self):
        build = self.work / "consumer"
        run([CMAKE, "-G", "Ninja", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
             f"-DCMAKE_CXX_COMPILER={COMPILER}"])
        run([CMAKE, "--build", build])
        self.assertIn("malloc belongs to libhakmem.so", run([build / "consumer_shared"]))
        self.assertIn("malloc belongs to consumer_static", run([build / "consumer_static"]))

    def test_the_examples(self):
        build = self.work / "examples"
        run([CMAKE, "-G", "Ninja", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
             f"-DCMAKE_CXX_COMPILER={COMPILER}"])
        run([CMAKE, "--build", build])
        output = run([build / "word_count"], input="to be or not to be")
        self.assertRegex(output, r"^2 be\n2 to\n1 not\n1 or\n4 words, [1-9][0-9]* KiB in slabs\n$")

    def test_through_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library_folder / "pkgconfig")}
        words = run(["pkg-config", "--cflags", "--libs", "hakmem"], env=environment).split()
        program = self.work / "consumer_pkg_config"
        run([COMPILER, CONSUMER / "consumer.cpp", "-o", program, *words])
        found = {**os.environ, "LD_LIBRARY_PATH": str(self.library_folder)}
        self.assertIn("malloc belongs to libhakmem.so", run([program], env=found))
        with self.subTest("another malloc would be noticed"):
            self.assertIn("malloc belongs to libc.so", run([program], env={**found, "LD_PRELOAD": "libc.so.6"}))

    def test_another_version_is_refused(self):
        source = self.work / "newer"
        shutil.copytree(CONSUMER, source)
        lists = source / "CMakeLists.txt"
        lists.write_text(re.sub(r"find_package\(hakmem [0-9.]+", "find_package(hakmem 99.0", lists.read_text()))
        done = subprocess.run([CMAKE, "-G", "Ninja", "-S", source, "-B", self.work / "b",
                               f"-DCMAKE_PREFIX_PATH={self.prefix}"],
                              text=True, capture_output=True, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("99.0", done.stderr)


def needed(path):
    """The shared libraries that a program or library asks for."""
    return set(re.findall(r"\(NEEDED\).*\[(.*)\]", run(["readelf", "--dynamic", "--wide", path])))


class LibraryNeedsNothingButTheCLibrary(unittest.TestCase):
    def test_the_library(self):
        self.assertLessEqual(needed(pathlib.Path(BUILD) / "libhakmem.so"), {"libc.so.6", "ld-linux-x86-64.so.2"})

    def test_a_cxx_program_would_be_noticed(self):
        with tempfile.TemporaryDirectory() as folder:
            source = pathlib.Path(folder) / "program.cpp"
            source.write_text("#include <iostream>\nint main() { std::cout << 1; }\n")
            run([COMPILER, source, "-o", source.with_suffix("")])
            self.assertIn("libstdc++.so.6", needed(source.with_suffix("")))


if __name__ == "__main__":
    unittest.main()
