"""Follows a guide in a copy of the tree: makes and edits the files that its blocks of code are for, builds what they
change, runs each command that stands behind a $ and compares what it prints.

A block is for a file if the line above it ends with "New file **PATH**:", "In **PATH**:" (a diff) or "For a moment, in
**PATH**:" (a diff that is undone behind the commands that follow it)."""
import collections
import dataclasses
import pathlib
import re
import shlex
import shutil
import subprocess

PARTS = ("src", "checker", "model", "tests/unit", "tests/support")
CHECKER, UNIT = "build/model/hakmem-check", "build/release/tests/unit_lockfree"
PLACE = re.compile(r"(New file|In|For a moment, in) \*\*([\w./]+)\*\*:$")
VARIES = ((r"\d+\.\d+ s\b", "T s"), (r"\d+ executions", "N executions"), (r"[\d.]+ [kM]? ?per second", "N per second"),
          (r"\s+", " "))
LEFT_OUT = "..."


@dataclasses.dataclass
class Step:
    """What a block asks for. `kind`: "new", "edit", "moment" or "run"."""

    kind: str
    line: int
    what: str  # the file or the command
    text: str  # of the file, of the diff or of what is printed


class Fault(Exception):
    """The guide cannot be followed, or does not say what happens."""


def steps_of(guide):
    """The steps of a guide, in order. Blocks that are for people alone are none."""
    found, above, fence, block, begin = [], "", None, [], 0
    for number, line in enumerate(guide.splitlines(), 1):
        if not line.startswith("```"):
            (block if fence is not None else []).append(line)
            above = line if fence is None and line.strip() else above
            continue
        if fence is None:
            fence, block, begin = line[3:], [], number
            continue
        place = PLACE.search(above)
        if fence == "console":
            found.append(Step("run", begin, block[0].removeprefix("$ "), "\n".join(block[1:])))
        elif place is not None:
            kind = {"New file": "new", "In": "edit"}.get(place[1], "moment")
            found.append(Step(kind, begin, place[2], "\n".join(block) + "\n"))
        fence, above = None, ""
    return found


def sides_of(diff):
    """What a diff takes away and what it puts there."""
    lines = diff.splitlines()
    return tuple("".join(f"{line[1:]}\n" for line in lines if line[:1] in (" ", sign)) for sign in "-+")


def comparable(text):
    """The lines of an output, without what differs from run to run."""
    lines = []
    for line in text.splitlines():
        for pattern, word in VARIES:
            line = re.sub(pattern, word, line)
        lines.append(line.strip())
    return collections.Counter(line for line in lines if line)


class Copy:
    """A copy of the tree in which a guide is followed. What is not changed is linked as `build` has it."""

    def __init__(self, root, build, ninja, folder):
        self.root, self.build, self.tree = root, build, folder / "tree"
        self.objects = folder / "objects"
        self.objects.mkdir()
        for part in PARTS:
            shutil.copytree(root / part, self.tree / part)
        self.commands = {}
        for target in ("hakmem-check", "suite_slot_word"):
            self.commands[target] = subprocess.run([ninja, "-C", build, "-t", "commands", target], text=True,
                                                   capture_output=True, check=True).stdout.splitlines()
        self.changed, self.stale, self.token = {}, False, ""

    # Files -----------------------------------------------------------------------------------------------------------

    def write(self, name, text):
        path = self.tree / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        if path.suffix == ".cpp" and name.startswith("model/") and not name.startswith("model/tests/"):
            self.changed[name] = self.objects / (name.replace("/", "_") + ".o")
        self.stale = True

    def edit(self, step):
        """Applies a diff. Returns the text that was there."""
        before = (self.tree / step.what).read_text(encoding="utf-8")
        old, new = sides_of(step.text)
        if before.count(old) != 1:
            raise Fault(f"what the diff takes away is {before.count(old)} times in {step.what}")
        self.write(step.what, before.replace(old, new))
        return before

    # Programs --------------------------------------------------------------------------------------------------------

    def run(self, words, folder, name):
        done = subprocess.run(words, cwd=folder, text=True, capture_output=True, check=False)
        if done.returncode != 0:
            raise Fault(f"{name} is not built:\n{done.stdout}{done.stderr}")

    def compile_words(self, name):
        """How the build compiles a file of the model, here with the headers of the copy."""
        known = [line for line in self.commands["hakmem-check"] if line.endswith(f" {self.root / name}")]
        like = known or [line for line in self.commands["hakmem-check"] if line.endswith("model/scenarios/slot_word.cpp")]
        words = shlex.split(like[0])
        here = {f"-I{self.root}{part}": f"-I{self.tree}{part}" for part in ("", "/src", "/checker", "/checker/include")}
        here[f"-fmacro-prefix-map={self.root}/="] = f"-fmacro-prefix-map={self.tree}/="
        words = [here.get(word, word) for word in words]
        output = str(self.changed[name])
        for option, value in (("-o", output), ("-MT", output), ("-MF", output + ".d")):
            words[words.index(option) + 1] = value
        return [*words[:-1], str(self.tree / name)]

    def link_words(self):
        """How the build links a checker, here without a suite; first the compiler."""
        return [word for word in shlex.split(self.commands["suite_slot_word"][-1])
                if word not in (":", "&&") and not word.endswith("scenarios/slot_word.cpp.o")]

    def build_checker(self):
        """The checker with the suites of new files, and with the museum."""
        for name in self.changed:
            self.run(self.compile_words(name), self.build, name)
        museum = [word for word in shlex.split(self.commands["hakmem-check"][-1])
                  if word.endswith(("exhibits.cpp.o", "programs.cpp.o")) and "hakmem-check.dir" in word]
        words = self.link_words()
        program = self.tree / CHECKER
        program.parent.mkdir(parents=True, exist_ok=True)
        words[words.index("-o") + 1] = str(program)
        replaced = {str(pathlib.PurePosixPath(name).relative_to("model")) + ".o": path for name, path in self.changed.items()}
        linked = [next((str(path) for end, path in replaced.items() if word.endswith(f".dir/{end}")), word)
                  for word in [words[0], *museum, *words[1:]]]
        more = [str(path) for path in self.changed.values() if str(path) not in linked]
        self.run([linked[0], *more, *linked[1:]], self.build, CHECKER)  # objects before archives

    def build_unit(self):
        """The new unit tests alone."""
        new = [path for path in sorted((self.tree / "tests/unit/lockfree").glob("*.cpp"))
               if not (self.root / path.relative_to(self.tree)).exists()]
        listed = (self.tree / "tests/unit/CMakeLists.txt").read_text(encoding="utf-8")
        for path in new:
            if not re.search(rf"(?<![\w.]){re.escape(path.name)}(?![\w.])", listed):
                raise Fault(f"tests/unit/CMakeLists.txt does not name {path.name}")
        program = self.tree / UNIT
        program.parent.mkdir(parents=True, exist_ok=True)
        self.run([self.link_words()[0], "-std=c++20", "-O1", "-Wall", "-Wextra", "-Werror", f"-I{self.tree}/src", f"-I{self.tree}/tests",
                  *new, "-o", program, "-lgtest", "-lgtest_main", "-pthread"], self.tree, UNIT)

    def answer(self, command):
        """What a command of the guide prints, and its exit code."""
        words = shlex.split(command.replace("TOKEN", f"'{self.token}'"))
        if self.stale and words[0] == CHECKER:
            self.build_checker()
            self.stale = False
        if words[0] == UNIT:
            self.build_unit()
        more = {"audit": ["--source", ".", "--cache", "cache", "--ledger", "", "--jobs", "1"],
                "museum": ["--tests", "build/release/tests", "--page", ""]}
        done = subprocess.run([*words, *(more.get(words[1], []) if words[0] == CHECKER else [])], cwd=self.tree, text=True,
                              capture_output=True, check=False)
        token = re.search(r"replay: hakmem-check replay '([^']+)'", done.stdout)
        self.token = token[1] if token else self.token
        return done.stdout + done.stderr, done.returncode

    def check(self, step):
        """Runs a command and compares."""
        told, code = self.answer(step.what)
        wanted, found = comparable(step.text), comparable(told)
        whole = LEFT_OUT not in wanted
        del wanted[LEFT_OUT]
        missing, more = wanted - found, found - wanted
        if missing or whole and more:
            raise Fault(f"{step.what} does not print: {sorted(missing)}" + (f"; but: {sorted(more)}" if more else ""))
        last = [line for line in step.text.splitlines() if line != LEFT_OUT][-1]
        good = 0 if re.search(r"PASSED|^0 violations", last) else 1
        if code != good:
            raise Fault(f"{step.what} ends with {code}")


def follow(guide, copy):
    """Follows a guide to its end. Returns the steps that were taken; Fault with the line of the block that is wrong."""
    steps = steps_of(guide)
    if not any(step.kind == "run" for step in steps):
        raise Fault("there is nothing to follow")
    undo = {}
    for step in steps:
        if step.kind != "run":
            for name, text in undo.items():
                copy.write(name, text)
            undo = {}
        try:
            if step.kind == "new":
                copy.write(step.what, step.text)
            elif step.kind == "run":
                copy.check(step)
            else:
                before = copy.edit(step)
                undo = {step.what: before} if step.kind == "moment" else {}
        except (Fault, OSError) as error:
            raise Fault(f"line {step.line}: {error}") from None
    return steps
