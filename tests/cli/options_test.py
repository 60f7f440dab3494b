#!/usr/bin/env python3
"""Options from the environment, on a real program: a bad value is one clear line and the default; statistics at exit."""
import functools
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

LIBRARY, REFERENCE = sys.argv[1:3]
del sys.argv[1:3]
TABLES = json.loads(subprocess.run([REFERENCE, "--json"], check=True, capture_output=True, text=True).stdout)


# A program with all kinds of events: threads that free each other's blocks, one that frees many of its own in a row, and
# memory that comes and goes.
BUSY = """
import ctypes, threading
def cycle():
    [bytes(2000) for i in range(1000)]
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


# Prints the values in effect of the options that it is given.
ASKS_FOR_VALUES = """
import ctypes, sys
value = ctypes.c_int64()
for name in sys.argv[1:]:
    assert ctypes.CDLL(None).hak_option_get(name.encode(), ctypes.byref(value)) == 0, name
    print(value.value)
"""


def values_of(*names, **options):
    """The values in effect of options, and what was said on standard error."""
    done = run([sys.executable, "-c", ASKS_FOR_VALUES, *names], **options)
    return [int(line) for line in done.stdout.splitlines()], done.stderr


class Options(unittest.TestCase):
    def test_prints_nothing_unless_asked(self):
        self.assertEqual(run().stderr, "")

    def test_a_bad_value_is_one_line_and_the_default(self):
        for name, value, reason in (("HAKMEM_CACHE_MID", "yes", "is not a number"),
                                    ("HAKMEM_REFILL_SMALL", "1000", "is out of range"),
                                    ("HAKMEM_PURGE_DELAY_MS", "-2", "is out of range"),
                                    ("HAKMEM_CAP_TARGET_MID", "0.95", "is out of range"),
                                    ("HAKMEM_CAP_TARGET_MID", "0.65x", "is not a number"),
                                    ("HAKMEM_WASTE_CANDIDATES_MID", "1.4,0.9", "is out of range"),
                                    ("HAKMEM_WASTE_CANDIDATES_MID", "1.4,", "is not a number"),
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
                ("HAKMEM_CAP_TARGET_MID", "x", "is not a number; give 0.5 to 0.9; the default 0.65 is used"),
                ("HAKMEM_WASTE_ADOPT", "1", "is out of range; give 0.005 to 0.05; the default 0.01 is used"),
                ("HAKMEM_STATS", "3", "is out of range; give 0 to 2, text or json; the default 0 is used"),
                ("HAKMEM_CRASH_LOG", "", "is not a number; give 0 to 1 or the path of a file; the default 0 is used"),
                ("HAKMEM_CRASH_LOG", "/nonexistent/log",
                 "cannot be opened for writing; give 0, 1 for standard error, or the path of a file; there is no crash log"),
                ("HAKMEM_WASTE_CANDIDATES_MID", "0.9", "is out of range; give 1 to 8 numbers of 1 to 16 with commas between "
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
        rows = {row["name"]: row for row in TABLES["statistics"]}
        self.assertEqual(sorted(rows), sorted(re.findall(r"uint64_t (\w+)[;[]", structure)))
        figures = json.loads(run(HAKMEM_STATS="json").stderr)
        for row in rows.values():
            places = [row["json"].replace("*", label) for label in row["labels"]] or [row["json"]]
            values = [functools.reduce(lambda found, key: found[key], place.split("."), figures) for place in places]
            if row["count"] != 1 and not row["labels"]:
                values, = values
            self.assertEqual([type(value) for value in values], [int] * row["count"], row["name"])
        alone = [row["json"] for row in rows.values() if not row["labels"]]
        self.assertEqual(list(figures), [*alone, "whales_by_threads", "pools"])
        self.assertEqual(list(figures["whales_by_threads"]), ["1", "2", "3-4", "5-8", "9-16", "more"])
        self.assertEqual(list(figures["pools"]), ["small", "mid", "large"])
        self.assertEqual(list(figures["whales_by_threads"]["2"]), ["hits", "misses"])
        self.assertEqual(list(figures["pools"]["mid"]), ["refills", "refilled_blocks", "cache_hits", "hit_rate"])
        self.assertLessEqual(figures["pools"]["small"]["hit_rate"], 1)
        self.assertEqual(len(figures["caps_mid"]), 20)

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

    def test_statistics_that_the_program_does_not_want_any_more_are_not_printed(self):
        script = f"import ctypes; {ASKS_FOR_STATISTICS}ctypes.CDLL(None).hak_option_set(b'HAKMEM_STATS', b'0')"
        self.assertEqual(run([sys.executable, "-c", script]).stderr, "")

    def test_keeps_a_descriptor_for_statistics_alone(self):
        def of_programs(**options):
            return [int(number) for number in run(["/bin/ls", "/proc/self/fd"], **options).stdout.split()]
        self.assertGreaterEqual(max(of_programs(HAKMEM_STATS="json")), 100)
        self.assertLess(max(of_programs()), 100)
        script = f"import ctypes, os; {ASKS_FOR_STATISTICS}print(*os.listdir('/proc/self/fd'))"
        kept = [int(number) for number in run([sys.executable, "-c", script], HAKMEM_STATS="json").stdout.split()]
        self.assertEqual(sum(number >= 100 for number in kept), 1, "asked for twice")

    def test_every_cache_off(self):
        done = run(HAKMEM_CACHE_SMALL="0", HAKMEM_CACHE_MID="0", HAKMEM_CACHE_LARGE="0", HAKMEM_CACHE_WHALE="0")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class EveryOption(unittest.TestCase):
    """What holds for each row of the table, under each of its names."""

    @staticmethod
    def number(row, value):
        """A number as it is written; of fractions and lists it is in thousandths."""
        return f"{value / 1000:g}" if row["kind"] in ("fraction", "list") else str(value)

    def choice(self, row):
        """What a warning says that one can give."""
        if row["kind"] == "words":
            return ", ".join(word["word"] for word in row["words"]) + " with commas between them, or 0"
        said = f"{self.number(row, row['least'])} to {self.number(row, row['most'])}"
        if row["kind"] == "list":
            return f"1 to {row['longest']} numbers of {said} with commas between them"
        if row["kind"] == "path":
            return f"{said} or the path of a file"
        return said + (", " + " or ".join(word["word"] for word in row["words"]) if row["words"] else "")

    def test_a_bad_value_is_one_line_that_says_what_the_table_says(self):
        for row in TABLES["options"]:
            bad = {"path": ("", "is not a number"), "words": ("x", "has an unknown word")}.get(
                row["kind"], (self.number(row, row["most"] + 1), "is out of range"))
            for name in filter(None, (row["name"], row["alias"])):
                self.assertEqual(run(**{name: bad[0]}).stderr, f"hakmem: {name}={bad[0]} {bad[1]}; give {self.choice(row)}; "
                                                               f"the default {row['normal']} is used\n")

    def test_the_default_may_be_given_under_every_name(self):
        self.assertGreater(len(TABLES["options"]), 25)
        names = [name for row in TABLES["options"] for name in (row["name"], row["alias"]) if name]
        before = values_of(*names)
        given = {name: row["normal"] for row in TABLES["options"] for name in (row["name"], row["alias"]) if name}
        self.assertEqual(values_of(*names, **given), before)
        self.assertEqual(before[1], "")

    def test_words_are_numbers_or_bits(self):
        for row in TABLES["options"]:
            for at, word in enumerate(row["words"]):
                value = 1 << at if row["kind"] == "words" else at + 1
                self.assertEqual(values_of(row["name"], **{row["name"]: word["word"]})[0], [value])


class FormerNames(unittest.TestCase):
    """They stay valid. Where both names are given, the new one decides."""

    def test_are_read_and_named_as_they_were_written(self):
        self.assertEqual(values_of("HAKMEM_REFILL_SMALL", HAKMEM_TINY_REFILL="64"), ([64], ""))
        self.assertEqual(values_of("HAKMEM_REFILL_SMALL", HAKMEM_TINY_REFILL="1000"),
                         ([128], "hakmem: HAKMEM_TINY_REFILL=1000 is out of range; give 16 to 128; the default 128 is used\n"))
        self.assertEqual(values_of("HAKMEM_LOG", HAKMEM_SS_LRU_DEBUG="on"),
                         ([0], "hakmem: HAKMEM_SS_LRU_DEBUG=on is not a number; give 0 to 1; the default 0 is used\n"))

    def test_that_say_the_same_are_no_matter(self):
        for new, former in (("64", "64"), ("64", "064")):
            self.assertEqual(values_of("HAKMEM_REFILL_SMALL", HAKMEM_REFILL_SMALL=new, HAKMEM_TINY_REFILL=former), ([64], ""))
        same = {"HAKMEM_WASTE_CANDIDATES_MID": "2,3", "HAKMEM_WMAX_CANDIDATES_MID": "2.0,3"}
        self.assertEqual(values_of("HAKMEM_WASTE_CANDIDATES_MID", **same), ([2], ""))

    def test_that_say_otherwise_are_not_used_and_named_in_one_line(self):
        for name, former, new, old, value in (
                ("HAKMEM_REFILL_SMALL", "HAKMEM_TINY_REFILL", "32", "64", 32),
                ("HAKMEM_REFILL_SMALL", "HAKMEM_TINY_REFILL", "32", "x", 32),
                ("HAKMEM_CAP_TARGET_MID", "HAKMEM_TARGET_HIT_MID", "0.7", "0.8", 700),
                ("HAKMEM_WASTE_CANDIDATES_MID", "HAKMEM_WMAX_CANDIDATES_MID", "2,3", "2,4", 2)):
            self.assertEqual(values_of(name, **{name: new, former: old}),
                             ([value], f"hakmem: {former}={old} is not used; {name}={new}, its newer name, says otherwise\n"))

    def test_a_bad_value_of_the_newer_name_is_not_made_good_by_a_former_one(self):
        values, said = values_of("HAKMEM_REFILL_SMALL", HAKMEM_REFILL_SMALL="x", HAKMEM_TINY_REFILL="64")
        self.assertEqual(values, [128])
        self.assertEqual([line.split(";")[0] for line in said.splitlines()],
                         ["hakmem: HAKMEM_REFILL_SMALL=x is not a number", "hakmem: HAKMEM_TINY_REFILL=64 is not used"])

    def test_unknown_names_are_no_matter(self):
        self.assertEqual(run(HAKMEM_NO_SUCH_THING="1", HAKMEM_CACHE_TINY_="x", HAKMEM_="1").stderr, "")


class Logs(unittest.TestCase):
    """SPEC D8: each log is switched on by its word, says what it shall, and says nothing else."""

    LOGS = {
        "acquire": [r"acquire class=\d+ stage=(same_class|any_class|unused|cached|mapped) "
                    r"superslab=0x[0-9a-f]+ slot=\d+ slots=\d+"],
        "free": [r"release class=\d+ superslab=0x[0-9a-f]+ slot=\d+ slots=\d+",
                 r"offer class=\d+ superslab=0x[0-9a-f]+ slot=\d+ slots=\d+",
                 r"retire superslab=0x[0-9a-f]+"],
        "lru": [r"lru_put superslab=0x[0-9a-f]+", r"lru_take superslab=0x[0-9a-f]+",
                r"lru_unmap superslab=0x[0-9a-f]+ reason=(full|purge|trim)"],
        "outbox": [r"outbox_send class=\d+ slab=0x[0-9a-f]+ blocks=\d+", r"outbox_drain chains=\d+",
                   r"spill class=\d+ kept=\d+"],
    }
    SWITCHES = {"acquire": "HAKMEM_SS_ACQUIRE_DEBUG", "free": "HAKMEM_SS_FREE_DEBUG", "lru": "HAKMEM_SS_LRU_DEBUG",
                "outbox": "HAKMEM_TINY_SLL_DRAIN_DEBUG"}

    def assert_logs(self, words, **options):
        """Each line of these logs is there, and no other."""
        lines = run([sys.executable, "-c", BUSY], **options).stderr.splitlines()
        formats = [expected for word in words for expected in self.LOGS[word]]
        for expected in formats:
            self.assertTrue(any(re.fullmatch("hakmem: " + expected, line) for line in lines), (options, expected))
        any_format = "hakmem: (" + "|".join(formats) + ")"
        self.assertEqual([line for line in lines if not re.fullmatch(any_format, line)], [], options)

    def test_each_log_says_what_it_shall_and_nothing_else(self):
        for word in self.LOGS:
            self.assert_logs([word], HAKMEM_LOG=word)
            self.assert_logs([word], **{self.SWITCHES[word]: "1"})

    def test_several_logs_are_words_with_commas_between_them_or_several_switches(self):
        self.assert_logs(["free", "lru"], HAKMEM_LOG="lru,free")
        self.assert_logs(["free", "lru"], HAKMEM_SS_LRU_DEBUG="1", HAKMEM_SS_FREE_DEBUG="1")
        self.assert_logs(list(self.LOGS), HAKMEM_LOG=",".join(self.LOGS))

    def test_nothing_is_said_when_all_are_off(self):
        self.assertEqual(run([sys.executable, "-c", BUSY]).stderr, "")
        self.assertEqual(run([sys.executable, "-c", BUSY], HAKMEM_LOG="0").stderr, "")
        self.assertEqual(run([sys.executable, "-c", BUSY], **{name: "0" for name in self.SWITCHES.values()}).stderr, "")

    def test_a_word_that_there_is_not_is_one_line_and_no_log(self):
        for text in ("lru,fre", "1", ""):
            self.assertEqual(run([sys.executable, "-c", BUSY], HAKMEM_LOG=text).stderr,
                             f"hakmem: HAKMEM_LOG={text} has an unknown word; give acquire, free, lru, outbox with commas "
                             "between them, or 0; the default 0 is used\n")

    def test_a_former_switch_that_says_otherwise_is_not_used(self):
        said = {name: "1" for name in self.SWITCHES.values()}
        said["HAKMEM_SS_FREE_DEBUG"] = "no"
        values, lines = values_of("HAKMEM_LOG", *self.SWITCHES.values(), HAKMEM_LOG="outbox,lru", **said)
        self.assertEqual(values, [4 + 8, 0, 0, 1, 1])
        lines = [line for line in lines.splitlines() if "is not used" in line]
        self.assertEqual(lines, [f"hakmem: {name} is not used; HAKMEM_LOG=outbox,lru, its newer name, says otherwise"
                                 for name in ("HAKMEM_SS_ACQUIRE_DEBUG=1", "HAKMEM_SS_FREE_DEBUG=no")])

    def test_acquires_and_their_statistics_agree(self):
        done = run(["/bin/ls", "/"], HAKMEM_LOG="acquire", HAKMEM_STATS="json")
        *lines, last = done.stderr.splitlines()
        figures = json.loads(last)
        for stage in ("same_class", "any_class", "unused", "cached", "mapped"):
            self.assertEqual(sum(f"stage={stage} " in line for line in lines), figures[f"acquired_{stage}"], stage)


if __name__ == "__main__":
    unittest.main()
