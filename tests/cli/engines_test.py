"""The files in ci/ for engines: they parse, name what exists, show the reports of each job, and refuse wrong calls."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    yaml = None

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))
from hakmem_ci.jobs.test.cli import PRESETS  # noqa: E402 pylint: disable=wrong-import-position

ENGINES = ROOT / "ci/engines"
SHELL_SCRIPTS = sorted(path for folder in ("ci", "ci/engines") for path in (ROOT / folder).iterdir()
                       if path.is_file() and path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash"))
GITHUB = sorted(ENGINES.glob("github-*.yml"))
GITLAB = ENGINES / "gitlab-ci.yml"
NOT_JOBS = ("default", "variables")
SHOWS_RESULTS = re.compile(r"^ci/(?:verify|test|nightly)\b", re.MULTILINE)


def output_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def loaded(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def github_jobs():
    """(file and name, job) of all jobs of all workflows."""
    return [(f"{path.name}: {name}", job) for path in GITHUB for name, job in loaded(path)["jobs"].items()]


def gitlab_jobs():
    return [(name, job) for name, job in loaded(GITLAB).items() if name not in NOT_JOBS]


def scripts():
    """(file and job, text of a script) of all engines, with their variables replaced by a word."""
    found = [(name, step["run"]) for name, job in github_jobs() for step in job["steps"] if "run" in step]
    found += [(name, "\n".join(job["script"])) for name, job in gitlab_jobs()]
    return [(name, re.sub(r"\$\{\{.*?\}\}", "x", text)) for name, text in found]


class Scripts(unittest.TestCase):
    def test_shell_scripts_parse(self):
        self.assertGreaterEqual(len(SHELL_SCRIPTS), 8)
        for path in SHELL_SCRIPTS:
            self.assertEqual(output_of("bash", "-n", path), (0, ""))

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shell_scripts_have_no_warnings(self):
        code, output = output_of("shellcheck", "-S", "warning", *SHELL_SCRIPTS)
        self.assertEqual((code, output), (0, ""))

    def test_wrong_calls_end_with_one_line_usage_and_2(self):
        for arguments in ([], ["--minutes"], ["--minutes", "0", "--login", ":"], ["--minutes", "5"], ["--bogus"],
                          ["--minutes", "5", "--login", ":", "--night", "x"],
                          ["--minutes", "5", "--login", ":", "--folder", "a b"]):
            code, output = output_of(ENGINES / "parallel", *arguments)
            self.assertEqual(code, 2, output)
            self.assertRegex(output, r"^ci/engines/parallel: .+\nusage: ")
        for arguments in ([], ["--minutes", "5"], ["--minutes", "5", "--shards", "0"], ["--bogus"], ["--shards"],
                          ["--minutes", "5", "--shards", "2", "--cpus", "many"]):
            code, output = output_of(ENGINES / "slurm", *arguments)
            self.assertEqual(code, 2, output)
            self.assertRegex(output, r"^ci/engines/slurm: .+\nusage: ")
        for arguments in ([], ["--bogus"]):
            code, output = output_of(ENGINES / "annotate", *arguments)
            self.assertEqual(code, 2, output)
            self.assertRegex(output, r"^usage: ")


@unittest.skipUnless(yaml, "python3-yaml is not installed")
class Workflows(unittest.TestCase):
    def test_scripts_parse(self):
        self.assertGreaterEqual(len(scripts()), 20)
        for name, text in scripts():
            with self.subTest(job=name):
                self.assertEqual(output_of("bash", "-n", "-c", text), (0, ""))

    def test_scripts_name_commands_and_options_that_exist(self):
        helps = {}
        for name, text in scripts():
            for path in re.findall(r"(?<![\w/])(?:ci|tests)/[\w./-]*\w", text):
                with self.subTest(job=name, path=path):
                    self.assertTrue((ROOT / path).is_file())
            for command, rest in re.findall(r"^(ci/[\w-]+)((?: .*)?)$", text.replace("\n--", " --"), re.MULTILINE):
                helps[command] = helps.get(command) or output_of(ROOT / command, "--help")[1]
                for option in re.findall(r"(?<!\S)--[\w-]+", rest):
                    with self.subTest(job=name, command=command, option=option):
                        self.assertIn(option, helps[command])
        self.assertIn("ci/verify", helps)

    def test_the_night_runs_every_shard_of_its_matrix_and_merges(self):
        jobs = loaded(ENGINES / "github-nightly.yml")["jobs"]
        indices = jobs["shard"]["strategy"]["matrix"]["index"]
        self.assertEqual(indices, list(range(1, len(indices) + 1)))
        # Every mention of the number of shards is that of the matrix.
        mentions = re.findall(r"(?:-of-|/)(\d+)", json.dumps(jobs["shard"]["steps"]).replace("@v", ""))
        self.assertEqual({int(number) for number in mentions}, {len(indices)})
        self.assertEqual(jobs["merge"]["needs"], "shard")
        self.assertEqual(jobs["merge"]["if"], "always()")
        night = dict(gitlab_jobs())
        self.assertGreaterEqual(night["shard"]["parallel"], 2)
        self.assertEqual(night["merge"]["needs"], ["shard"])
        self.assertEqual(night["merge"]["rules"][0]["when"], "always")

    def test_every_preset_that_has_tests_is_tested(self):
        github = loaded(ENGINES / "github-checks.yml")["jobs"]["test"]["strategy"]["matrix"]["preset"]
        self.assertEqual(tuple(github), PRESETS)
        gitlab = loaded(GITLAB)["test"]["parallel"]["matrix"][0]["PRESET"]
        self.assertEqual(tuple(gitlab), PRESETS)

    def test_github_shows_and_keeps_the_reports_of_each_job(self):
        for name, job in github_jobs():
            with self.subTest(job=name):
                self.assertTrue(all("run" in step or "uses" in step for step in job["steps"]))
                if not any(SHOWS_RESULTS.search(step.get("run", "")) for step in job["steps"]):
                    continue
                late = [step for step in job["steps"] if step.get("if") == "always()"]
                self.assertTrue(any("report.md" in step.get("run", "") and "$GITHUB_STEP_SUMMARY" in step["run"] for step in late))
                self.assertTrue(any("report.*" in step.get("with", {}).get("path", "") or
                                    "merged" in step.get("with", {}).get("path", "") for step in late))

    def test_gitlab_collects_junit_of_each_job(self):
        for name, job in gitlab_jobs():
            with self.subTest(job=name):
                self.assertEqual(job["artifacts"]["when"], "always")
                self.assertRegex(job["artifacts"]["reports"]["junit"], r"^build/.*/report\.xml$")


class Annotations(unittest.TestCase):
    ROW = {"part": "models", "check": "remote_word/two", "how": "full", "verdict": "COUNTEREXAMPLE", "status": "fail",
           "message": "a race, 100% sure", "evidence": "store at src/lockfree/remote_word.hpp(57)\nmore", "continue": ""}
    CUT = {**ROW, "status": "incomplete", "verdict": "TRUNCATED", "message": "cut", "evidence": "", "continue": "go on"}

    def annotated(self, text):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "report.json"
            path.write_text(text, encoding="utf-8")
            return output_of(ENGINES / "annotate", path)

    def test_a_fault_is_an_error_at_its_line_and_what_is_incomplete_a_warning(self):
        rows = [self.CUT, self.ROW, {**self.ROW, "status": "pass"}]
        code, output = self.annotated(json.dumps({"results": rows}))
        self.assertEqual(code, 0)
        self.assertEqual(output.splitlines(), [
            "::error file=src/lockfree/remote_word.hpp,line=57,title=models%3A remote_word/two full%3A COUNTEREXAMPLE"
            "::a race, 100%25 sure",
            "::warning title=models%3A remote_word/two full%3A TRUNCATED::cut%0Agoes on with: go on"])

    def test_places_are_found_as_compilers_and_machines_write_them(self):
        for text in ("/home/x/hakmem/src/lockfree/remote_word.hpp:57:3: error: no", "at (src/lockfree/remote_word.hpp:57)",
                     "../src/lockfree/remote_word.hpp(57): x"):
            _, output = self.annotated(json.dumps({"results": [{**self.ROW, "evidence": text}]}))
            self.assertIn("file=src/lockfree/remote_word.hpp,line=57", output)
        _, output = self.annotated(json.dumps({"results": [{**self.ROW, "evidence": "/usr/include/no.hpp:3: x"}]}))
        self.assertNotIn("file=", output)

    def test_a_report_that_is_not_there_is_said(self):
        for text in ("", "[]", '{"results": [3]}'):
            code, output = self.annotated(text)
            self.assertEqual(code, 0, output)
            self.assertRegex(output, r"^::warning title=no report::\S+report.json is not there or is no report of a job\n$")


if __name__ == "__main__":
    unittest.main()
