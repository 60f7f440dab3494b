"""Requirement C4: 500 000 iterations of random_mixed in every size class end well, and take no more memory than a tenth
of them. Blocks of the eight classes that are powers of two up to 1 KiB are marked and verified.

usage: random_mixed_is_stable.py BENCH_DIRECTORY LIBRARY
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
import broken_malloc

ITERATIONS = 500_000
LIVE_BYTES = 4 << 20
KIB = 1024
POWERS_OF_TWO = (8, 16, 32, 64, 128, 256, 512, KIB)
RANDOM_MIXED = pathlib.Path(sys.argv[1]).resolve() / "random_mixed"
LIBRARY = os.path.realpath(sys.argv[2])
del sys.argv[1:3]


def class_sizes():
    """The largest request of every class: 16-byte steps to 1 KiB, four steps per doubling to 1 MiB; 8 bytes first."""
    steps = [size + quarter * size // 4 for size in (KIB << i for i in range(10)) for quarter in (1, 2, 3, 4)]
    return [8, *range(16, KIB + 1, 16), *steps]


class Runs:
    """Runs of random_mixed under a library; collects objections."""

    def __init__(self, library, folder):
        self.library, self.report = str(library), pathlib.Path(folder) / "report.json"

    def run(self, size, iterations):
        """(peak of memory, or 0; objection or None)"""
        live = max(4, min(4096, LIVE_BYTES // size))
        command = [str(RANDOM_MIXED), str(iterations), str(live), "7", "--size", str(size), "--json", str(self.report),
                   *(["--check"] if size in POWERS_OF_TWO else [])]
        done = subprocess.run(command, env={**os.environ, "LD_PRELOAD": self.library}, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return 0, f"{size} bytes: ended with {done.returncode}: {done.stderr.strip()}"
        result = json.loads(self.report.read_text())
        if result["malloc"] != os.path.realpath(self.library) or result["operations"] != iterations:
            return 0, f"{size} bytes: ran {result['operations']} operations of {result['malloc']}"
        return result["peak_resident_bytes"], None

    def objection(self, size):
        """What is wrong with the class of `size` bytes, or None."""
        few, objection = self.run(size, ITERATIONS // 10)
        if objection is None:
            many, objection = self.run(size, ITERATIONS)
        if objection is None and many > few * 1.25 + (2 << 20):
            objection = f"{size} bytes: memory grows from {few // KIB} to {many // KIB} KiB"
        return objection


class RandomMixedIsStable(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.folder = directory.name

    def test_in_every_class(self):
        runs = Runs(LIBRARY, self.folder)
        sizes = class_sizes()
        self.assertEqual(len(sizes), 1 + 64 + 40)
        self.assertEqual([text for text in map(runs.objection, sizes) if text], [])

    def test_reports_planted_faults(self):
        for fault, message in (("overlap", "corrupted"), ("null", "returned null"), ("leak", "memory grows")):
            with self.subTest(fault):
                runs = Runs(broken_malloc.build(self.folder, fault), self.folder)
                self.assertIn(message, runs.objection(512) or "")

    def test_a_sound_malloc_passes(self):
        self.assertIsNone(Runs(broken_malloc.build(self.folder, "none"), self.folder).objection(512))


if __name__ == "__main__":
    unittest.main(verbosity=2)
