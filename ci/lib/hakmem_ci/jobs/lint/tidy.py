"""clang-tidy: names, what is likely to be a mistake, and what clang warns of. What was clean before with the same content
is not asked again."""
import concurrent.futures
import dataclasses
import json
import re
import shlex
import subprocess

from hakmem_ci.core.content import short_hash
from hakmem_ci.core.process import EXITED
from hakmem_ci.core.report import write_atomically
from hakmem_ci.jobs.lint.layout import VERSION
from hakmem_ci.jobs.lint.sources import Found, Incomplete, llvm_tool

WORK = "build/lint"
DATABASES = ("release", "model")  # presets, for all of the project
SECONDS = 1800  # of processor time, for one file
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)
FAULT = re.compile(r"^(/\S+?):(\d+):\d+: (?:warning|error): (.*)$", re.MULTILINE)
# Headers of clang's own, which have a package of their own.
LACKING = re.compile(r"'(sanitizer/[^']+)' file not found")
OF_OTHER_TOOLS = ("valgrind_sync.hpp",)  # includes headers of Valgrind, which a release build does not need
KEPT = re.compile(r"-(?:[DIUO]|std=|isystem|include|pthread|fno-access-control|fno-exceptions|fno-rtti|f.*sized-deallocation)")
WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion",
            "-Wno-dollar-in-identifier-extension", "-Wno-ignored-gch")
WITH_VALUE = ("-isystem", "-include", "-I", "-D")


@dataclasses.dataclass(frozen=True)
class Unit:
    """A file that clang-tidy compiles, and how."""

    path: object
    arguments: tuple  # of clang-tidy, behind the file


def library_units(root):
    """What ships: every source of the library, and all headers in one file."""
    flags = ("--", *WARNINGS, "-std=c++20", "-O2", "-DNDEBUG", f"-I{root}/include", f"-I{root}/src")
    # Of these one is included by the header that chooses it; no two agree with each other.
    of_machines = set((root / "src" / "machine").glob("*.hpp")) - {root / "src" / "machine" / "machine.hpp"}
    headers = [path for folder in ("include", "src") for path in sorted((root / folder).rglob("*.h*"))
               if path.suffix in (".h", ".hpp") and path.name not in OF_OTHER_TOOLS and path not in of_machines]
    every = root / WORK / "headers.cpp"
    write_atomically(every, "".join(f'#include "{path}"\n' for path in headers))
    return [Unit(path, flags) for path in [every, *sorted((root / "src").rglob("*.cpp"))]]


def flags_of(entry):
    """Of the command that compiles a file, what says how it is read; the rest is for the compiler that the build has."""
    words, kept = shlex.split(entry["command"]), []
    for at, word in enumerate(words):
        if KEPT.match(word):
            kept.append(word)
        elif at and words[at - 1] in WITH_VALUE:
            kept.append(word)
    return kept


def database_units(root, wanted=None):
    """What the builds compile beside the library; `wanted`: only these files."""
    units, known = [], set()
    for preset in DATABASES:
        database = root / "build" / preset / "compile_commands.json"
        if not database.is_file():
            raise Incomplete(f"build/{preset} is not configured; do that by: cmake --preset {preset}")
        for entry in json.loads(database.read_text(encoding="utf-8")):
            path = root / entry["file"]
            if path in known or not path.is_relative_to(root) or path.is_relative_to(root / "src") or \
                    path.is_relative_to(root / "build") or wanted is not None and path not in wanted:
                continue
            known.add(path)
            units.append(Unit(path, ("--", *WARNINGS, *flags_of(entry))))
    return units


def changed_since(root, revision):
    """Files that differ from a revision of git."""
    done = subprocess.run(["git", "diff", "--name-only", "-z", revision, "--"], cwd=root, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise Incomplete(f"git knows no revision {revision}")
    return {root / name for name in done.stdout.split("\0") if name}


class Files:
    """Contents of files and what they include of the project, read once."""

    def __init__(self, root):
        self.roots = (root, *(root / name for name in ("src", "include", "checker", "checker/include", "tests", "bench")))
        self.known = {}

    def read(self, path):
        if path not in self.known:
            text = path.read_text(encoding="utf-8", errors="replace")
            candidates = [[folder / name for folder in (path.parent, *self.roots)] for name in INCLUDE.findall(text)]
            self.known[path] = text, [next((one for one in some if one.is_file()), None) for some in candidates]
        return self.known[path]

    def closure(self, path):
        """The file and all that it includes of the project."""
        found, left = set(), [path]
        while left:
            one = left.pop()
            if one is not None and one not in found:
                found.add(one)
                left += self.read(one)[1]
        return sorted(found)

    def number_of(self, unit, setting):
        """A number for all that the verdict about a unit depends on, but for headers of the system."""
        texts = [self.read(path)[0] for path in self.closure(unit.path)]
        return short_hash("\0".join([setting, *unit.arguments, str(unit.path), *texts]))


class Cache:
    """Numbers of units that were clean; only those of this run are kept."""

    def __init__(self, path):
        self.path, self.clean = path, set()
        try:
            self.before = set(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            self.before = set()

    def save(self, whole):
        kept = self.clean if whole else self.clean | self.before
        write_atomically(self.path, json.dumps(sorted(kept), indent=0) + "\n")


def faults_in(root, outcome, unit):
    """The faults that clang-tidy has printed of the project's files."""
    faults = [f"{name.removeprefix(f'{root}/')}:{line}: {words}" for name, line, words in FAULT.findall(outcome.output)]
    if outcome.ending != EXITED:
        raise Incomplete(f"clang-tidy of {unit.path.name} {outcome.describe()}")
    if lacking := LACKING.search(outcome.output):
        raise Incomplete(f"clang has no {lacking[1]}; install it by: ci/setup (package libclang-rt-{VERSION}-dev)")
    if outcome.code != 0 and not faults:
        faults = [f"{unit.path.name}: clang-tidy {outcome.describe()}, see {outcome.log}"]
    return faults


def check(root, options):
    """The library, with --all everything that a build compiles, with --since what has changed."""
    program = llvm_tool("clang-tidy", VERSION)
    units = library_units(root)
    if options.all:
        units += database_units(root)
    elif options.since:
        units += database_units(root, changed_since(root, options.since))
    files, cache = Files(root), Cache(root / WORK / "tidy.json")
    setting = (root / ".clang-tidy").read_text(encoding="utf-8")

    def ask(unit):
        number = files.number_of(unit, setting)
        if number in cache.before:
            cache.clean.add(number)
            return []
        name = f"tidy-{str(unit.path.relative_to(root)).replace('/', '-')}"
        outcome = options.runner.run(name, [program, "--quiet", unit.path, *unit.arguments], SECONDS)
        faults = faults_in(root, outcome, unit)
        if not faults:
            cache.clean.add(number)
        return faults

    try:
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            found = list(pool.map(ask, units))
    finally:
        cache.save(whole=options.all)
    # Headers are looked at with every file that includes them.
    return Found(len(units), sorted({fault for faults in found for fault in faults}))
