"""ci/bench --compare tells changes from noise: results that are made up have the changes that it must report, and no others."""
import json
import pathlib
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
from hakmem_ci.jobs.bench import compare

QUIET = (1.0, 1.01, 0.99, 1.005, 0.995)
LOUD = (1.0, 1.3, 0.8, 1.1, 0.9)


def sample(number, speed=100.0, resident=1 << 20, faults=1000, problem=""):
    return {"round": number, "problem": problem, "speed": speed, "cpu_speed": speed, "resident": resident, "faults": faults}


def result(commit="old", command=("work",), counts=(), peer=(), **scenarios):
    """A result of ci/bench; a scenario's samples are hakmem's. `peer`: the speeds of another allocator."""
    samples = {name: {"hakmem": each, "peer": [sample(number, 50.0 * factor) for number, factor in enumerate(peer)]}
               for name, each in scenarios.items()}
    if counts:
        samples["instructions"] = {"hakmem": [{**sample(0), "counts": [
            {"bytes": size, "pattern": "pair", "instructions": number, "system_calls": 0} for size, number in counts]}]}
    return {"subject": "hakmem", "commit": commit, "rounds_done": 5, "machine": "here",
            "allocators": {"hakmem": "libhakmem.so", **({"peer": "libpeer.so"} if peer else {})},
            "results": [{"scenario": name, "command": list(command)} for name in scenarios], "samples": samples}


def rounds(factors, speed=100.0, **more):
    return [sample(number, speed * factor, **more) for number, factor in enumerate(factors)]


def verdicts(old, new):
    """scenario -> figure -> verdict, of what differs."""
    rows, _ = compare.compare(old, new)
    return {row["scenario"]: {figure.field: row[figure.field]["verdict"] for figure in compare.FIGURES
                              if row[figure.field]["verdict"]} for row in rows}


class Comparison(unittest.TestCase):
    def test_equal_results_do_not_differ(self):
        self.assertEqual(verdicts(result(work=rounds(LOUD)), result(work=rounds(LOUD))), {"work": {}})

    def test_a_change_above_the_noise_is_reported_with_its_direction(self):
        for speed, verdict in ((90.0, compare.WORSE), (110.0, compare.BETTER)):
            self.assertEqual(verdicts(result(work=rounds(QUIET)), result(work=rounds(QUIET, speed))),
                             {"work": {"speed": verdict, "cpu_speed": verdict}})

    def test_the_same_change_below_the_noise_is_not(self):
        for old, new in ((LOUD, QUIET), (QUIET, LOUD)):
            self.assertEqual(verdicts(result(work=rounds(old)), result(work=rounds(new, 90.0))), {"work": {}})

    def test_a_difference_of_one_percent_is_none(self):
        still = (1.0,) * 5
        self.assertEqual(verdicts(result(work=rounds(still)), result(work=rounds(still, 99.0))), {"work": {}})

    def test_more_memory_and_more_page_faults_are_worse(self):
        self.assertEqual(verdicts(result(work=rounds(QUIET)), result(work=rounds(QUIET, resident=2 << 20, faults=500))),
                         {"work": {"resident": compare.WORSE, "faults": compare.BETTER}})

    def test_a_slower_day_is_none_if_the_other_allocators_have_it_too(self):
        old, new = result(work=rounds(QUIET), peer=QUIET), result(work=rounds(QUIET, 60.0), peer=[0.6 * x for x in QUIET])
        self.assertEqual(verdicts(old, new), {"work": {}})
        new = result(work=rounds(QUIET, 60.0), peer=QUIET)
        self.assertEqual(verdicts(old, new), {"work": {"speed": compare.WORSE, "cpu_speed": compare.WORSE}})

    def test_two_rounds_say_nothing(self):
        rows, _ = compare.compare(result(work=rounds(QUIET[:2])), result(work=rounds(QUIET, 10.0)))
        self.assertEqual(rows[0]["speed"]["verdict"], compare.UNKNOWN)
        self.assertIn("fewer than 3 rounds", compare.conclusion(rows)[0])

    def test_ratios_have_their_spread(self):
        found = compare.compared([10, 20, 20], [40, 30, 40], compare.FIGURES[0])
        self.assertEqual((found["ratio"], found["min"], found["max"]), (2, 1.5, 4))

    def test_other_work_missing_scenarios_and_failures_are_left_out(self):
        old = result(same=rounds(QUIET), gone=rounds(QUIET), failed=rounds(QUIET))
        new = result(same=rounds(QUIET), fresh=rounds(QUIET), failed=[sample(0, problem="crashed")])
        rows, left_out = compare.compare(old, new)
        self.assertEqual([row["scenario"] for row in rows], ["same"])
        self.assertEqual(sorted(line.split(":")[0] for line in left_out), ["failed", "fresh", "gone"])
        _, (line,) = compare.compare(result(work=rounds(QUIET)), result(command=("work", "less"), work=rounds(QUIET)))
        self.assertIn("different work", line)

    def test_each_count_of_instructions_that_differs_is_told(self):
        old, new = result(counts=((16, 60.0), (64, 70.0))), result(counts=((16, 60.0), (64, 71.0)))
        self.assertEqual(compare.changed_counts(old, new), ["instructions, 64 bytes, pair: 71.0, was 70.0"])

    def test_the_command_prints_and_writes_what_differs(self):
        with tempfile.TemporaryDirectory() as folder:
            files = [pathlib.Path(folder) / name for name in ("old.json", "new.json", "out.json")]
            files[0].write_text(json.dumps(result(work=rounds(QUIET), other=rounds(QUIET))))
            files[1].write_text(json.dumps(result("new", work=rounds(QUIET, 90.0), other=rounds(QUIET))))
            done = subprocess.run([str(ROOT / "ci" / "bench"), "--compare", *map(str, files[:2]), "--json", str(files[2])],
                                  capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn("speed: worse beyond noise in 1 of 2: work\n", done.stdout)
            self.assertIn("0.90 (0.88..0.92) -", done.stdout)
            written = json.loads(files[2].read_text())
            self.assertEqual([row["scenario"] for row in written["rows"]], ["work", "other"])

    def test_a_result_without_what_is_compared_is_refused(self):
        old = result(work=rounds(QUIET))
        for each in old["samples"]["work"]["hakmem"]:
            del each["faults"]
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "old.json"
            file.write_text(json.dumps(old))
            with self.assertRaisesRegex(compare.Unusable, "has no faults"):
                compare.read(file)


if __name__ == "__main__":
    unittest.main(verbosity=2)
