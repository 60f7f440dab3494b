"""ci/programs reports every planted fault of a malloc, and passes a sound one. The broken libraries are its negative
control: programs that run under them must not be called a pass."""
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
import broken_malloc
from hakmem_ci.jobs.programs import witness

TOOL = HERE.parents[1] / "ci" / "programs"
PROGRAMS = ("sqlite3", "perl")  # quick, deterministic, and in every installation


class ProgramsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def run_tool(self, *arguments, programs=PROGRAMS):
        """(exit code, output, results by program)."""
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        done = subprocess.run([str(TOOL), "--quick", "--json", str(report), *arguments, *programs],
                              capture_output=True, text=True, check=False)
        results = json.loads(report.read_text())["results"] if report.exists() else []
        return done.returncode, done.stdout + done.stderr, {result["program"]: result for result in results}

    def assert_reports(self, fault, message, *arguments, programs=PROGRAMS):
        library = broken_malloc.build(self.folder, fault)
        code, output, results = self.run_tool("--preload", str(library), *arguments, programs=programs)
        self.assertEqual(code, 1, output)
        self.assertEqual({name: result["status"] for name, result in results.items()},
                         dict.fromkeys(programs, "fail"), output)
        for result in results.values():
            self.assertRegex(result["message"], message)

    def test_passes_a_sound_malloc_and_counts_its_processes(self):
        library = broken_malloc.build(self.folder, "none")
        code, output, results = self.run_tool("--preload", str(library), programs=(*PROGRAMS, "git"))
        self.assertEqual(code, 0, output)
        self.assertEqual({result["status"] for result in results.values()}, {"pass"}, output)
        self.assertEqual(set(results), {*PROGRAMS, "git"})
        self.assertGreater(results["git"]["processes"], 20)
        self.assertIn("VERDICT: PASSED: all 3 checks hold", output)

    def test_reports_overlapping_blocks(self):
        self.assert_reports("overlap", "instead of|differs")

    def test_reports_a_calloc_that_does_not_zero(self):
        self.assert_reports("dirty_calloc", "instead of|differs", programs=("perl",))

    def test_reports_a_realloc_that_loses_bytes(self):
        self.assert_reports("short_realloc", "instead of|differs", programs=("perl",))

    def test_reports_a_malloc_that_returns_null(self):
        self.assert_reports("null", "instead of")

    def test_reports_a_crash_by_its_signal(self):
        self.assert_reports("crash", "ended by SIGSEGV instead of exit code 0")

    def test_reports_a_hang(self):
        self.assert_reports("hang", "hangs: for 4 s none of its threads has run", "--patience", "4")

    def test_reports_a_library_that_is_loaded_but_not_used(self):
        self.assert_reports("absent", "the malloc of .* was that of .*libc.*, not of the library")

    def test_a_program_that_does_not_work_by_itself_is_no_fault_of_the_library(self):
        library = broken_malloc.build(self.folder, "none")
        code, output, results = self.run_tool("--preload", str(library), "--processor-seconds", "1", programs=("g++",))
        self.assertEqual((code, results["g++"]["status"]), (3, "incomplete"), output)
        self.assertRegex(results["g++"]["message"], "fails without the library too: .*was cut off after [12] s of processor time")
        self.assertIn("goes on with: ci/programs --quick --preload", output)

    def test_keeps_what_it_has_found_when_it_is_ended_early(self):
        library, path = broken_malloc.build(self.folder, "none"), self.folder / "early.json"
        tool = subprocess.Popen([str(TOOL), "--quick", "--jobs", "1", "--json", str(path), "--preload", str(library),
                                 "sqlite3", "g++", "node"], stdout=subprocess.PIPE, text=True, start_new_session=True)
        try:
            self.assertTrue(any(line.startswith("sqlite3") and " pass " in line for line in tool.stdout))
        finally:
            os.killpg(tool.pid, signal.SIGTERM)
            tool.communicate()
        results = {one["program"]: one["status"] for one in json.loads(path.read_text())["results"]}
        self.assertEqual((results["sqlite3"], results["node"]), ("pass", "incomplete"))
        self.assertEqual(tool.returncode, 3)

    def test_wrong_calls_end_with_usage_and_2(self):
        library = str(broken_malloc.build(self.folder, "none"))
        text_file = self.folder / "text.so"
        text_file.write_text("no library")
        for arguments in ((), ("--preload",), ("--preload", "/nowhere/lib.so"), ("--preload", str(text_file)),
                          ("--preload", library, "--bogus"), ("--preload", library, "emacs"),
                          ("--preload", library, "--jobs", "0"), ("--preload", library, "--patience", "x"),
                          ("--preload", library, "--json", "/nowhere/at/all.json")):
            done = subprocess.run([str(TOOL), *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done.stdout, done.stderr))
            self.assertIn("usage:", done.stderr)
            self.assertIn("ci/programs: error:", done.stderr)


class WitnessTest(unittest.TestCase):
    """What the runner concludes from the programs that were seen to start."""

    def sightings(self, *pairs):
        return [witness.Sighting(program, program, provider) for program, provider in pairs]

    def test_accepts_programs_that_all_used_the_library(self):
        seen = self.sightings(("sh", "/opt/x.so"), ("python3.11", "/opt/x.so"))
        self.assertIsNone(witness.objection(seen, "/opt/x.so", ("python3*",)))

    def test_objects_when_the_program_itself_dropped_the_preload(self):
        seen = self.sightings(("sh", "/opt/x.so"))
        self.assertIn("git was never seen", witness.objection(seen, "/opt/x.so", ("git",)))

    def test_objects_when_one_process_used_another_malloc(self):
        seen = self.sightings(("git", "/opt/x.so"), ("sort", "/opt/libc.so.6"))
        self.assertIn("malloc of sort", witness.objection(seen, "/opt/x.so", ("git",)))

    def test_objects_when_nothing_was_seen(self):
        self.assertIsNotNone(witness.objection([], "/opt/x.so", ()))


if __name__ == "__main__":
    unittest.main(verbosity=2)
