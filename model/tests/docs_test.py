"""The pages about the models name the suites and litmus tests that there are, with what they prove and allow."""
import pathlib
import re
import subprocess
import sys
import unittest

CHECK = PAGES = None


def rows(text):
    """The cells of each row of the tables in a text."""
    return [[cell.strip() for cell in line.strip("|\n").split("|")] for line in text.splitlines() if line.startswith("|")]


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.page = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
        cls.listed = subprocess.run([CHECK, "list"], text=True, capture_output=True, check=True).stdout.splitlines()

    def test_names_every_suite_with_its_verdict(self):
        suites = {line.split()[0] for line in self.listed if "~" not in line.split()[0]}
        table = [row for row in rows(self.page) if len(row) == 7 and row[0].startswith("`")]
        self.assertEqual({row[0].strip("`") for row in table}, suites)
        for row in table:
            self.assertRegex(row[3], r"^(COMPLETE|BOUNDED\(\d+\)|SAMPLED\(\d+\))$")

    def test_says_what_each_suite_proves(self):
        proves = {row[0].strip("`"): row[1] for row in rows(self.page) if len(row) == 7 and row[0].startswith("`")}
        for line in self.listed:
            name = line.split()[0]
            if "~" not in name:
                self.assertIn(proves[name], line)

    def test_counts_the_broken_variants(self):
        for row in rows(self.page):
            if len(row) != 7 or not row[0].startswith("`"):
                continue
            variants = sum(line.startswith(row[0].strip("`") + "~") for line in self.listed)
            self.assertEqual(row[6], f"{variants} of {variants}", row[0])

    def test_has_the_litmus_table_of_the_checker(self):
        table = rows(subprocess.run([CHECK, "litmus", "--markdown"], text=True, capture_output=True, check=True).stdout)
        self.assertGreater(len(table), 20)
        page = {row[0]: row for row in rows(self.page) if len(row) == 6}
        for row in table[2:]:
            *known, shown = page[row[0]]
            self.assertEqual(known, row)
            shown = set(shown.split())
            self.assertTrue(shown and shown <= set(row[2].split()), row[0])

    def test_gives_the_numbers_of_the_reduction_test(self):
        test = (pathlib.Path(__file__).parent / "reduction_test.py").read_text().replace("_", "")
        for row in (row for row in rows(self.page) if len(row) == 4 and row[0].startswith("`")):
            name, plain, reduced = row[0].strip("`").replace("_", ""), row[1].replace(" ", ""), row[2].replace(" ", "")
            self.assertRegex(test, re.escape(f'"{name}": ({plain}, {reduced})'))


if __name__ == "__main__":
    CHECK, PAGES = sys.argv.pop(1), [pathlib.Path(sys.argv.pop(1)) for _ in range(2)]
    unittest.main()
