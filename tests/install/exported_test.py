"""The names that the shared libraries export. Usage: exported_test.py BUILD CMAKE COMPILER TEST..."""
import pathlib
import re
import sys
import tempfile
import unittest

from installed import run

BUILD, _, COMPILER = sys.argv[1:4]
del sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parents[2]
LIST = ROOT / "cmake/hakmem.map"
MORE = {"hakmem_hardened": ROOT / "cmake/hakmem_hardened.map"}
HEADER = ROOT / "include/hakmem/hakmem.h"
PLANTED = 'extern "C" [[gnu::visibility("default")]] int hak_planted() { return 1; }\n'


def names_in(path):
    text = re.sub(r"/\*.*?\*/", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    return set(re.findall(r"([A-Za-z_]\w*);", text.partition("local:")[0]))


def listed(library="hakmem"):
    """The names of the list, and of what the library has of its own."""
    return names_in(LIST) | (names_in(MORE[library]) if library in MORE else set())


def exported(library):
    """The names that a library exports; one that has a version, with it."""
    lines = run(["nm", "--dynamic", "--defined-only", "--format=posix", library]).splitlines()
    return {line.split()[0] for line in lines}


class ExportedNamesAreThoseOfTheList(unittest.TestCase):
    def test_of_each_library(self):
        for name in "hakmem", "hakmem_hardened", "hakmem_locked":
            with self.subTest(name):
                found = exported(pathlib.Path(BUILD) / f"lib{name}.so")
                self.assertEqual(sorted(found - listed(name)), [], "exported and not in the list")
                self.assertEqual(sorted(listed(name) - found), [], "in the list and not exported")

    def test_the_list_has_all_of_the_header(self):
        declared = set(re.findall(r"^HAK_API [^(]*?(hak_\w+)\(", HEADER.read_text(encoding="utf-8"), re.MULTILINE))
        self.assertIn("hak_alloc", declared)
        self.assertEqual(declared, {name for name in listed() if name.startswith("hak_")})

    def test_an_extra_name_would_be_noticed_and_the_list_keeps_it_inside(self):
        with tempfile.TemporaryDirectory() as folder:
            source, library = pathlib.Path(folder) / "planted.cpp", pathlib.Path(folder) / "library.so"
            source.write_text(PLANTED, encoding="utf-8")
            link = [COMPILER, "-shared", "-fPIC", source, "-o", library, "-Wl,--whole-archive",
                    pathlib.Path(BUILD) / "libhakmem.a", "-Wl,--no-whole-archive"]
            run(link)
            self.assertEqual(exported(library) - listed(), {"hak_planted"})
            run([*link, f"-Wl,--version-script={LIST}"])
            self.assertEqual(exported(library), listed())
            node = pathlib.Path(folder) / "node.map"
            node.write_text("HAKMEM_9 { global: hak_alloc; };\n", encoding="utf-8")
            run([*link, f"-Wl,--version-script={node}"])
            self.assertIn("hak_alloc@@HAKMEM_9", exported(library))


if __name__ == "__main__":
    unittest.main()
