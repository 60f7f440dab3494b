"""The files of src/api, which are no headers that a test could include: programs and libraries of the release preset are
linked anew with the mutant in them, and judged by their own tests."""
import hashlib
import json
import pathlib
import re
import shlex
import subprocess

from hakmem_ci.core import process
from hakmem_ci.jobs.mutants.bench import FAIL_FAST, UNDEFINED, NotBuilt, Stage, files_behind

UNIT_PROGRAMS = ("unit_api", "unit_reentrancy", "unit_hardened", "unit_api_locked")
# The tests that a file is judged by, beside the unit tests: by the labels and names that ctest knows, and on which
# libraries. What hands out memory needs other tests than what reports and is told.
NAMES = r"Promise|Calloc|Realloc|New|Program|Plugin|Library|Process|Thread|Alignment|Mall|Pages|Blocks|WorksWithin|LimitsThat"
FORWARDS, MEMORY = (("conformance", "field"), NAMES), (("conformance", "field", "edge"), NAMES)
REPORTS = (("cli", "field"), r"Options|CrashLog|Statistics|Mallinfo")
JUDGES = {
    "malloc.cpp": (*FORWARDS, ("hakmem",)),
    "mallocx.cpp": (("field",), "OfJemallocs", ("hakmem", "hakmem_hardened")),
    "mallctl.cpp": (("field",), "OfJemallocs", ("hakmem",)),
    "new_delete.cpp": (*FORWARDS, ("hakmem", "hakmem_hardened")),
    "process_heap.cpp": (*MEMORY, ("hakmem",)),
    "setup.cpp": (*MEMORY, ("hakmem", "hakmem_locked")),
    "process_heap.hpp": (*MEMORY, ("hakmem", "hakmem_hardened")),
    "hak.cpp": (*REPORTS, ("hakmem",)),
    "walk.cpp": (*REPORTS, ("hakmem", "hakmem_locked")),
    "process_os.cpp": (*REPORTS, ("hakmem",)),
    "process_os.hpp": (*REPORTS, ("hakmem",)),
    "options.cpp": (*REPORTS, ("hakmem", "hakmem_hardened")),
    "learning.cpp": (*REPORTS, ("hakmem",)),
    "background.cpp": (*REPORTS, ("hakmem",)),
    "own_thread.cpp": (*REPORTS, ("hakmem",)),
    "statistics.cpp": (*REPORTS, ("hakmem", "hakmem_locked")),
    "crash_log.cpp": (*REPORTS, ("hakmem",)),
}
# What the C API under its own names has not, as cmake/HakmemLibraries.cmake divides the sources.
INTERPOSERS = ("malloc.cpp", "mallocx.cpp", "mallctl.cpp", "new_delete.cpp")
EXPECTS_A_FAULT = ("--finds", "PASS_REGULAR_EXPRESSION", "WILL_FAIL")  # tests of the tests
PATIENT_SECONDS = 40  # of processor time: a script ends each of its programs that hangs, and fails in its own words
# What does not come because of a mutant is not waited for as long as on a busy machine; a kill must repeat.
IMPATIENT = {"TEST_PATIENCE_SECONDS": "6"}
OTHERS = ("--preload", "--faulty")  # options that name other libraries to judge
OBJECT = re.compile(r"CMakeFiles/(hakmem\w*?)_(api|interposer)_objects\.dir/")
ARCHIVE = re.compile(r"lib(hakmem(?:_hardened|_locked)?)(_api)?\.a")
RECORDS = "-Wl,--dependency-file="  # what CMake keeps of a link, in a folder of the build
HERE = "(the mutant)"  # its place in a command


class Linked(Stage):
    """A program or library that is linked as in the preset, but with what sees the mutant compiled anew; and the command
    that judges it. `units`: source -> (object of the preset, flags); `link`: its words; `skips`: an exit code that says
    that nothing can be shown here."""

    def __init__(self, name, artifact, variant, units, link, command, environment=None, skips=None, judges=()):
        flags = [flag for _, flags in units.values() for flag in flags]
        objects = {path for path, _ in units.values()}
        inputs = {path for path in map(pathlib.Path, link) if path.is_absolute() and path not in objects}
        super().__init__(name, units, flags, link, command, environment=environment, binaries={*inputs, *judges})
        self.artifact, self.variant, self.units, self.skips = artifact, variant, units, skips
        self.family, self.alone, self.known = variant, False, None
        self.least = PATIENT_SECONDS

    def contents(self, header, root):
        """Digested once: it is much, and stays while the job runs."""
        if self.known is None:
            known = hashlib.sha256()
            for part in super().contents(header, root):
                known.update(part)
            self.known = known.digest()
        return [self.known]

    def seen(self, header, overlay):
        """As compiled in the preset, each source with its own flags."""
        return [(flags, [bench_path(header, source, overlay)]) for source, (_, flags) in self.units.items()]

    def build(self, bench, name, overlay, header, more=()):
        """(artifact, outcome). What another stage has compiled or linked of the same text is there."""
        artifact, made, built = overlay / self.artifact.name, {}, process.Outcome(process.EXITED, 0, 0.0, "", "")
        for source, (original, flags) in self.units.items():
            made[original] = overlay / f"{self.variant}-{source.stem}.o"
            if made[original].is_file():
                continue
            built = bench.compile(f"{name}-{self.variant}-{source.stem}-build", [
                *more, f"-I{overlay}", *flags, "-c", bench_path(header, source, overlay), "-o", made[original]])
            if not built.clean:
                made[original].unlink(missing_ok=True)
                return None, built
        if not artifact.is_file():
            built = bench.compile(f"{name}-{artifact.name}-link", [*self.link_of(made), "-o", artifact])
        return artifact, built

    def link_of(self, made):
        """The words of the link with the new objects in place of the old ones, or before the library that has these."""
        words = []
        for word in self.libraries:
            if ARCHIVE.fullmatch(pathlib.Path(word).name):
                words += made.values()
            words.append(made.get(pathlib.Path(word), word))
        return words

    def command(self, artifact):
        return [artifact if word == HERE else word for word in self.arguments]

    def ending(self, code):
        return "passed" if code in (0, self.skips) else "killed"

    def place(self, seconds):
        return seconds

    def after(self, killer):
        return self.name != killer  # it is likely to notice the next one, too


def bench_path(header, source, overlay):
    """Where a source is read from."""
    return overlay / source.parent.name / source.name if source == header else source


class Release:
    """What the release preset has compiled of what sees a header, and linked of that; and its tests."""

    def __init__(self, root, header):
        self.root, self.build, self.links = root, root / "build/release", {}
        self.missing = NotBuilt("the release preset is not built: cmake --preset release && cmake --build --preset release")
        try:
            entries = json.loads((self.build / "compile_commands.json").read_text(encoding="utf-8"))
            shown = subprocess.run(["ctest", "--test-dir", self.build, "--show-only=json-v1"], text=True,
                                   capture_output=True, check=True)
            self.tests = json.loads(shown.stdout)["tests"]
        except (OSError, ValueError, subprocess.CalledProcessError):
            raise self.missing from None
        self.units, seeing = {}, {}  # (variant, source) -> (object, whether interposed, flags)
        for entry in entries:
            words = shlex.split(entry["command"])
            made = self.build / words[words.index("-o") + 1]
            found = OBJECT.search(str(made))
            source = pathlib.Path(entry["file"])
            if found and source not in seeing:
                seeing[source] = header in files_behind(source, [root / "src", root / "include"])
            if found and seeing[source]:
                self.units[found[1], source] = made, found[2] == "interposer", flags_of(words)

    def link_of(self, path):
        """The words of the command that links a program or library, but for where it is written to; () for another file."""
        if path not in self.links:
            said = subprocess.run(["ninja", "-C", self.build, "-t", "commands", "-s", path.relative_to(self.build)],
                                  text=True, capture_output=True, check=False).stdout
            # Commands before and behind are separated from it by &&.
            links = [words for words in map(shlex.split, re.split(r" && ", said)) if "-o" in words]
            words = [word for word in links[0][1:] if not word.startswith(RECORDS)] if links else []
            if words:
                at = words.index("-o")
                words[at:at + 2] = []
            self.links[path] = tuple(str(self.build / word) if (self.build / word).is_file() else word for word in words)
        return self.links[path]

    def units_in(self, path):
        """(variant, source -> (object, flags)): of what is linked there."""
        words, found, variant = self.link_of(path), {}, ""
        archives = [ARCHIVE.fullmatch(pathlib.Path(word).name) for word in words]
        for (of, source), (made, interposed, flags) in self.units.items():
            if str(made) in words or any(one and one[1] == of and not (one[2] and interposed) for one in archives):
                found[source], variant = (made, flags), of
        return variant, found

    def unit_stages(self, variants):
        """The unit tests of the libraries, suite by suite: most take a moment, a few wait for a clock."""
        stages = []
        for name in UNIT_PROGRAMS:
            path = self.build / "tests" / name
            if not path.is_file():
                raise self.missing
            variant, units = self.units_in(path)
            if units and variant in variants:
                stages += [Linked(f"unit {name} {suite}", path, variant, units, self.link_of(path),
                                  (HERE, *FAIL_FAST, f"--gtest_filter={suite}.*"), IMPATIENT)
                           for suite in suites_of(path, "--gtest_list_tests")]
        return stages

    def test_stages(self, labels, names, variants):
        """What ctest runs with a library, or with a program that has one inside: one stage for each library."""
        stages = []
        for test in self.tests:
            properties = {one["name"]: one["value"] for one in test.get("properties", ())}
            words = test.get("command", [])
            if not set(labels) & set(properties.get("LABELS", ())) or not re.search(names, test["name"]) \
                    or set(EXPECTS_A_FAULT) & {*words, *properties}:
                continue
            if "conformance" in properties["LABELS"] and not words[0].startswith(str(self.build)):
                continue  # a script around it tests its runner
            for artifact in dict.fromkeys(pathlib.Path(word) for word in words[1:] if word.startswith(str(self.build))):
                if "cli" in properties["LABELS"] and ".so" not in artifact.suffixes:
                    continue  # that is about a command line, and any program would do
                variant, units = self.units_in(artifact)
                if units and variant in variants:
                    if not artifact.is_file():
                        raise self.missing
                    stages += self.stages_of_test(test["name"], words, properties, artifact, variant, units)
        return stages

    def stages_of_test(self, test, words, properties, artifact, variant, units):
        """One test on one library. That of conformance in parts, as the whole takes as long as all others together."""
        command = without_others([HERE if word == str(artifact) else word for word in words])
        shown = f"library {test}" + ("" if variant == "hakmem" else f" {variant}")
        environment = IMPATIENT | dict(one.split("=", 1) for one in properties.get("ENVIRONMENT", ()))
        in_parts = "conformance" in properties["LABELS"]
        parts = [(f"{shown} {part}", [*command, "--filter", rf"^{part}\."]) for part in suites_of(command[0])] if in_parts \
            else [(shown, command)]
        judges = self.files_of(command, in_parts)
        return [Linked(name, artifact, variant, units, self.link_of(artifact), part, environment,
                       properties.get("SKIP_RETURN_CODE"), judges) for name, part in parts]

    def files_of(self, command, parts):
        """Files that decide with the mutant what a command says: those it names, and of one in parts what is built beside."""
        found = set()
        for path in map(pathlib.Path, command):
            if path.is_relative_to(self.root) and path.is_file():
                beside = path.parent.glob(f"*{path.stem}*") if parts and path.is_relative_to(self.build) else (path,)
                found.update(one for one in beside if one.is_file())
        return found


def flags_of(words):
    """Of a command that compiles, what decides what the code does; and that what is undefined be noticed."""
    return (*(word for word in words if word.startswith(("-D", "-I", "-O", "-f"))), *UNDEFINED)


def without_others(command):
    """The command without the other libraries that it would judge, too."""
    kept = []
    for at, word in enumerate(command):
        named = command[at + 1] if at + 1 < len(command) else HERE
        if (word in OTHERS and named != HERE) or (at > 0 and command[at - 1] in OTHERS and word != HERE):
            continue
        kept.append(word)
    return kept


def suites_of(program, how="--list"):
    """The suites of tests that a program names line by line."""
    said = subprocess.run([program, how], text=True, capture_output=True, check=True).stdout
    return list(dict.fromkeys(line.split(".")[0] for line in said.splitlines() if re.match(r"\w+\.", line)))


def files_of(root):
    """The files of src/api with logic that are judged here."""
    return [path for path in (root / "src/api" / name for name in JUDGES) if path.is_file()]


def stages_of(root, path):
    """The tests of a file of src/api."""
    release, (labels, names, variants) = Release(root, path), JUDGES[path.name]
    return [*release.unit_stages(variants), *release.test_stages(labels, names, variants)]
