"""The ledger has a row for every atomic operation that some suite reaches, with the order that it has, and no other."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

CHECK = ROOT = None
HEADER = re.compile(r"^## (src/\S+)$")
ROW = re.compile(r"^\| (\S+) (\S+)(?: #\d+)? \| (\S+) \|")


def rows_of(page):
    """(file, function, operation, order) of each row, without the back-offs."""
    found, file = [], None
    for line in page.splitlines():
        if line.startswith("## "):
            header = HEADER.match(line)
            file = header[1] if header else None
        row = ROW.match(line.replace("\\", ""))
        if file is not None and row is not None and row[2] != "pause":
            found.append((file, *row.groups()))
    return sorted(found)


class Ledger(unittest.TestCase):
    def test_rows_are_the_operations_of_the_headers(self):
        sites = subprocess.run([CHECK, "sites"], text=True, capture_output=True, check=True).stdout.splitlines()
        expected = sorted((site.split()[0].rsplit(":", 1)[0], *site.split()[1:]) for site in sites)
        page = (ROOT / "docs/reports/ledger.md").read_text(encoding="utf-8")
        self.assertEqual(rows_of(page), expected, "docs/reports/ledger.md is out of date: run ci/update ledger")

    def test_rows_have_the_instructions_of_each_machine(self):
        machines = json.loads((ROOT / "docs/reports/costs.json").read_text(encoding="utf-8"))["machines"]
        tables = [line for line in (ROOT / "docs/reports/ledger.md").read_text(encoding="utf-8").splitlines()
                  if line.startswith("| ")]
        heads = [line for line in tables if line.startswith("| operation |")]
        self.assertGreater(len(heads), 10)
        self.assertEqual([head for head in heads if f" | {' | '.join(machines)} | " not in head], [])
        cells = [re.split(r"(?<!\\)\|", line) for line in tables]
        self.assertEqual([row for row in cells if len(row) not in (len(machines) + 4, len(machines) + 7)], [])

    def test_rows_name_no_line(self):
        page = (ROOT / "docs/reports/ledger.md").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"\.hpp(?::|#L|\()\d+", page), [])

    def test_row_with_another_order_is_noticed(self):
        self.assertEqual(rows_of("## src/a.hpp\n| push\\_chain load #2 | relaxed | why | x | none |"),
                         [("src/a.hpp", "push_chain", "load", "relaxed")])
        self.assertEqual(rows_of("## src/a.hpp\n| push pause | - |  | x | none |"), [])
        self.assertEqual(rows_of("## Reached by no suite\n| push load | relaxed | why | x | none |"), [])


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv.pop()).resolve()
    CHECK = sys.argv.pop()
    unittest.main()
