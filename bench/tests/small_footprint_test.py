"""The footprint of small programs: at most 0.5 MiB above that under the C library's malloc. Peaks of memory, medians of
runs in turns; without what is mapped from files, which all processes share and another C library maps otherwise.

usage: small_footprint_test.py BENCH_DIRECTORY LIBRARY
"""
import json
import os
import pathlib
import re
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

# Copies what the kernel says of the process at its end.
FACTS = """
#include <stdio.h>
__attribute__((destructor)) static void copy(void) {
  char text[8192];
  FILE *from = fopen("/proc/self/status", "r"), *to = fopen("FILE", "w");
  if (from && to) fwrite(text, 1, fread(text, 1, sizeof text, from), to);
  if (to) fclose(to);
}
"""


class SmallFootprint(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = pathlib.Path(directory.name)
        self.status = self.folder / "status"
        self.facts = self.shared_library("facts", FACTS.replace("FILE\"", f"{self.status}\""))

    def shared_library(self, name, source):
        made = self.folder / f"{name}.so"
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", str(made), "-x", "c", "-"], input=source,
                       text=True, check=True)
        return made

    def peak(self, command, preload):
        report = self.folder / "report.json"
        subprocess.run([str(BENCH / command[0]), *command[1:], "--json", str(report)], check=True,
                       env={**os.environ, "LD_PRELOAD": f"{preload}:{self.facts}"}, stdout=subprocess.DEVNULL)
        result = json.loads(report.read_text())
        self.assertEqual(LIBRARY in preload, result["malloc"] == LIBRARY, result["malloc"])
        of_files = int(re.search(r"^RssFile:\s*(\d+) kB$", self.status.read_text(), re.MULTILINE)[1]) * KIB
        self.assertGreater(of_files, 0)
        return result["peak_resident_bytes"] - of_files

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
        waste = self.shared_library("waste", WASTE)
        self.assertGreater(self.bytes_above_the_system(PROGRAMS[0], f"{LIBRARY}:{waste}"), MOST_ABOVE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
