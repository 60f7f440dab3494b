"""One search on several machines: its parts, run apart from each other, add up to the whole."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECK = None

# (suite, scheduler, more options)
SEARCHES = [("remote_word/slee?", "full"), ("remote_word/slee?", "full", "--plain"), ("remote_word/two_waker?", "full"),
            ("free_slots/stale_hin?", "full"), ("trim/against_us?", "bound=1"), ("fork_image/chil?", "full"),
            ("remote_word/two_slab?", "graph"), ("remote_word/slee?", "graph+1"), ("refusals/hea?", "graph=3")]


def run(check, *arguments):
    return subprocess.run([check, *map(str, arguments)], text=True, capture_output=True, check=False)


def rows(report):
    return json.loads(report.read_text())["results"]


class Parts(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def run_part(self, number, count, search, *more):
        report = self.folder / f"part{number}.json"
        suite, scheduler, *options = search
        done = run(CHECK, "run", suite, "--scheduler", scheduler, *options, "--part", f"{number}/{count}",
                   "--json", report, *more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return report

    def whole(self, search):
        suite, scheduler, *options = search
        report = self.folder / "whole.json"
        run(CHECK, "run", suite, "--scheduler", scheduler, *options, "--json", report)
        return rows(report)[0]

    def united(self, search, count):
        """The row of a search in parts, which are run again as long as they have learned different things."""
        report, known = self.folder / "united.json", ()
        for _ in range(8):
            parts = [self.run_part(i + 1, count, search, *known) for i in range(count)]
            done = run(CHECK, "report", *parts, "--json", report)
            (row,) = rows(report)
            self.assertEqual(done.returncode, 0 if row["status"] == "pass" else 3)
            if row["status"] == "pass":
                return row
            self.assertIn("learned different things", row["message"])
            known = ("--knowledge", report)
        self.fail("the parts never agree")

    def test_add_up_to_the_whole(self):
        for search in SEARCHES:
            whole = self.whole(search)
            for count in (2, 5):
                with self.subTest(search, parts=count):
                    row = self.united(search, count)
                    self.assertEqual((row["verdict"], row["executions"]), (whole["verdict"], whole["executions"]))

    def test_that_have_learned_different_things_are_run_again(self):
        """Rare, as every part runs the beginnings of all: so one report is changed."""
        search, united = SEARCHES[0], self.folder / "united.json"
        parts = [self.run_part(i + 1, 2, search) for i in range(2)]
        report = json.loads(parts[0].read_text())
        details = report["results"][0]["details"]
        details["knowledge"] = details["knowledge"].split()[0]
        parts[0].write_text(json.dumps(report))
        done = run(CHECK, "report", *parts, "--json", united)
        self.assertEqual(done.returncode, 3)
        self.assertIn("learned different things", done.stderr)
        self.assertIn("VERDICT: INCOMPLETE", done.stderr)
        self.assertIn("--part 1/2 --knowledge", rows(united)[0]["continue"])
        again = [self.run_part(i + 1, 2, search, "--knowledge", united) for i in range(2)]
        self.assertEqual(run(CHECK, "report", *again, "--json", united).returncode, 0)
        self.assertEqual(rows(united)[0]["executions"], self.whole(search)["executions"])

    def test_are_the_same_each_time(self):
        first, second = (rows(self.run_part(2, 3, SEARCHES[0]))[0]["executions"] for _ in range(2))
        self.assertEqual(first, second)

    def test_are_no_verdict_alone(self):
        self.assertEqual(rows(self.run_part(1, 3, SEARCHES[0]))[0]["verdict"], "PART(1/3)")

    def test_that_are_missing_or_there_twice_make_no_whole(self):
        one, two = self.run_part(1, 3, SEARCHES[0]), self.run_part(2, 3, SEARCHES[0])
        for parts in ([one, two], [one, two, two]):
            done = run(CHECK, "report", *parts)
            self.assertEqual(done.returncode, 3)
            self.assertIn("TRUNCATED", done.stdout)
            self.assertIn("VERDICT: INCOMPLETE", done.stderr)
            self.assertRegex(done.stderr, r"part \d of 3 is there \d times")

    def test_of_another_build_are_refused(self):
        part = self.run_part(1, 1, SEARCHES[0])
        report = json.loads(part.read_text())
        report["results"][0]["details"]["build"] = "00000000"
        part.write_text(json.dumps(report))
        done = run(CHECK, "report", part)
        self.assertEqual(done.returncode, 2)
        self.assertIn("another build", done.stderr.splitlines()[0])

    def test_that_are_damaged_are_refused(self):
        part = self.run_part(1, 2, SEARCHES[0])
        for name, value in (("part", "one"), ("parts", -2), ("waits", 1), ("knowledge", None), ("build", 7)):
            report = json.loads(part.read_text())
            report["results"][0]["details"][name] = value
            damaged = self.folder / "damaged.json"
            damaged.write_text(json.dumps(report))
            done = run(CHECK, "report", damaged)
            with self.subTest(name):
                self.assertEqual(done.returncode, 2)
                self.assertIn("is no report", done.stderr.splitlines()[0])

    def test_are_refused_where_they_make_no_sense(self):
        for arguments, text in ((["--part", "4/3"], "--part takes i/n"), (["--part", "1/2", "--split", "2"], "--part takes neither"),
                                (["--part", "1/2", "--scheduler", "random"], "needs a search of all executions"),
                                (["--knowledge", "/nonexistent", "--part", "1/2"], "--knowledge")):
            done = run(CHECK, "run", "remote_word/slee?", *arguments)
            with self.subTest(arguments):
                self.assertEqual(done.returncode, 2)
                self.assertIn(text, done.stderr.splitlines()[0])


if __name__ == "__main__":
    CHECK = sys.argv.pop()
    unittest.main()
