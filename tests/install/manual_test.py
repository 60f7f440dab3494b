"""The manual's pages, as they are installed. Usage: manual_test.py BUILD CMAKE COMPILER TEST..."""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from installed import Tree, run

BUILD, CMAKE, _ = sys.argv[1:4]
del sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parents[2]
CHECKERS = {"mandoc": ["-T", "lint", "-W", "warning"], "groff": ["-man", "-ww", "-z"]}
NO_CHECKER = "skipped: neither mandoc nor groff is installed"


def plain(page):
    """The text of a page, without the marks of troff."""
    text = re.sub(r'^\.[A-Z]{1,2} (.*)$', lambda line: re.sub(r' ?"', "", line[1]), page.read_text(encoding="utf-8"), flags=re.M)
    return text.replace("\\-", "-").replace("\\(aq", "'")


def faults_of(page):
    """What the programs that are installed here say against a page, which need not say of which day it is."""
    said = []
    for name, words in CHECKERS.items():
        if shutil.which(name):
            done = subprocess.run([name, *words, str(page)], text=True, capture_output=True, check=False)
            said += (done.stdout + done.stderr).splitlines()
    return [line for line in said if "missing date" not in line]


class ManualHasAllThatThereIs(unittest.TestCase):
    def setUp(self):
        self.tree = Tree(self, CMAKE, BUILD)
        self.manual = self.tree.prefix / "share/man"

    def test_every_function_in_hakmem_3(self):
        text = plain(self.manual / "man3/hakmem.3")
        synopsis, described = text.partition("DESCRIPTION")[::2]
        header = (self.tree.prefix / "include/hakmem/hakmem.h").read_text(encoding="utf-8")
        declared = set(re.findall(r"^(?:HAK_API|static inline) [^(]*?(hak_\w+)\(", header, re.MULTILINE))
        self.assertIn("hak_statistics_get", declared)
        self.assertEqual(declared, set(re.findall(r"\b(hak_\w+)\(", synopsis)))
        self.assertEqual(declared, set(re.findall(r"\b(hak_\w+) ?\(\)", described)))

    def test_every_option_in_hakmem_3(self):
        text = plain(self.manual / "man3/hakmem.3")
        table = (ROOT / "docs/reference/options.md").read_text(encoding="utf-8")
        options = set(re.findall(r"`(HAKMEM_\w+)`", table))
        self.assertIn("HAKMEM_STATS", options)
        self.assertEqual({option for option in options if option not in text}, set())
        self.assertNotIn("@", text)

    def test_every_option_in_hakmem_run_1(self):
        text = plain(self.manual / "man1/hakmem-run.1")
        options = set(re.findall(r"(?<![\w-])--?[a-z]+", run([self.tree.prefix / "bin/hakmem-run", "--help"])))
        self.assertIn("--hardened", options)
        self.assertEqual({option for option in options if option not in text}, set())

    def test_the_checkers_page_is_there_when_it_is(self):
        self.assertEqual((self.manual / "man1/hakmem-check.1").exists(), (self.tree.prefix / "bin/hakmem-check").exists())


class ManualIsLaidOutWithoutWarnings(unittest.TestCase):
    def test_every_page(self):
        tree = Tree(self, CMAKE, BUILD)
        pages = [*(tree.prefix / "share/man").rglob("*.[1-9]"), ROOT / "docs/reference/hakmem-check.man"]
        self.assertGreaterEqual(len(pages), 3)
        self.assertEqual([fault for page in pages for fault in faults_of(page)], [])

    def test_planted_faults(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder) / "planted.1"
            for fault in ".NOSUCHMACRO a", ".BR \\[nosuchglyph]":
                page.write_text(f'.TH PLANTED 1 "" a "b"\n.SH NAME\nplanted \\- a page\n{fault}\n', encoding="utf-8")
                self.assertNotEqual(faults_of(page), [], fault)


if __name__ == "__main__":
    if not any(map(shutil.which, CHECKERS)) and any(word.startswith("ManualIsLaidOut") for word in sys.argv):
        print(NO_CHECKER)
        sys.exit(3)
    unittest.main()
