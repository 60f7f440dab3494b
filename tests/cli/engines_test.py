"""The scripts in ci/ and the files for engines that spread a night: they parse, and wrong calls are refused."""
import pathlib
import re
import shutil
import subprocess
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHELL_SCRIPTS = sorted(path for folder in ("ci", "ci/engines") for path in (ROOT / folder).iterdir()
                       if path.is_file() and path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash"))
WORKFLOW = ROOT / "ci/engines/github-nightly.yml"


def output_of(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stdout + done.stderr


class Engines(unittest.TestCase):
    def test_shell_scripts_parse(self):
        self.assertGreaterEqual(len(SHELL_SCRIPTS), 8)
        for path in SHELL_SCRIPTS:
            self.assertEqual(output_of("bash", "-n", path), (0, ""))

    @unittest.skipUnless(shutil.which("shellcheck"), "shellcheck is not installed")
    def test_shell_scripts_have_no_warnings(self):
        code, output = output_of("shellcheck", "-S", "warning", *SHELL_SCRIPTS)
        self.assertEqual((code, output), (0, ""))

    def test_the_workflow_runs_every_shard_of_its_matrix_and_merges(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        jobs = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
        indices = jobs["shard"]["strategy"]["matrix"]["index"]
        self.assertEqual(indices, list(range(1, len(indices) + 1)))
        # Every mention of the number of shards is that of the matrix.
        mentions = re.findall(r"(?:-of-|/)(\d+)", WORKFLOW.read_text(encoding="utf-8").split("steps:", 2)[2])
        self.assertEqual({int(number) for number in mentions}, {len(indices)})
        self.assertEqual(jobs["merge"]["needs"], "shard")
        self.assertEqual(jobs["merge"]["if"], "always()")
        for job in jobs.values():
            for step in job["steps"]:
                self.assertTrue("run" in step or "uses" in step, step)

    def test_the_workflow_s_scripts_parse(self):
        try:
            import yaml
        except ImportError:
            self.skipTest("python3-yaml is not installed")
        for job in yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"].values():
            for step in job["steps"]:
                text = re.sub(r"\$\{\{.*?\}\}", "x", step.get("run", ""))
                self.assertEqual(output_of("bash", "-n", "-c", text), (0, ""))

    def test_wrong_calls_end_with_one_line_usage_and_2(self):
        for arguments in ([], ["--minutes"], ["--minutes", "0", "--login", ":"], ["--minutes", "5"], ["--bogus"],
                          ["--minutes", "5", "--login", ":", "--night", "x"],
                          ["--minutes", "5", "--login", ":", "--folder", "a b"]):
            code, output = output_of(ROOT / "ci/engines/parallel", *arguments)
            self.assertEqual(code, 2, output)
            self.assertRegex(output, r"^ci/engines/parallel: .+\nusage: ")
        for arguments in ([], ["--minutes", "5"], ["--minutes", "5", "--shards", "0"], ["--bogus"], ["--shards"],
                          ["--minutes", "5", "--shards", "2", "--cpus", "many"]):
            code, output = output_of(ROOT / "ci/engines/slurm", *arguments)
            self.assertEqual(code, 2, output)
            self.assertRegex(output, r"^ci/engines/slurm: .+\nusage: ")


if __name__ == "__main__":
    unittest.main()
