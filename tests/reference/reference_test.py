#!/usr/bin/env python3
"""Negative controls of the program reference: a document that differs from the tables is reported, and written again."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop()
MANUAL = "docs/reference/environment.man"
DOCUMENTS = ("docs/reference/options.md", "docs/reference/statistics.md", MANUAL, "README.md")


def reference(*arguments):
    """Exit code and output."""
    done = subprocess.run([PROGRAM, *map(str, arguments)], text=True, capture_output=True, check=False)
    return done.returncode, done.stdout + done.stderr


class Copy(unittest.TestCase):
    """On a copy of the documents, as they are in the tree."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        for name in DOCUMENTS:
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, self.root / name)

    def change(self, name, old, new):
        path = self.root / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[:text.index(old)].count("\n") + 1

    def test_documents_that_say_what_the_tables_say_are_accepted(self):
        self.assertEqual(reference("--check", self.root), (0, ""))

    def test_what_differs_is_named_with_its_line_and_written_again(self):
        for name in DOCUMENTS:
            line = self.change(name, "hits" if "stat" in name else "128", "129")
            code, output = reference("--check", self.root)
            self.assertEqual((code, output),
                             (1, f"{name}:{line}: is not what the tables of src/api say; write it by: ci/update reference\n"))
            self.assertEqual(reference("--write", self.root), (0, ""))
            self.assertEqual((self.root / name).read_bytes(), (ROOT / name).read_bytes())

    def test_what_is_missing_or_goes_on_is_reported(self):
        (self.root / DOCUMENTS[0]).unlink()
        with (self.root / DOCUMENTS[1]).open("a", encoding="utf-8") as file:
            file.write("more\n")
        code, output = reference("--check", self.root)
        self.assertEqual((code, len(output.splitlines())), (1, 2), output)
        self.assertEqual(reference("--write", self.root), (0, ""))
        self.assertEqual(reference("--check", self.root), (0, ""))

    def test_the_rest_of_readme_is_left_alone(self):
        self.change("README.md", "# hakmem", "# Another title")
        self.assertEqual(reference("--check", self.root), (0, ""))
        self.change("README.md", "| 16–128 blocks |", "| many |")
        self.assertEqual(reference("--write", self.root), (0, ""))
        self.assertTrue((self.root / "README.md").read_text(encoding="utf-8").startswith("# Another title\n"))

    def test_readme_without_a_place_for_the_table_is_reported(self):
        for mark in ("<!-- options, by ci/update reference -->", "<!-- end of the options -->"):
            self.change("README.md", mark, "")
            for how in ("--check", "--write"):
                code, output = reference(how, self.root)
                self.assertEqual(code, 1)
                self.assertIn("README.md has no table of options between", output)
            shutil.copy(ROOT / "README.md", self.root / "README.md")


class Documents(unittest.TestCase):
    """What they are made of, and that nothing is left out."""

    @classmethod
    def setUpClass(cls):
        cls.tables = json.loads(reference("--json")[1])
        cls.text = {name: (ROOT / name).read_text(encoding="utf-8") for name in DOCUMENTS}

    def names(self):
        """Every name that an option has."""
        for row in self.tables["options"]:
            yield from filter(None, [row["name"], row["alias"], *(word["alias"] for word in row["words"])])

    def test_every_name_of_an_option_is_in_the_reference_and_in_the_manual(self):
        self.assertGreater(len(list(self.names())), 40)
        for name in self.names():
            self.assertIn(f"`{name}`", self.text["docs/reference/options.md"])
            self.assertRegex(self.text[MANUAL], rf"\b{name}\b")

    def test_readme_has_every_option_but_those_of_the_learner(self):
        told = set(re.findall(r"^\| `(HAKMEM_\w+)`", self.text["README.md"], re.MULTILINE))
        self.assertEqual(told, {row["name"] for row in self.tables["options"]
                                if row["topic"] != "The learner" or row["name"] == "HAKMEM_LEARN"})

    def test_every_statistic_is_in_the_reference(self):
        self.assertGreater(len(self.tables["statistics"]), 40)
        for row in self.tables["statistics"]:
            self.assertRegex(self.text["docs/reference/statistics.md"], rf"(?m)^\| `{row['name']}` \|")

    def test_the_manual_is_troff_of_the_macros_for_manual_pages(self):
        depth = 0
        for line in self.text[MANUAL].splitlines():
            self.assertRegex(line, r"^(?:\.(?:SH|SS|TP|B|BR|RS|RE)\b|\.\\\"|[^.'])")
            depth += line.startswith(".RS") - line.startswith(".RE")
            self.assertIn(depth, (0, 1))
        self.assertEqual(depth, 0)


class Program(unittest.TestCase):
    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in ([], ["--bogus"], ["--check"], ["--check", ".", "--json"], ["--check", "/nonexistent"],
                          ["--check", ".", "--write", "."]):
            code, output = reference(*arguments)
            self.assertEqual(code, 2, arguments)
            self.assertIn("usage: reference --check ROOT", output)

    def test_help_is_no_wrong_call(self):
        self.assertEqual(reference("--help")[0], 0)


if __name__ == "__main__":
    unittest.main()
