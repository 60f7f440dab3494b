"""The command line of ci/mutants."""
import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import tempfile
import time

from hakmem_mutants import operators
from hakmem_verify.process import Runner, Stop

GREEN, RED, INTERRUPTED = 0, 1, 130
COMPILE_SECONDS, TEST_SECONDS = 300, 30
FOLDERS = ("lockfree", "superslab", "heap/slab.hpp")
GTEST = ("-lgtest_main", "-lgtest", "-pthread")
FAIL_FAST = ("--gtest_fail_fast",)  # a test that fails tells more than a later one that hangs


class NotBuilt(Exception):
    """Something has to be built first; says what."""


@dataclasses.dataclass
class Verdict:
    """What has become of a mutant: "killed" by a stage, "timeout", "survived", "not run"."""

    mutant: operators.Mutant
    verdict: str
    by: str = ""


class Stage:
    """A way to notice: a program that is built over the mutant and run."""

    def __init__(self, name, sources, flags, libraries, arguments=()):
        self.name, self.sources, self.flags = name, sources, flags
        self.libraries, self.arguments = libraries, arguments


def model_stage(root, scenario):
    """A scenario as the model preset compiles and links it, but for warnings; None when that is not built."""
    build = root / "build/model"
    try:
        entries = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    words = {pathlib.Path(entry["file"]): shlex.split(entry["command"]) for entry in entries
             if "hakmem-check.dir" in entry["command"]}.get(scenario, ())
    objects = [pathlib.Path(entry["directory"]) / shlex.split(entry["command"])[-3] for entry in entries
               if "hakmem_model_runner.dir" in entry["command"]]
    engine = sorted(build.rglob("libhakmem_model_engine.a"))
    if not words or not engine or not all(path.suffix == ".o" and path.is_file() for path in objects):
        return None
    flags = [word for word in words if word.startswith(("-D", "-I", "-O", "-f")) and not word.startswith("-fmacro")]
    flags += [f"-isystem{word}" for at, word in enumerate(words) if at != 0 and words[at - 1] == "-isystem"]
    return Stage("model", (scenario,), flags, (*objects, *engine, "-lfmt", "-pthread"), ("run", "--quick"))


def stages_of(root, header):
    """The tests of a header, cheapest first, by its name."""
    folder, stem = header.parent.name, header.stem
    stages = []
    common = ("-O0", f"-I{root}/src", f"-I{root}/tests", f"-I{root}/include")
    support = root / "tests/support/test_memory.cpp"
    unit = root / "tests/unit" / folder / f"{stem}_test.cpp"
    if unit.is_file():
        stages.append(Stage("unit", (unit, support), common, GTEST, FAIL_FAST))
    properties = root / "tests/property" / f"{stem}_property.cpp"
    if properties.is_file():
        stages.append(Stage("property", (properties, support), common, ("-lrapidcheck", *GTEST), FAIL_FAST))
    scenario = root / "model/scenarios" / f"{stem}.cpp"
    model = model_stage(root, scenario) if scenario.is_file() else None
    if scenario.is_file() and model is None:
        raise NotBuilt("the model preset is not built: cmake --preset model && cmake --build --preset model")
    if model:
        stages.append(model)
    return stages


class Bench:
    """Builds and runs the stages over one header, mutated or not."""

    def __init__(self, root, work, stop):
        self.root, self.work = root, work
        self.runner = Runner(work, work, stop)
        self.last_words = ""  # of the latest program that did not do as it should

    def run_stage(self, name, stage, overlay):
        """"passed", "killed" or another ending in words."""
        program = self.work / f"{name}-{stage.name}"
        command = [os.environ.get("CXX", "c++"), "-std=c++20", "-w", f"-I{overlay}", *stage.flags, *stage.sources,
                   "-o", program, *stage.libraries]
        built = self.runner.run(f"{name}-{stage.name}-build", command, COMPILE_SECONDS)
        if not built.clean:
            self.last_words = built.output[-300:]
            return "does not compile" if built.ending == "exited" else built.ending
        arguments = list(stage.arguments)
        report = self.work / f"{name}.json"
        if stage.name == "model":
            arguments += ["--jobs", "1", "--json", str(report)]
        ran = self.runner.run(f"{name}-{stage.name}-run", [program, *arguments], TEST_SECONDS)
        program.unlink(missing_ok=True)
        self.last_words = ran.output[-300:]
        if ran.ending != "exited":
            return ran.ending
        if stage.name == "model":
            return self.judge_model(report)
        return "passed" if ran.code == 0 else "killed"

    @staticmethod
    def judge_model(report):
        """Only suites as they are: a broken variant may fail for want of its site."""
        try:
            rows = json.loads(report.read_text(encoding="utf-8"))["results"]
        except (OSError, ValueError, KeyError):
            return "no report"
        return "passed" if all(row["status"] == "pass" for row in rows if not row["broken_variant"]) else "killed"

    def judge(self, name, header, text, stages):
        """(verdict, stage) of a header's text."""
        overlay = self.work / name
        target = overlay / header.relative_to(self.root / "src")
        target.parent.mkdir(parents=True, exist_ok=True)
        # What includes a header by its folder finds the overlay first; the rest of the folder is the shipping one.
        target.write_text(text, encoding="utf-8")
        slow = ""
        for stage in stages:
            ending = self.run_stage(name, stage, overlay)
            if ending in ("killed", "does not compile"):
                return "killed", stage.name if ending == "killed" else "compiler"
            if ending in ("interrupted", "not started"):
                return "not run", ""
            if ending != "passed":
                slow = slow or f"{stage.name}: {ending}"
        shutil.rmtree(overlay)
        return ("timeout", slow) if slow else ("survived", "")


def explained(header):
    """(old, new) -> why, from the reviewed file beside the header."""
    path = header.with_suffix(".mutants.json")
    if not path.is_file():
        return {}
    return {(entry["line"], entry["becomes"]): entry["why"]
            for entry in json.loads(path.read_text(encoding="utf-8"))["survivors"]}


def audit_header(bench, root, header, jobs):
    """The verdicts over one header, and the problems."""
    text = header.read_text(encoding="utf-8")
    shown = header.relative_to(root)
    stages = stages_of(root, header)
    if not stages:
        return [], [f"{shown}: no test is named after it"]
    verdict, by = bench.judge(f"{header.stem}-0", header, text, stages)
    if verdict != "survived":
        return [], [f"{shown}: its tests do not pass as it is: {verdict} by {by}: {bench.last_words}"]
    mutants = operators.mutants_of(text)
    verdicts = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        names = [f"{header.stem}-{number}" for number in range(1, len(mutants) + 1)]
        judged = pool.map(lambda pair: bench.judge(pair[0], header, operators.apply(text, pair[1]), stages),
                          zip(names, mutants))
        for mutant, (verdict, by) in zip(mutants, judged):
            verdicts.append(Verdict(mutant, verdict, by))
            if verdict != "killed":
                print(f"{verdict:<9} {shown}:{mutant.line}  {mutant.name()}  {by}", flush=True)
    return verdicts, problems_of(shown, verdicts, explained(header))


def problems_of(shown, verdicts, reasons):
    """What is unexplained, and what is explained for nothing."""
    problems, used = [], set()
    for one in verdicts:
        key = (one.mutant.old.strip(), one.mutant.new.strip())
        if one.verdict == "killed":
            continue
        if one.verdict == "not run":
            problems.append(f"{shown}:{one.mutant.line} was not run: {one.mutant.name()}")
        elif key in reasons:
            used.add(key)
        else:
            problems.append(f"{shown}:{one.mutant.line} {one.verdict} without an explanation: {one.mutant.name()}")
    problems += [f"{shown}: explained, and no such mutant lives: {old}  =>  {new}" for old, new in reasons.keys() - used]
    return problems


def headers_of(root, pattern):
    """The headers with plain logic whose path contains `pattern`."""
    found = []
    for folder in FOLDERS:
        path = root / "src" / folder
        found += [path] if path.is_file() else sorted(path.glob("*.hpp"))
    return [path for path in found if pattern in str(path.relative_to(root))]


def job_count(text):
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 512")
    return int(text)


def arguments_of(argv, root):
    parser = argparse.ArgumentParser(
        prog="ci/mutants", allow_abbrev=False,
        description="Changes one place of a header at a time and runs its unit, property and model tests. Exit code 0 only "
                    "if every mutant is killed, or explained in the .mutants.json file beside the header. Needs a built "
                    "model preset.")
    parser.add_argument("pattern", nargs="?", default="", help="part of a header's path, such as lockfree/remote_word")
    parser.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N", help="mutants at a time")
    parser.add_argument("--list", action="store_true", help="name the mutants and run nothing")
    arguments = parser.parse_args(argv)
    if not headers_of(root, arguments.pattern):
        parser.error(f"no header's path contains '{arguments.pattern}'")
    return arguments


def main(root, argv):
    arguments = arguments_of(argv, root)
    headers = headers_of(root, arguments.pattern)
    if arguments.list:
        for header in headers:
            for mutant in operators.mutants_of(header.read_text(encoding="utf-8")):
                print(f"{header.relative_to(root)}:{mutant.line}  {mutant.name()}")
        return GREEN
    stop, started = Stop(), time.monotonic()
    stop.install()
    verdicts, problems = [], []
    with tempfile.TemporaryDirectory(prefix="hakmem-mutants-") as work:
        bench = Bench(root, pathlib.Path(work), stop)
        for header in headers:
            try:
                found, wrong = audit_header(bench, root, header, arguments.jobs)
            except NotBuilt as cause:
                found, wrong = [], [f"{header.relative_to(root)}: {cause}"]
            verdicts += found
            problems += wrong
            print(f"{header.relative_to(root)}: {len(found)} mutants, "
                  f"{sum(one.verdict == 'killed' for one in found)} killed", flush=True)
    for problem in problems:
        print(f"PROBLEM   {problem}")
    killed = sum(one.verdict == "killed" for one in verdicts)
    print(f"{len(verdicts)} mutants: {killed} killed, {len(verdicts) - killed} not; {len(problems)} problems; "
          f"{time.monotonic() - started:.0f} s")
    if stop.is_set():
        return INTERRUPTED
    return RED if problems or not verdicts else GREEN
