"""No path of malloc and free takes more instructions than golden.json says: see golden.py.

usage: golden_test.py BENCH_DIRECTORY COMPILER NAME=LIBRARY...
"""
import pathlib
import sys
import unittest

import golden

BENCH, COMPILER = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
LIBRARIES = dict(word.split("=", 1) for word in sys.argv[3:])
del sys.argv[1:]


class Golden(unittest.TestCase):
    def test_no_count_has_risen(self):
        kept = golden.stored().get(COMPILER)
        if kept is None:
            self.skipTest(f"there are no counts of {COMPILER}; store them by: {golden.RENEW}")
        for name, library in LIBRARIES.items():
            with self.subTest(name):
                risen, fallen, missing = golden.differences(kept.get(name, {}), golden.count(BENCH, pathlib.Path(library)))
                for line in fallen:
                    print(f"{name}: fewer than before: {line}")
                if fallen and not risen:
                    print(f"Well done. So that they stay so few, renew golden.json: {golden.RENEW}")
                why = f"if that has to be, say why in the commit and renew golden.json: {golden.RENEW}"
                self.assertFalse(risen, "\n".join([f"{name} takes more instructions; {why}", *risen]))
                self.assertFalse(missing, "\n".join([f"golden.json has other rows than are counted; {why}", *missing]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
