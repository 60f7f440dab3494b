#!/usr/bin/env python3
"""Options from the environment, on a real program: a bad value is one clear line and the default; statistics at exit."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

LIBRARY = sys.argv.pop()


# A program with all kinds of events: threads that free each other's blocks, and memory that comes and goes.
BUSY = """
import ctypes, threading
def cycle():
    blocks = [[bytes(100 + i % 3000) for i in range(30000)]]
    thread = threading.Thread(target=blocks.clear)
    thread.start()
    thread.join()
    return [bytearray(300_000) for i in range(40)]
for i in range(3):
    cycle()
ctypes.CDLL(None).malloc_trim(0)
cycle()
"""


# Large blocks that come and go.
WHALES = """
for i in range(20):
    bytearray(8 << 20)
"""

ASKS_FOR_STATISTICS = "ctypes.CDLL(None).hak_option_set(b'HAKMEM_STATS', b'json'); "


def run(command=("/bin/ls", "/"), **options):
    environment = {**os.environ, "PYTHONMALLOC": "malloc", "LD_PRELOAD": LIBRARY, **options}
    return subprocess.run(command, env=environment, text=True, capture_output=True, check=False)


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

    def test_the_line_says_what_to_give_and_what_is_used(self):
        for name, value, said in (
                ("HAKMEM_PURGE_DELAY_MS", "-2", "is out of range; give -1 to 3600000; the default 1000 is used"),
                ("HAKMEM_CACHE_MID", "2", "is out of range; give 0 to 1; the default 1 is used"),
                ("HAKMEM_TARGET_HIT_MID", "x", "is not a number; give 0.5 to 0.9; the default 0.65 is used"),
                ("HAKMEM_WMAX_ADOPT_PCT", "1", "is out of range; give 0.005 to 0.05; the default 0.01 is used"),
                ("HAKMEM_STATS", "3", "is out of range; give 0 to 2, text or json; the default 0 is used"),
                ("HAKMEM_CRASH_LOG", "", "is not a number; give 0 to 1 or the path of a file; the default 0 is used"),
                ("HAKMEM_CRASH_LOG", "/nonexistent/log",
                 "cannot be opened for writing; give 0, 1 for standard error, or the path of a file; there is no crash log"),
                ("HAKMEM_WMAX_CANDIDATES_MID", "0.9", "is out of range; give 1 to 8 numbers of 1 to 16 with commas between "
                                                      "them; the default 1.4,1.5,1.6,1.7 is used")):
            self.assertEqual(run(**{name: value}).stderr, f"hakmem: {name}={value} {said}\n")

    def test_learns_from_the_start_when_the_environment_says_so(self):
        def windows_within(seconds):
            done = run(["/bin/sleep", str(seconds)], HAKMEM_LEARN="1", HAKMEM_LEARN_WINDOW_MS="500", HAKMEM_STATS="json")
            return json.loads(done.stderr)["learner_windows"]
        self.assertTrue(any(windows_within(seconds) > 0 for seconds in (2, 10, 60)))  # slow machines have the time
        self.assertEqual(json.loads(run(["/bin/sleep", "1"], HAKMEM_STATS="json").stderr)["learner_windows"], 0)

    def test_statistics_at_exit_as_json(self):
        figures = json.loads(run(HAKMEM_STATS="json").stderr)
        self.assertGreater(figures["pools"]["small"]["refilled_blocks"], 0)
        self.assertEqual(figures["superslabs_mapped"], 1)

    def test_statistics_at_exit_as_text(self):
        for value in ("text", "1"):
            self.assertIn("hakmem: superslabs_mapped ", run(HAKMEM_STATS=value).stderr)

    def test_statistics_hold_every_field_that_is_documented(self):
        header = (pathlib.Path(__file__).resolve().parents[2] / "include/hakmem/hakmem.h").read_text(encoding="utf-8")
        structure = re.search(r"struct hak_statistics \{(.*?)\n\};", header, re.DOTALL).group(1)
        fields = re.findall(r"uint64_t (\w+);", structure)
        figures = json.loads(run(HAKMEM_STATS="json").stderr)
        self.assertGreater(len(fields), 30)
        self.assertEqual([field for field in fields if field not in figures], [])
        self.assertEqual(list(figures["whales_by_threads"]), ["1", "2", "3-4", "5-8", "9-16", "more"])
        self.assertEqual(list(figures["pools"]), ["small", "mid", "large"])
        self.assertLessEqual(figures["pools"]["small"]["hit_rate"], 1)
        self.assertEqual(len(figures["caps_mid"]), 20)
        self.assertEqual(re.findall(r"uint64_t (\w+)\[", structure),
                         ["refills", "refilled_blocks", "whale_hits_by_threads", "whale_misses_by_threads", "cache_hits",
                          "caps_mid"],
                         "an array needs a place in the JSON object by hand")

    def test_statistics_of_an_interpreter(self):
        done = run([sys.executable, "-c", BUSY], HAKMEM_STATS="json")
        figures = json.loads(done.stderr)
        self.assertGreater(figures["outbox_blocks"], 0)
        self.assertGreater(figures["pools"]["small"]["hit_rate"], 0.9)
        for pool in figures["pools"].values():
            requests = pool["cache_hits"] + pool["refills"]
            self.assertAlmostEqual(pool["hit_rate"], pool["cache_hits"] / requests, delta=0.001)
        self.assertGreater(figures["pools"]["mid"]["cache_hits"], 0)

    def test_statistics_count_whales_by_how_many_threads_held_some(self):
        figures = json.loads(run([sys.executable, "-c", WHALES], HAKMEM_STATS="json").stderr)
        by_threads = figures["whales_by_threads"].values()
        for kind in ("hits", "misses"):
            self.assertGreater(figures[f"whale_{kind}"], 0)
            self.assertEqual(sum(bucket[kind] for bucket in by_threads), figures[f"whale_{kind}"], kind)

    def test_statistics_count_no_hits_of_a_cache_that_is_off(self):
        done = run([sys.executable, "-c", BUSY], HAKMEM_STATS="json", HAKMEM_CACHE_LARGE="0")
        self.assertEqual(json.loads(done.stderr)["pools"]["large"]["cache_hits"], 0)

    def test_statistics_go_to_no_file_that_the_program_opens_as_descriptor_2(self):
        with tempfile.TemporaryDirectory() as folder:
            own, error = pathlib.Path(folder, "own"), pathlib.Path(folder, "error")
            opens = f"os.closerange(0, 4096); os.dup2(os.open({str(own)!r}, os.O_CREAT | os.O_WRONLY), 2)"
            for asks, options in (("", {"HAKMEM_STATS": "json"}), (ASKS_FOR_STATISTICS, {})):
                with error.open("wb") as stream:
                    subprocess.run([sys.executable, "-c", f"import ctypes, os; {asks}{opens}"], check=True, stderr=stream,
                                   env={**os.environ, "LD_PRELOAD": LIBRARY, **options})
                self.assertEqual((own.read_bytes(), error.read_bytes()), (b"", b""))

    def test_statistics_that_are_asked_for_by_the_program_go_where_standard_error_was(self):
        done = run([sys.executable, "-c", f"import ctypes, os; {ASKS_FOR_STATISTICS}os.close(2)"])
        self.assertGreater(json.loads(done.stderr)["superslabs_mapped"], 0)

    def test_keeps_a_descriptor_for_statistics_alone(self):
        def of_programs(**options):
            return [int(number) for number in run(["/bin/ls", "/proc/self/fd"], **options).stdout.split()]
        self.assertGreaterEqual(max(of_programs(HAKMEM_STATS="json")), 100)
        self.assertLess(max(of_programs()), 100)
        script = f"import ctypes, os; {ASKS_FOR_STATISTICS}print(*os.listdir('/proc/self/fd'))"
        kept = [int(number) for number in run([sys.executable, "-c", script], HAKMEM_STATS="json").stdout.split()]
        self.assertEqual(sum(number >= 100 for number in kept), 1, "asked for twice")

    def test_every_cache_off(self):
        done = run(HAKMEM_CACHE_TINY="0", HAKMEM_CACHE_MID="0", HAKMEM_CACHE_LARGE="0", HAKMEM_CACHE_WHALE="0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Logs(unittest.TestCase):
    """SPEC D8: each log is switched on by its variable, says what it shall, and says nothing else."""

    LOGS = {
        "HAKMEM_SS_ACQUIRE_DEBUG": [r"acquire class=\d+ stage=(same_class|any_class|unused|cached|mapped) "
                                    r"superslab=0x[0-9a-f]+ slot=\d+ slots=\d+"],
        "HAKMEM_SS_FREE_DEBUG": [r"release class=\d+ superslab=0x[0-9a-f]+ slot=\d+ slots=\d+",
                                 r"offer class=\d+ superslab=0x[0-9a-f]+ slot=\d+ slots=\d+",
                                 r"retire superslab=0x[0-9a-f]+"],
        "HAKMEM_SS_LRU_DEBUG": [r"lru_put superslab=0x[0-9a-f]+", r"lru_take superslab=0x[0-9a-f]+",
                                r"lru_unmap superslab=0x[0-9a-f]+ reason=(full|purge|trim)"],
        "HAKMEM_TINY_SLL_DRAIN_DEBUG": [r"outbox_send class=\d+ slab=0x[0-9a-f]+ blocks=\d+",
                                        r"outbox_drain chains=\d+", r"spill class=\d+ kept=\d+"],
    }

    def test_each_log_says_what_it_shall_and_nothing_else(self):
        for name, formats in self.LOGS.items():
            lines = run([sys.executable, "-c", BUSY], **{name: "1"}).stderr.splitlines()
            for expected in formats:
                self.assertTrue(any(re.fullmatch("hakmem: " + expected, line) for line in lines), (name, expected))
            any_format = "hakmem: (" + "|".join(formats) + ")"
            self.assertEqual([line for line in lines if not re.fullmatch(any_format, line)], [], name)

    def test_nothing_is_said_when_all_are_off(self):
        self.assertEqual(run([sys.executable, "-c", BUSY]).stderr, "")
        self.assertEqual(run([sys.executable, "-c", BUSY], **{name: "0" for name in self.LOGS}).stderr, "")

    def test_acquires_and_their_statistics_agree(self):
        done = run(["/bin/ls", "/"], HAKMEM_SS_ACQUIRE_DEBUG="1", HAKMEM_STATS="json")
        *lines, last = done.stderr.splitlines()
        figures = json.loads(last)
        for stage in ("same_class", "any_class", "unused", "cached", "mapped"):
            self.assertEqual(sum(f"stage={stage} " in line for line in lines), figures[f"acquired_{stage}"], stage)


if __name__ == "__main__":
    unittest.main()
