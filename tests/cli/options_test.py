#!/usr/bin/env python3
"""Options from the environment, on a real program: a bad value is one clear line and the default; statistics at exit."""
import json
import os
import subprocess
import sys
import unittest

LIBRARY = sys.argv.pop()


def run(**options):
    environment = {**os.environ, "LD_PRELOAD": LIBRARY, **options}
    return subprocess.run(["/bin/ls", "/"], env=environment, text=True, capture_output=True, timeout=60, check=False)


class Options(unittest.TestCase):
    def test_prints_nothing_unless_asked(self):
        self.assertEqual(run().stderr, "")

    def test_a_bad_value_is_one_line_and_the_default(self):
        for name, value, reason in (("HAKMEM_CACHE_MID", "yes", "is not a number"),
                                    ("HAKMEM_TINY_REFILL", "1000", "is out of range"),
                                    ("HAKMEM_PURGE_DELAY_MS", "-2", "is out of range"),
                                    ("HAKMEM_TARGET_HIT_MID", "0.95", "is out of range"),
                                    ("HAKMEM_TARGET_HIT_MID", "0.65x", "is not a number"),
                                    ("HAKMEM_WMAX_CANDIDATES_MID", "1.4,0.9", "is out of range"),
                                    ("HAKMEM_WMAX_CANDIDATES_MID", "1.4,", "is not a number"),
                                    ("HAKMEM_STATS", "xml", "is not a number")):
            done = run(**{name: value})
            self.assertEqual(done.returncode, 0)
            lines = done.stderr.splitlines()
            self.assertEqual(len(lines), 1, done.stderr)
            self.assertIn(f"hakmem: {name}={value} {reason}; give ", lines[0])

    def test_statistics_at_exit_as_json(self):
        figures = json.loads(run(HAKMEM_STATS="json").stderr)
        self.assertGreater(figures["pools"]["small"]["refilled_blocks"], 0)
        self.assertEqual(figures["superslabs_mapped"], 1)

    def test_statistics_at_exit_as_text(self):
        for value in ("text", "1"):
            self.assertIn("hakmem: superslabs_mapped ", run(HAKMEM_STATS=value).stderr)

    def test_every_cache_off(self):
        done = run(HAKMEM_CACHE_TINY="0", HAKMEM_CACHE_MID="0", HAKMEM_CACHE_LARGE="0", HAKMEM_CACHE_WHALE="0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


if __name__ == "__main__":
    unittest.main()
