"""Builds and runs tests over a header, mutated or not. What ran before with the same content is not run again."""
import hashlib
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading
import time

from hakmem_ci.core import process
from hakmem_ci.jobs.mutants import switches

COMPILE_SECONDS, TEST_SECONDS = 300, 120
SLACK = 10  # how many times as long as over the header as it is a test may take, but see LEAST_SECONDS
LEAST_SECONDS = 6
# Of processor time, for tests in one process. Who has used that up would do so on any machine at any load, so it lasts.
LEAST_CPU_SECONDS, MOST_CPU_SECONDS = 3, 10
PATIENCE = 60  # seconds that a test sleeps before it hangs
SPUN = "did not end"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
ERROR = re.compile(r"^[^\s:]+:\d+:(\d+:)? (fatal )?error: ", re.MULTILINE)  # the compiler's, not the linker's
FIRST_ERROR = re.compile(r"^.* error: .*$", re.MULTILINE)
FAIL_FAST = ("--gtest_fail_fast",)  # a test that fails tells more than a later one that hangs
# What is undefined and does no harm as compiled is noticed, too. A trap needs no library.
UNDEFINED = ("-fsanitize=shift,bounds,integer-divide-by-zero", "-fsanitize-undefined-trap-on-error")
ALONE = -1  # a mutant in a program of its own
LASTING = ("passed", "killed", "does not compile", SPUN)  # endings that depend on nothing but content


class NotBuilt(Exception):
    """Something has to be built first; says what."""


class Stage:
    """A way to notice: a program that is built over the mutant and run. `prelude`: headers worth precompiling;
    `binaries`: those of the libraries that decide with the sources what the program says; `tool`: words before the
    program, which runs under it."""

    def __init__(self, name, sources, flags, libraries, arguments=(), prelude=(), environment=None, binaries=(), tool=()):
        self.tool = tuple(tool)
        self.name, self.tag = name, name.replace(" ", "-")
        self.family = self.tag  # of stages that compile the same
        self.least = LEAST_SECONDS
        self.alone = name != "model"  # in one process; that one watches over its own
        self.sources, self.flags = tuple(sources), tuple(flags)
        self.environment, self.binaries = environment or {}, set(binaries)
        self.libraries, self.arguments, self.prelude = tuple(libraries), tuple(arguments), tuple(prelude)

    def folders(self):
        """Where the sources' own headers are looked for."""
        return [pathlib.Path(flag[2:]) for flag in self.flags if flag.startswith("-I")]

    def contents(self, header, root):
        """What a program is made of beside the header, with names."""
        behind = set().union(*(files_behind(source, self.folders()) for source in self.sources))
        for path in sorted((behind | self.binaries) - {header}):
            yield os.path.relpath(path, root).encode() + path.read_bytes()

    def seen(self, header, _):
        """[(flags, sources)]: what sees the header, mutated in the folder `_`."""
        return [(self.flags, [source for source in self.sources if header in files_behind(source, self.folders())])]

    def build(self, bench, name, overlay, header, more=()):
        """(program, outcome of its compilation)."""
        program = overlay / f"{name}-{self.tag}"
        return program, bench.compile(f"{name}-{self.tag}-build", [
            *bench.prelude_of(self), *more, f"-I{overlay}", *self.flags, *bench.inputs_of(header, self), "-o", program,
            *self.libraries])

    def command(self, program):
        """What judges the program."""
        return [*self.tool, program, *self.arguments]

    def ending(self, code):
        """What an exit code says."""
        return "passed" if code == 0 else "killed"

    def place(self, _):
        """Among the others, when it takes `_` seconds: as they are given."""
        return 0

    def after(self, _):
        """Among the others, when the stage of that name has just killed a mutant: as they are given."""
        return 0


def files_behind(source, folders):
    """The source and the project's headers that it includes, directly or not."""
    found, left = set(), [source]
    while left:
        path = left.pop()
        if path in found:
            continue
        found.add(path)
        for name in INCLUDE.findall(path.read_text(encoding="utf-8")):
            candidates = [folder / name for folder in (path.parent, *folders)]
            left += [one.resolve() for one in candidates if one.is_file()][:1]
    return found


class Cache:
    """Endings by content, in a file. Thread-safe."""

    def __init__(self, path):
        self.path, self.lock = path, threading.Lock()
        self.endings = self.saved()

    def saved(self):
        try:
            return json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}

    def get(self, key):
        """[ending, seconds of all, seconds of the run alone], or None."""
        with self.lock:
            return self.endings.get(key)

    def put(self, key, ending, seconds, run_seconds):
        with self.lock:
            self.endings[key] = [ending, round(seconds, 1), round(run_seconds, 1)]

    def save(self):
        with self.lock:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.endings = {**self.saved(), **self.endings}  # another run may have saved meanwhile
            new = self.path.with_suffix(".new")
            new.write_text(json.dumps(self.endings, indent=0, sort_keys=True), encoding="utf-8")
            new.replace(self.path)


class Bench:
    """Judges texts of one header after another. Thread-safe but for `prepare`."""

    def __init__(self, root, work, stop, cache):
        self.root, self.work, self.cache = root, work, cache
        self.runner = process.Runner(work, work, stop)
        self.compiler = os.environ.get("CXX", "c++")
        version = subprocess.run([self.compiler, "--version"], capture_output=True, text=True, check=True).stdout
        self.version = version.splitlines()[0]
        self.last_words = {}  # name -> of the latest program of that name that did not do as it should
        self.ran = 0  # programs that the cache did not spare
        self.seconds = 0.0  # that all programs took, now or when they ran
        self.made = {}  # what is compiled once: key -> path, or None where that failed
        self.making = threading.Lock()
        self.took, self.limits = {}, {}  # (header, stage) -> seconds that the header as it is takes; that others may take
        self.plans = {}  # header -> (text, mutants)
        self.programs = {}  # (header, stage) -> (program, numbers)
        self.unswitched = {}  # (header, family) -> lines of statements that cannot be switched
        self.locks, self.building = {}, threading.Lock()  # of each program while it is built

    def key_of(self, header, text, stage):
        """A name of everything that an ending depends on."""
        content = hashlib.sha256()
        options = (*stage.flags, *stage.libraries, *stage.arguments, stage.environment, *stage.tool)
        for word in (self.version, text, *map(str, options)):
            content.update(word.replace(str(self.root), ".").encode() + b"\0")
        for part in stage.contents(header, self.root):
            content.update(part)
        return content.hexdigest()

    def compile(self, name, words):
        return self.runner.run(name, [self.compiler, "-std=c++20", "-w", *words], COMPILE_SECONDS)

    def once(self, key, name, make_words):
        """What does not depend on the mutant is compiled when it is first needed. \\return its path or None."""
        with self.making:
            if key not in self.made:
                path, words = make_words()
                self.made[key] = path if self.compile(name, words).clean else None
            return self.made[key]

    def prelude_of(self, stage):
        """Options that include the precompiled prelude of a stage."""
        if not stage.prelude:
            return []
        compiled = self.work / f"{stage.tag}-prelude.hpp"

        def words():
            compiled.write_text("".join(f"#include <{name}>\n" for name in stage.prelude), encoding="utf-8")
            options = [flag for flag in stage.flags if not flag.startswith("-I")]
            return compiled, [*options, "-x", "c++-header", compiled, "-o", f"{compiled}.gch"]

        made = self.once((stage.prelude, stage.flags), compiled.name, words)
        return ["-include", made] if made else []

    def inputs_of(self, header, stage):
        """The sources that see the header, and objects of the others."""
        inputs = []
        for source in stage.sources:
            unit = self.work / f"{stage.tag}-{source.stem}.o"
            sees = header in files_behind(source, stage.folders())
            made = None if sees else self.once((source, stage.flags), unit.name, lambda source=source, unit=unit: (
                unit, [*stage.flags, "-c", source, "-o", unit]))
            inputs.append(made or source)
        return inputs

    def overlaid(self, folder, header, text):
        """A folder that is looked in before src/. What includes a header by its folder finds it there; the rest of that
        folder is the shipping one."""
        target = folder / header.relative_to(self.root / "src")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        return folder

    def plan(self, header, text, mutants):
        """Says which mutants of a header are to come, so that they can be compiled together."""
        self.plans[header] = text, mutants

    def may_be_evaluated(self, header, number):
        """Whether the compiler may evaluate what a mutant changes, which in a switched program is then as it was."""
        text, mutants = self.plans.get(header, ("", []))
        return bool(mutants) and switches.may_be_evaluated(text, mutants[number - 1].line)

    def switched(self, header, stage):
        """(program, numbers): one program of all mutants that can be told at its start which of them is alive, 0 being
        none. Those that are not among the numbers need one each."""
        with self.building:
            making = self.locks.setdefault((header, stage.family), threading.Lock())
        with making:
            if (header, stage.name) not in self.programs:
                self.programs[(header, stage.name)] = self.build_switched(header, stage)
            return self.programs[(header, stage.name)]

    def build_switched(self, header, stage):
        text, mutants = self.plans.get(header, ("", []))
        name, without = f"{header.name}-switched", self.unswitched.setdefault((header, stage.family), set())
        prelude = self.work / f"{name}-{stage.family}.hpp"
        prelude.write_text(switches.PRELUDE, encoding="utf-8")
        while mutants:
            combined, contained = switches.combine(text, mutants, without)
            overlay = self.overlaid(self.work / f"{name}-{stage.family}-src", header, combined)
            program, built = stage.build(self, name, overlay, header, ("-include", prelude))
            if built.clean:
                return program, {0}.union(*contained.values())
            # Where a statement cannot be written so, says the compiler; or it is the last one before.
            wrong = {max((line for line in contained if line <= int(said)), default=0)
                     for said in re.findall(rf"{re.escape(header.name)}:(\d+):\d+: error", built.output)} - {0}
            if not wrong:
                break
            without |= wrong
            shutil.rmtree(overlay)
        return None, frozenset()

    def compiles(self, name, header, text, stage):
        """Whether what the compiler evaluates by itself holds, too: in switched programs it is always as it is."""
        key = self.key_of(header, text, stage) + " compiles"
        if self.cache.get(key) is None:
            overlay = self.overlaid(self.work / name, header, text)
            for flags, sources in stage.seen(header, overlay):
                built = self.compile(f"{name}-syntax", [*self.prelude_of(stage), f"-I{overlay}", *flags, "-fsyntax-only",
                                                        *sources])
                if not built.clean:
                    break
            if built.ending != "exited":
                return True
            self.cache.put(key, "does not compile" if ERROR.search(built.output) else "passed", built.seconds, 0)
        return self.cache.get(key)[0] == "passed"

    def run_stage(self, name, stage, overlay, header, number):
        """("passed", "killed" or another ending in words, seconds of the run)."""
        program, numbers = self.switched(header, stage) if number != ALONE else (None, ())
        if number not in numbers:
            program, built = stage.build(self, name, overlay, header)
            if not built.clean:
                first = FIRST_ERROR.search(built.output)
                self.last_words[name] = first[0] if first else built.output[-300:]
                if built.ending == "exited" and not ERROR.search(built.output):
                    return "not built", 0  # for want of memory or of a library: that is no verdict on the mutant
                return "does not compile" if built.ending == "exited" else built.ending, 0
        ending, seconds = self.run_program(name, stage, header, program, number)
        if ending == "killed":  # is kept for ever, so it is believed when it repeats: the machine may have failed a test
            ending, again = self.run_program(name, stage, header, program, number)
            seconds += again
        if number not in numbers:
            program.unlink(missing_ok=True)
        return ending, seconds

    def run_program(self, name, stage, header, program, number):
        """Runs what a stage has built, with a mutant of its own or the one of that number. As run_stage."""
        words = stage.command(program)
        report = self.work / f"{name}.json"
        report.unlink(missing_ok=True)
        if stage.name == "model":
            words += ["--jobs", "1", "--json", str(report)]
        limit = self.limits.get((header, stage.name), TEST_SECONDS)
        if stage.alone:
            most = round(min(MOST_CPU_SECONDS, max(LEAST_CPU_SECONDS, limit / 2)))
            words = ["prlimit", f"--cpu={most}:{most + 1}", *words]
            limit = TEST_SECONDS
        ran = self.runner.run(f"{name}-{stage.tag}-run", words, limit,
                              {**stage.environment, switches.VARIABLE: str(number)}, patience=PATIENCE)
        self.last_words[name] = ran.output[-300:]
        if ran.ending != "exited":
            return ran.ending, ran.seconds
        if ran.code == -signal.SIGXCPU:
            return SPUN, ran.seconds
        if stage.name == "model":
            return self.judge_model(report), ran.seconds
        return stage.ending(ran.code), ran.seconds

    @staticmethod
    def judge_model(report):
        """Only suites as they are: a broken variant may fail for want of its site."""
        try:
            rows = json.loads(report.read_text(encoding="utf-8"))["results"]
        except (OSError, ValueError, KeyError):
            return "no report"
        return "passed" if all(row["status"] == "pass" for row in rows if not row["broken_variant"]) else "killed"

    def ending_of(self, name, header, text, stage, overlay, hangs, number):
        """From the cache, or by running the stage."""
        key = self.key_of(header, text, stage) + (" alone" if number == ALONE else "")
        known = self.cache.get(key)
        lasting = (*LASTING, *process.NO_END) if hangs else LASTING
        if known is None or known[0] not in lasting:
            started = time.monotonic()
            self.overlaid(overlay, header, text)
            ending, run_seconds = self.run_stage(name, stage, overlay, header, number)
            known = ending, time.monotonic() - started, run_seconds
            if ending in lasting:
                self.cache.put(key, *known)
            self.ran += 1
        # What is judged first is the header as it is.
        took = self.took.setdefault((header, stage.name), known[-1])
        self.limits.setdefault((header, stage.name), min(TEST_SECONDS, max(stage.least, SLACK * took)))
        self.seconds += known[1]
        return known[0]

    def judge(self, name, header, text, stages, hangs=False, number=0):
        """(verdict, stage) of a header's text: "killed", "timeout", "survived" or "not run". If it `hangs` by what its
        explanation says, that is no news, remembered, and the end of its trial; else it may have been the machine.
        `number`: of the mutant in the plan, 0 for the header as it is."""
        overlay = self.work / name
        slow = ""
        alone = stages if number != 0 and self.may_be_evaluated(header, number) else ()
        try:
            for stage, which in (*((stage, number) for stage in stages), *((stage, ALONE) for stage in alone)):
                ending = self.ending_of(name, header, text, stage, overlay, hangs, which)
                if ending in ("killed", "does not compile"):
                    return "killed", stage.name if ending == "killed" else "compiler"
                if ending in (process.INTERRUPTED, process.NOT_STARTED):
                    return "not run", ""
                if ending != "passed":
                    slow = slow or f"{stage.tag}: {ending}"
                    if hangs:
                        break
            if number != 0 and not alone and not self.compiles(name, header, text, stages[0]):
                return "killed", "compiler"
        finally:
            shutil.rmtree(overlay, ignore_errors=True)
        return ("timeout", slow) if slow else ("survived", "")
