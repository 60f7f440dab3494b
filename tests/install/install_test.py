"""Installs the build and uses it as a stranger would. Usage: install_test.py BUILD CMAKE COMPILER TEST..."""
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import unittest

from installed import Tree, run

CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
BUILD, CMAKE, COMPILER = sys.argv[1:4]
del sys.argv[1:4]


def after_double_free(program):
    """What the program says when it has freed a block twice, which ends it."""
    done = subprocess.run([str(program), "twice"], text=True, capture_output=True, check=False)
    if done.returncode != -signal.SIGABRT:
        raise AssertionError(f"{program} ended with {done.returncode}\n{done.stderr}")
    return done.stderr


class ConsumersFindTheInstalledPackage(unittest.TestCase):
    def setUp(self):
        tree = Tree(self, CMAKE, BUILD)
        self.work, self.prefix, self.library_folder = tree.work, tree.prefix, tree.libraries
        self.version = re.search(r'VERSION_STRING "(.*)"', (self.prefix / "include/hakmem/hakmem.h").read_text())[1]

    def test_through_find_package(self):
        build = self.work / "consumer"
        run([CMAKE, "-G", "Ninja", "-S", CONSUMER, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
             f"-DCMAKE_CXX_COMPILER={COMPILER}"])
        run([CMAKE, "--build", build])
        for kind, owner in (("shared", "libhakmem.so"), ("static", "consumer_static"),
                            ("hardened", "libhakmem_hardened.so"), ("hardened_static", "consumer_hardened_static")):
            with self.subTest(kind):
                program = build / f"consumer_{kind}"
                self.assertIn(f"malloc belongs to {owner}", run([program]))
                self.assertEqual("allocated by thread" in after_double_free(program), "hardened" in kind)

    def test_the_examples(self):
        build = self.work / "examples"
        run([CMAKE, "-G", "Ninja", "-S", EXAMPLES, "-B", build, f"-DCMAKE_PREFIX_PATH={self.prefix}",
             f"-DCMAKE_CXX_COMPILER={COMPILER}"])
        run([CMAKE, "--build", build])
        output = run([build / "word_count"], input="to be or not to be")
        self.assertRegex(output, r"^2 be\n2 to\n1 not\n1 or\n4 words, [1-9][0-9]* KiB in slabs\n$")

    def test_through_pkg_config(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.library_folder / "pkgconfig")}
        found = {**os.environ, "LD_LIBRARY_PATH": str(self.library_folder)}
        for package, library in ("hakmem", "libhakmem.so"), ("hakmem-hardened", "libhakmem_hardened.so"):
            words = run(["pkg-config", "--cflags", "--libs", package], env=environment).split()
            program = self.work / f"consumer_{package}"
            run([COMPILER, CONSUMER / "consumer.cpp", "-o", program, *words])
            self.assertIn(f"malloc belongs to {library}", run([program], env=found))
            with self.subTest("another malloc would be noticed"):
                self.assertIn("malloc belongs to libc.so", run([program], env={**found, "LD_PRELOAD": "libc.so.6"}))
            self.assertEqual(run(["pkg-config", "--modversion", package], env=environment).strip(), self.version)

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
