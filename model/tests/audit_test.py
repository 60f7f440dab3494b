"""The audit: what it kills, what it lets live, what it refuses, and that a change of one order by hand changes its verdict."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

CHECK = NEEDLESS = WEAKENED = HANGING = HEADERS = ROOT = None
CACHE = None  # how the suites reach what is audited, measured once for all tests that do not say otherwise
MINUTES = 1200


def setUpModule():
    global CACHE
    folder = tempfile.TemporaryDirectory(prefix="hakmem-audit-cache-")
    unittest.addModuleCleanup(folder.cleanup)
    CACHE = pathlib.Path(folder.name) / "verdicts"


class AuditTest(unittest.TestCase):
    """Works on copies of the source tree, with a cache that all tests share."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="hakmem-audit-")
        cls.work = pathlib.Path(cls.directory.name)

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    @classmethod
    def tree(cls, name):
        """A copy of the source; files keep their times."""
        root = cls.work / name
        for folder in ("src", "checker", "model"):
            shutil.copytree(ROOT / folder, root / folder, dirs_exist_ok=True)
        (root / "docs").mkdir(exist_ok=True)
        return root

    @classmethod
    def command(cls, root, *words, program=None, cache=None):
        return [program or CHECK, "audit", *words, "--source", str(root), "--cache", str(cache or CACHE),
                "--ledger", str(cls.work / "ledger.md")]

    @classmethod
    def audit(cls, root, *words, **how):
        done = subprocess.run(cls.command(root, *words, **how), text=True, capture_output=True, check=False,
                              timeout=MINUTES)
        return done.returncode, done.stdout + done.stderr


class Verdicts(AuditTest):
    def test_weak_orders_are_killed_with_an_execution_that_shows_it(self):
        report = self.work / "report.json"
        code, output = self.audit(self.tree("killed"), "take_all_list.hpp/take_all", "--json", str(report))
        self.assertEqual(code, 0, output)
        mutants = {row["mutant"]: row for row in json.loads(report.read_text())["mutants"]}
        row = mutants["lockfree/take_all_list.hpp/take_all/exchange(acquire)/order=relaxed"]
        self.assertEqual((row["verdict"], row["problem"]), ("killed", "DATA RACE (data race detected)"))
        self.assertGreater(row["execution"], 0)
        self.assertTrue(all(row["verdict"] == "killed" for row in mutants.values()), mutants)

    def test_second_run_asks_no_mutant_again(self):
        root = self.tree("again")
        self.audit(root, "take_all_list.hpp/take_all")
        started = time.monotonic()
        code, output = self.audit(root, "take_all_list.hpp/take_all")
        self.assertEqual(code, 0, output)
        self.assertIn(" 0 mutants run now", output)
        self.assertLess(time.monotonic() - started, 5)

    def test_token_of_a_kill_replays_it(self):
        report = self.work / "token.json"
        self.audit(self.tree("token"), "take_all_list.hpp/take_all", "--json", str(report))
        row = next(row for row in json.loads(report.read_text())["mutants"] if row["mutant"].endswith("order=relaxed"))
        done = subprocess.run([CHECK, "replay", row["replay"], "--cache", str(CACHE)], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("DATA RACE", done.stdout)
        self.assertIn("src/lockfree/take_all_list.hpp", done.stdout)

    def test_part_of_an_audit_writes_no_ledger(self):
        self.audit(self.tree("part"), "take_all_list.hpp/take_all")
        self.assertFalse((self.work / "ledger.md").exists())

    def test_audit_that_is_cut_off_while_it_looks_at_the_suites_leaves_the_ledger_alone(self):
        ledger = self.work / "ledger.md"
        for how in ("time", "interrupt"):
            ledger.write_text("as it was")
            command = self.command(self.tree("cut"), cache=self.work / f"cut-{how}")
            if how == "time":
                done = subprocess.run([*command, "--seconds", "1"], capture_output=True, check=False, timeout=MINUTES)
                code = done.returncode
            else:
                audit = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                time.sleep(2)
                audit.send_signal(signal.SIGINT)
                code = audit.wait(timeout=MINUTES)
            self.assertNotEqual(code, 0)
            self.assertEqual(ledger.read_text(), "as it was", how)
        ledger.unlink()


class KeptVerdicts(AuditTest):
    PATTERN = "take_all_list.hpp/take_all"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.report, cls.kept = cls.work / "report.json", cls.work / "kept.json"
        cls.root = cls.tree("kept")
        cls.audit(cls.root, cls.PATTERN, "--json", str(cls.report))

    def keep(self, change):
        """A file that keeps what the audit has found, but for a change of the weakened order."""
        mutants = {row["mutant"]: {key: row[key] for key in ("suites", "verdict", "suite", "scheduler", "execution", "problem")}
                   for row in json.loads(self.report.read_text())["mutants"]}
        count = len(mutants)
        change(mutants, "lockfree/take_all_list.hpp/take_all/exchange(acquire)/order=relaxed")
        self.kept.write_text(json.dumps({"version": 1, "mutants": mutants}))
        return count

    def again(self, *words):
        return self.audit(self.root, self.PATTERN, "--kept", str(self.kept), *words)

    def test_stay_as_they_were_unless_their_header_has_changed(self):
        count = self.keep(lambda mutants, id: mutants[id].update(verdict="survived"))
        code, output = self.again()
        self.assertEqual(code, 1)
        self.assertIn("exchange(acquire)/order=relaxed survives without an explanation", output)
        self.assertIn(f"0 mutants run now, {count} kept", output)
        code, output = self.again("--changed", "nothing", "lockfree/take_all_list.hpp/")
        self.assertEqual(code, 0, output)
        self.assertIn("0 kept", output)

    def test_fall_when_other_suites_reach_the_operation(self):
        for change in (lambda mutants, id: mutants[id]["suites"].pop(), lambda mutants, id: mutants[id]["suites"].append("another"),
                       lambda mutants, id: mutants[id].update(verdict="not run"), lambda mutants, id: mutants[id].pop("suites"),
                       lambda mutants, id: mutants.pop(id)):
            count = self.keep(lambda mutants, id: (mutants[id].update(verdict="survived"), change(mutants, id)))
            code, output = self.again()
            self.assertEqual(code, 0, output)
            self.assertIn(" kept", output)
            self.assertNotIn(f" {count} kept", output)

    def test_file_that_holds_none_is_a_wrong_call(self):
        for text in ("", "[]", "{}", '{"version": 2, "mutants": {}}', '{"version": 1, "mutants": []}'):
            self.kept.write_text(text)
            code, output = self.again()
            self.assertEqual((code, len(output.splitlines())), (2, 1), output)
            self.assertIn("holds no verdicts of an audit", output)
        code, output = self.audit(self.root, self.PATTERN, "--changed", "x")
        self.assertEqual((code, output), (2, "hakmem-check: --changed needs --kept\n"))


class Survivors(AuditTest):
    PATTERN = "page_map.hpp/take/"

    def with_survivors(self, name, change):
        root = self.tree(name)
        path = root / "src/layout/page_map.survivors.json"
        data = json.loads(path.read_text())
        change(data)
        path.write_text(json.dumps(data))
        return self.audit(root, self.PATTERN)

    def test_explained_survivor_passes(self):
        code, output = self.with_survivors("fine", lambda data: None)
        self.assertEqual(code, 0, output)
        self.assertRegex(output, r"survived +layout/page_map.hpp/take/.*repeated +\(equivalent\)")

    def test_unexplained_survivor_fails(self):
        def forget(data):
            data["survivors"] = [entry for entry in data["survivors"] if "/take/" not in entry["mutants"][0]]
        code, output = self.with_survivors("unexplained", forget)
        self.assertEqual(code, 1)
        self.assertIn("repeated survives without an explanation", output)

    def test_explanation_of_a_site_that_is_gone_fails(self):
        def add(data):
            data["survivors"].append({"mutants": ["layout/page_map.hpp/take/store(relaxed)/lost"],
                                      "verdict": "equivalent", "why": "there is no such store any more"})
        code, output = self.with_survivors("gone", add)
        self.assertEqual(code, 1)
        self.assertRegex(output, r"page_map.survivors.json explains .*take/store.*, and there is no such mutant")

    def test_explanation_of_a_mutant_that_is_killed_fails(self):
        def add(data):
            data["survivors"].append({"mutants": ["layout/page_map.hpp/take/compare_exchange(relaxed,relaxed)/split"],
                                      "verdict": "equivalent", "why": "nobody would notice, they say"})
        code, output = self.with_survivors("killed", add)
        self.assertEqual(code, 1)
        self.assertRegex(output, r"split is killed by direct/freed_twice, yet explained")

    def test_verdict_that_is_none_fails(self):
        code, output = self.with_survivors("verdict", lambda data: data["survivors"][0].update(verdict="fine"))
        self.assertEqual(code, 1)
        self.assertIn("unknown verdict 'fine'", output)

    def test_damaged_file_fails(self):
        root = self.tree("damaged")
        (root / "src/layout/page_map.survivors.json").write_text("{")
        code, output = self.audit(root, self.PATTERN)
        self.assertEqual(code, 1)
        self.assertIn("page_map.survivors.json: ", output)

    def test_operation_that_no_suite_reaches_fails_unless_explained(self):
        root = self.tree("unreached")
        (root / "src/sync/counter.survivors.json").unlink()
        code, output = self.audit(root, "sync/counter")
        self.assertEqual(code, 1)
        self.assertRegex(output, r"src/sync/counter.hpp:\d+ is reached by no suite")


class OrdersChangedByHand(AuditTest):
    def edited(self, name, program):
        root = self.tree(name)
        shutil.copy2(HEADERS / name / "lockfree/remote_word.hpp", root / "src/lockfree/remote_word.hpp")
        cache = self.work / f"{name} cache"
        if CACHE.exists():  # suites that do not reach the header are what they were
            shutil.copy2(CACHE, cache)
        return self.audit(root, "remote_word.hpp/take_all", program=str(program), cache=cache)

    def test_needless_seq_cst_survives_its_weakening(self):
        code, output = self.edited("needless", NEEDLESS)
        self.assertEqual(code, 1, output)
        self.assertRegex(output, r"take_all/exchange\(seq_cst\)/order=acquire survives without an explanation")
        self.assertNotIn("order=relaxed survives", output)

    def test_weakened_order_fails_as_it_is(self):
        code, output = self.edited("edited", WEAKENED)
        self.assertEqual(code, 1)
        self.assertRegex(output, r"remote_word/two_pushers does not hold on the code as it is: DATA RACE")


class Limits(AuditTest):
    def test_program_older_than_its_source_refuses(self):
        root = self.tree("newer")
        os.utime(root / "src/lockfree/remote_word.hpp", (time.time() + MINUTES, time.time() + MINUTES))
        code, output = self.audit(root, "take_all_list")
        self.assertEqual(code, 2)
        self.assertIn("remote_word.hpp is newer than this program; build hakmem-check again", output)

    def test_pattern_without_a_mutant_is_a_wrong_call(self):
        code, output = self.audit(self.tree("nothing"), "no such thing")
        self.assertEqual(code, 2)
        self.assertIn("no mutant matches 'no such thing'", output)

    def test_what_there_was_no_time_for_is_incomplete(self):
        report = self.work / "time.json"
        code, output = self.audit(self.tree("time"), "slot_word", "--seconds", "1", "--json", str(report),
                                  cache=self.work / "time cache")
        self.assertEqual(code, 3)
        self.assertIn("VERDICT: INCOMPLETE", output)
        self.assertEqual(json.loads(report.read_text())["verdict"], "INCOMPLETE")

    def test_suite_that_does_not_end_under_a_mutant_has_not_killed_it(self):
        report = self.work / "hanging.json"
        code, output = self.audit(self.tree("hanging"), "remote_word.hpp/take_all/exchange(acquire)/lost", "--json",
                                  str(report), "--patience", "5", program=str(HANGING), cache=self.work / "hanging cache")
        self.assertEqual(code, 1)
        self.assertRegex(output, "lost is a timeout of hanging/takes_until_empty without an explanation")
        self.assertEqual([row["verdict"] for row in json.loads(report.read_text())["mutants"]], ["timeout"])

    def test_interrupted_audit_goes_on_where_it_was(self):
        root = self.tree("interrupted")
        self.audit(root, "pointer_cache.hpp/put/load")  # measures the suites
        with subprocess.Popen(self.command(root, "slot_word"), stdout=subprocess.PIPE, text=True) as process:
            time.sleep(3)
            process.send_signal(signal.SIGINT)
            output = process.communicate(timeout=MINUTES)[0]
        self.assertEqual(process.returncode, 3, output)
        self.assertIn("VERDICT: INCOMPLETE: interrupted", output)
        remaining = int(re.search(r"(\d+) not run", output)[1])
        self.assertGreater(remaining, 0)
        code, output = self.audit(root, "slot_word.hpp/activate")
        self.assertEqual(code, 0, output)

    def test_cache_that_cannot_be_written_is_a_wrong_call(self):
        code, output = self.audit(self.tree("unwritable"), "take_all_list", cache=self.work)
        self.assertEqual(code, 2)
        self.assertIn(f"cannot write {self.work}", output)

    def test_file_that_does_not_say_what_operations_compile_to_is_a_wrong_call(self):
        file = self.work / "costs.json"
        file.write_text("{}", encoding="utf-8")
        code, output = self.audit(self.tree("costs"), "take_all_list", "--costs", str(file))
        self.assertEqual(code, 2)
        self.assertIn("costs.json does not say what operations compile to", output)

    def test_wrong_calls_are_answered(self):
        for words in (["--jobs", "0"], ["--seconds", "-1"], ["--source", "/nowhere"], ["--costs", "/nowhere"], ["a", "b"], ["--unknown"]):
            done = subprocess.run([CHECK, "audit", *words], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("Usage: hakmem-check audit", done.stderr)


if __name__ == "__main__":
    ROOT = pathlib.Path(sys.argv.pop()).resolve()
    HEADERS = pathlib.Path(sys.argv.pop()).resolve()
    HANGING = pathlib.Path(sys.argv.pop()).resolve()
    WEAKENED = pathlib.Path(sys.argv.pop()).resolve()
    NEEDLESS = pathlib.Path(sys.argv.pop()).resolve()
    CHECK = sys.argv.pop()
    unittest.main()
