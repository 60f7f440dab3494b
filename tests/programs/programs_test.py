"""ci/programs reports every planted fault of a malloc, and passes a sound one. The broken libraries are its negative
control: programs that run under them must not be called a pass."""
import contextlib
import dataclasses
import io
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = pathlib.Path(__file__).resolve().parent
import broken_malloc
from hakmem_ci.core import process
from hakmem_ci.jobs.programs import catalogue, cli, long_list, program, session, witness

TOOL = HERE.parents[1] / "ci" / "programs"
INPUTS = HERE / "inputs"
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
        for arguments in (("--preload",), ("--preload", "/nowhere/lib.so"), ("--preload", str(text_file)),
                          ("--preload", library, "--bogus"), ("--preload", library, "emacs"),
                          ("--preload", library, "--jobs", "0"), ("--preload", library, "--patience", "x"),
                          ("--preload", library, "--all", "perl"), ("--preload", library, "postgres"),
                          ("--preload", library, "--json", "/nowhere/at/all.json")):
            done = subprocess.run([str(TOOL), *arguments], capture_output=True, text=True, check=False)
            self.assertEqual(done.returncode, 2, (arguments, done.stdout, done.stderr))
            self.assertIn("usage:", done.stderr)
            self.assertIn("ci/programs: error:", done.stderr)

    def test_every_library_that_is_given_runs_every_program(self):
        sound, broken = (str(broken_malloc.build(self.folder, fault)) for fault in ("none", "crash"))
        code, output, _ = self.run_tool("--preload", sound, "--preload", broken)
        self.assertEqual(code, 1, output)
        results = json.loads((self.folder / "report.json").read_text())["results"]
        self.assertEqual([(result["how"], result["status"]) for result in results],
                         [(pathlib.Path(library).name, status) for library, status in ((sound, "pass"), (broken, "fail"))
                          for _ in PROGRAMS])

    def test_what_the_libraries_are_compared_with_runs_once(self):
        sound, broken = (str(broken_malloc.build(self.folder, fault)) for fault in ("none", "crash"))
        kept = self.folder / "kept"
        self.run_tool("--preload", sound, "--preload", broken, "--keep", str(kept), programs=("perl",))
        names = {path.stem for path in (kept / "perl").glob("*.out")}
        self.assertEqual(names, {"reference", pathlib.Path(sound).stem, pathlib.Path(broken).stem})
        library, runs = pathlib.Path(sound), []
        checker = cli.Checker(cli.arguments_of(["--preload", sound, "perl"], self.folder, INPUTS), library, self.folder / "once",
                              witness.build(HERE / "witness.c", self.folder), {}, process.Stop(), lambda *_: None)
        observe = checker.observe
        checker.observe = lambda program, kind, preload: runs.append(kind) or observe(program, kind, preload)
        perl = next(one for one in catalogue.catalogue(INPUTS, True) if one.name == "perl")
        self.assertEqual([checker.check(perl).status for _ in range(2)], ["pass", "pass"])
        self.assertEqual(runs, ["reference", library.stem, library.stem])

    def test_without_a_library_those_that_ship_are_run(self):
        root = self.folder / "checkout"
        for name in cli.SHIPPED:
            with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()) as said:
                cli.arguments_of(["perl"], root, INPUTS)
            self.assertEqual(ended.exception.code, 2)
            self.assertRegex(said.getvalue(), f"error: there is no build/release/{name}; build it .* or give a library")
            path = root / "build/release" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(broken_malloc.build(self.folder, "none"), path)
        self.assertEqual([path.name for path in cli.arguments_of(["perl"], root, INPUTS).preload], list(cli.SHIPPED))


class WitnessTest(unittest.TestCase):
    """What the runner concludes from the programs that were seen to start."""

    def test_a_program_that_starts_itself_again_by_a_link_is_itself(self):
        with tempfile.TemporaryDirectory() as folder:
            notes = pathlib.Path(folder) / "notes"
            notes.write_text("/opt/bin/browser\tbrowser\t/proc/self/exe\n", encoding="utf-8")
            self.assertEqual(witness.read(notes), [witness.Sighting("browser", "browser", "/opt/bin/browser")])

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

    def test_accepts_a_malloc_of_its_own_only_where_it_is_expected(self):
        seen = self.sightings(("browser", "/opt/bin/browser"), ("sh", "/opt/x.so"))
        self.assertIn("malloc of browser", witness.objection(seen, "/opt/x.so", ("browser",)))
        self.assertIsNone(witness.objection(seen, "/opt/x.so", ("browser",), ("brow*",)))
        self.assertEqual(witness.users(seen, "/opt/x.so"), 1)

    def test_objects_when_such_a_program_used_the_malloc_of_another(self):
        seen = self.sightings(("browser", "/opt/libc.so.6"), ("sh", "/opt/x.so"))
        self.assertIn("malloc of browser", witness.objection(seen, "/opt/x.so", ("browser",), ("brow*",)))


class CatalogueTest(unittest.TestCase):
    """What runs when, and what is said of what cannot run."""

    SHORT = ["python3-tests", "python3", "git", "sqlite3", "g++", "node", "redis", "perl", "xz", "c++-threads"]

    def setUp(self):
        self.programs = catalogue.catalogue(INPUTS, False)
        self.names = [one.name for one in self.programs]

    def chosen(self, *names, everything=False):
        return [one.name for one in catalogue.chosen(self.programs, names, everything)]

    def test_only_the_short_list_runs_by_itself(self):
        self.assertEqual(self.chosen(), self.SHORT)

    def test_all_is_both_lists(self):
        self.assertEqual(self.chosen(everything=True), self.names)
        self.assertEqual(self.names[:len(self.SHORT)], self.SHORT)
        self.assertLessEqual({"postgresql", "openjdk", "memcached", "vsftpd", "chromium"}, set(self.names))

    def test_a_program_of_the_long_list_runs_when_it_is_named(self):
        self.assertEqual(self.chosen("gdb", "perl"), ["perl", "gdb"])

    def test_every_program_has_a_name_of_its_own_and_says_what_must_be_seen(self):
        self.assertEqual(len(set(self.names)), len(self.names))
        for one in self.programs:
            self.assertTrue(one.sees and one.commands and one.needs, one.name)

    def test_input_files_exist(self):
        words = {word for one in self.programs for command in one.commands for word in command}
        files = {word for word in words if isinstance(word, pathlib.Path) and word.is_relative_to(INPUTS)}
        self.assertEqual({path for path in files if not path.is_file()}, set())
        self.assertGreater(len(files), 15)

    def test_what_is_missing_is_installed_by_the_option_of_its_list(self):
        absent = {"no-such-program": "some-package"}
        for long, setup in ((False, "ci/setup"), (True, "ci/setup --programs-all")):
            one = program.Program("x", (("x",),), ("x",), absent, long=long)
            self.assertEqual(one.missing(), f"not installed: no-such-program (some-package); run {setup}")

    def test_the_newest_version_is_taken_by_number(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("9.6", "15", "13", "common"):
                (pathlib.Path(folder) / name).mkdir()
            self.assertEqual(long_list.newest(pathlib.Path(folder)).name, "15")
            self.assertFalse(long_list.newest(pathlib.Path(folder) / "15").exists())


class OtherUserTest(unittest.TestCase):
    """Programs that refuse root."""

    @unittest.skipUnless(os.geteuid() == 0, "root alone can be somebody else")
    def test_root_runs_them_as_somebody_else_who_can_write_there(self):
        one = program.Program("x", (("sh", "-c", "id -u; pwd; echo text > file"),), ("sh",), {}, without_root=True,
                              artefacts=("file",))
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            folder.chmod(0o711)
            library = witness.build(HERE / "witness.c", folder)
            seen = session.observe(one, folder / "x" / "work", [library], session.Limits(60, 60), process.Stop())
        self.assertIsNone(seen.problem)
        self.assertEqual(seen.steps[0].out.split(), [str(pwd.getpwnam("nobody").pw_uid), str(folder / "x" / "work")])
        self.assertNotEqual(seen.artefacts["file"], "missing")
        self.assertEqual([sighting.called for sighting in seen.sightings], ["sh", "id"])

    @unittest.skipUnless(os.geteuid() == 0, "root alone can be somebody else")
    def test_what_that_user_may_not_read_is_no_fault_of_the_library(self):
        one = program.Program("x", (("true",),), ("true",), {}, without_root=True)
        with tempfile.TemporaryDirectory() as folder:
            secret = pathlib.Path(folder) / "library.so"
            secret.write_bytes(b"")
            self.assertFalse(session.may_read(one, secret))
            self.assertTrue(session.may_read(dataclasses.replace(one, without_root=False), secret))


class EndingTest(unittest.TestCase):
    def test_a_session_that_is_told_to_end_shuts_its_server_down(self):
        text = ("import subprocess, sys\nimport server\n"
                "with server.Server(['sh', '-c', 'trap \"echo shut down; exit\" TERM; while :; do sleep 0.1; done'],"
                " lambda: True, 'log'):\n    print('ready', flush=True)\n    import time; time.sleep(600)\n")
        one = program.Program("x", ((sys.executable, "-B", "-c", text),), ("python3*",), {}, {"PYTHONPATH": str(INPUTS)})
        stop = process.Stop()
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder) / "x" / "work"
            library = witness.build(HERE / "witness.c", pathlib.Path(folder))
            threading.Timer(1.5, stop.heard).start()
            seen = session.observe(one, work, [library], session.Limits(60, 60), stop)
            self.assertEqual((work / "log").read_text(encoding="utf-8"), "shut down\n")
        self.assertEqual(seen.cut_off.split("` ")[-1], "was cut off: interrupted")


if __name__ == "__main__":
    unittest.main(verbosity=2)
