"""The ledger has a row for every atomic operation that some suite reaches, with the order that it has, and no other."""
import pathlib
import re
import subprocess
import sys
import unittest

CHECK = ROOT = None
ROW = re.compile(r"^\| \[\d+\]\(\.\./(\S+)#L\d+\) \| (\S+) (\S+) \| (\S+) \|")


def rows_of(page):
    """(file, function, operation, order) of each row, without the back-offs."""
    found = [match.groups() for match in map(ROW.match, page.splitlines()) if match]
    return sorted(tuple(cell.replace("\\", "") for cell in row) for row in found if row[2] != "pause")


class Ledger(unittest.TestCase):
    def test_rows_are_the_operations_of_the_headers(self):
        sites = subprocess.run([CHECK, "sites"], text=True, capture_output=True, check=True).stdout.splitlines()
        expected = sorted((site.split()[0].rsplit(":", 1)[0], *site.split()[1:]) for site in sites)
        page = (ROOT / "docs/reports/ledger.md").read_text(encoding="utf-8")
        self.assertEqual(rows_of(page), expected, "docs/reports/ledger.md is out of date: run hakmem-check audit")

    def test_row_with_another_order_is_noticed(self):
        self.assertEqual(rows_of("| [7](../src/a.hpp#L7) | push\\_chain load | relaxed | why | x | none |"),
                         [("src/a.hpp", "push_chain", "load", "relaxed")])
        self.assertEqual(rows_of("| [7](../src/a.hpp#L7) | push pause | - |  | x | none |"), [])


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv.pop()).resolve()
    CHECK = sys.argv.pop()
    unittest.main()
