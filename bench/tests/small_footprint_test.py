"""The footprint of small programs: at most 0.5 MiB above that under the C library's malloc. Peaks of memory, medians of
runs in turns.

usage: small_footprint_test.py BENCH_DIRECTORY LIBRARY
"""
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import unittest

KIB = 1024
MOST_ABOVE = 512 * KIB
TURNS = 7
# factor: a fresh block for every intermediate result, on one thread, a few KiB live. random_mixed: one MiB of them.
PROGRAMS = (("scenarios", "factor", "--iterations", "2000"), ("random_mixed", "50000", "2048", "7"))
BENCH = pathlib.Path(sys.argv[1]).resolve()
LIBRARY = os.path.realpath(sys.argv[2])
del sys.argv[1:3]

WASTE = """
#include <string.h>
static char waste[2 << 20];
__attribute__((constructor)) static void touch(void) { memset(waste, 1, sizeof waste); }
"""


class SmallFootprint(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)

    def peak(self, command, preload):
        report = self.folder / "report.json"
        subprocess.run([str(BENCH / command[0]), *command[1:], "--json", str(report)], check=True,
                       env={**os.environ, "LD_PRELOAD": preload}, stdout=subprocess.DEVNULL)
        result = json.loads(report.read_text())
        self.assertEqual(LIBRARY in preload, result["malloc"] == LIBRARY, result["malloc"])
        return result["peak_resident_bytes"]

    def bytes_above_the_system(self, command, preload):
        """The median peak under `preload` above that without."""
        pairs = [(self.peak(command, preload), self.peak(command, "")) for _ in range(TURNS)]
        own, system = (statistics.median(peaks) for peaks in zip(*pairs))
        print(f"{' '.join(command)}: {own // KIB:.0f} KiB, with the C library's malloc {system // KIB:.0f} KiB")
        return own - system

    def test_small_programs(self):
        for command in PROGRAMS:
            with self.subTest(command):
                self.assertLessEqual(self.bytes_above_the_system(command, LIBRARY), MOST_ABOVE)

    def test_two_mib_of_waste_are_noticed(self):
        waste = self.folder / "waste.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", str(waste), "-x", "c", "-"], input=WASTE,
                       text=True, check=True)
        self.assertGreater(self.bytes_above_the_system(PROGRAMS[0], f"{LIBRARY}:{waste}"), MOST_ABOVE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
