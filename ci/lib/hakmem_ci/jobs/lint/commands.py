"""Commands in documents: scripts, presets, programs, options, files and variables that they name must exist."""
import fnmatch
import functools
import json
import re
import subprocess

TOP = ("src", "include", "checker", "model", "tests", "bench", "ci", "cmake", "docs", "examples")
PATH = re.compile(rf"(?<![\w./-])(?:{'|'.join(TOP)})/[\w.*/{{}},-]*[\w*/}}]")
OPTION = re.compile(r"^(--?[A-Za-z][\w-]*)(?:=.*)?$")
VARIABLE = re.compile(r"\bHAKMEM_[A-Z0-9]+(?:_[A-Z0-9]+)*\b(?![*_])")
ASSIGNMENT = re.compile(r"^[A-Z_]+=")
PLACEHOLDER = re.compile(r"<[^>]*>|\$\w+|…|\.\.\.|(?:^|(?<=[/_.-]))[A-Z]{3,}(?=$|[/_.-])")
SOURCES = (".cpp", ".hpp", ".h", ".c")
KINDS = {"configure": "configurePresets", "build": "buildPresets", "test": "testPresets"}
WRAPPERS = {"setarch": 2, "env": 1, "nice": 3, "taskset": 3, "exec": 1, "sudo": 1}  # words before the command proper
SHORT = {"hakmem-check": "model", "ab": "bench"}  # programs that documents call by their names
BELOW = {"model": ("checker",)}  # folder of a program -> others that have words of its command line
ELSEWHERE = {"--gtest_filter", "--help", "--version"}


class Commands:
    """What commands may name, read from the scripts, the presets and the sources; nothing has to be built."""

    def __init__(self, root, files, folders):
        self.root, self.files, self.folders = root, files, folders

    @functools.cached_property
    def presets(self):
        """Kind -> names."""
        path = self.root / "CMakePresets.json"
        if not path.is_file():
            return {kind: set() for kind in KINDS}
        told = json.loads(path.read_text(encoding="utf-8"))
        return {kind: {preset["name"] for preset in told.get(key, []) if not preset.get("hidden")}
                for kind, key in KINDS.items()}

    @functools.cached_property
    def targets(self):
        """Patterns of the names that CMake files speak of; a variable in a name stands for a word."""
        words = set()
        for name in self.files:
            if name.endswith(("CMakeLists.txt", ".cmake")):
                text = re.sub(r"(?m)#.*$", "", (self.root / name).read_text(encoding="utf-8"))
                words |= set(re.findall(r"[\w.${}-]+", text))
        patterns = [re.sub(r"\\\$\\\{\w+\\\}", r"\\w+", re.escape(word)) for word in words]
        return re.compile("|".join(pattern for pattern in patterns if pattern.replace(r"\w+", "").strip("_")) or r"(?!)")

    def text_of(self, *folders):
        """All sources below these folders, as one text."""
        return "\n".join((self.root / name).read_text(encoding="utf-8", errors="replace") for name in sorted(self.files)
                         if name.endswith(SOURCES) and name.split("/")[0] in folders)

    @functools.lru_cache(maxsize=None)
    def words_of_sources(self, folder):
        """Options and commands that the programs of a folder take."""
        text = self.text_of(folder, *BELOW.get(folder, ()))
        options = set(re.findall(r"(?<![\w-])--?[A-Za-z][\w-]*", "\n".join(re.findall(r'"(?:\\.|[^"\\\n])*"', text))))
        return options, set(re.findall(r'(?:add_subcommand\(|name\(\) const override \{ return )\s*"(\w+)"', text))

    @functools.lru_cache(maxsize=None)
    def help_of(self, script, subcommand=""):
        """What a script answers to --help; nothing if that does not work."""
        command = [str(self.root / script), *([subcommand] if subcommand else []), "--help"]
        try:
            done = subprocess.run(command, cwd=self.root, capture_output=True, text=True, check=False, timeout=60)
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout + done.stderr if done.returncode == 0 else ""

    @functools.cached_property
    def variables(self):
        """Every variable HAKMEM_... that sources, scripts and CMake files know."""
        found = set()
        for name in self.files:
            if name.split("/")[0] in (*TOP, "CMakeLists.txt", "CMakePresets.json") and not name.endswith((".md", ".svg")):
                found |= set(VARIABLE.findall((self.root / name).read_text(encoding="utf-8", errors="replace")))
        return found

    # Words ------------------------------------------------------------------------------------------------------------

    def path_fault(self, name):
        """What is wrong with the name of a file or folder of the source, or None."""
        if PLACEHOLDER.search(name):
            return None
        for one in expanded(name.rstrip("/")):
            if any(c in one for c in "*?"):
                if not any(fnmatch.fnmatch(known, one) for known in self.files | self.folders):
                    return f"no file is called {one}"
            elif one not in self.files and one not in self.folders:
                return f"there is no {one}"
        return None

    def faults_of_words(self, words):
        """Faults of code inside a line of text: a command, files, variables."""
        faults = self.faults_of_command(words) if re.match(r"(?:ci/|build/|cmake |ctest |hakmem-check |ab )", words) else []
        if not faults and not words.startswith("build/"):
            faults = [fault for fault in (self.path_fault(name) for name in PATH.findall(PLACEHOLDER.sub("", words))
                                          if not PLACEHOLDER.search(words)) if fault]
        return faults + self.variable_faults(words)

    def variable_faults(self, words):
        if re.search(r"HAKMEM_\w*[*<]|_$", words):
            return []
        return [f"nothing knows the variable {name}" for name in VARIABLE.findall(words) if name not in self.variables]

    def faults_of_line(self, line):
        """Faults of a line of a block of code. What is no command of the project is none of ours."""
        code = re.sub(r"(?:^|\s)#\s.*$", "", line).strip().removeprefix("$ ")
        code = re.split(r"\s{3,}", code)[0]  # a table of commands: the words behind say what they do
        faults = [fault for part in re.split(r"\s*(?:&&|\|\||;|\|)\s*", code) for fault in self.faults_of_command(part)]
        return faults + self.variable_faults(code)

    # Commands ---------------------------------------------------------------------------------------------------------

    def faults_of_command(self, command):
        words = [word.strip("[]'\"") for word in command.replace("[", " ").replace("]", " ").split()]
        while words and (ASSIGNMENT.match(words[0]) or words[0] in WRAPPERS):
            words = words[WRAPPERS.get(words[0], 1):]
        if not words:
            return []
        name = words[0].removeprefix("./").removeprefix("$PWD/")
        if name in ("cmake", "ctest"):
            return self.preset_faults(name, words)
        if name.startswith("ci/"):
            return self.script_faults(name, words)
        if name.startswith("build/"):
            return self.program_faults(name, words)
        if name in SHORT:
            return self.option_faults(name, SHORT[name], words)
        if name in ("python3", "bash") and len(words) > 1 and "/" in words[1] and not words[1].startswith("-"):
            fault = self.path_fault(words[1])
            return [fault] if fault else []
        fault = self.path_fault(name) if PATH.fullmatch(name) else None
        return [fault] if fault else []

    def preset_faults(self, name, words):
        kind = "test" if name == "ctest" else "build" if "--build" in words else "configure"
        faults = []
        for at, word in enumerate(words):
            preset = words[at + 1] if word == "--preset" and at + 1 < len(words) else word.partition("--preset=")[2]
            if preset and preset.islower() and preset not in self.presets[kind]:
                faults.append(f"there is no {kind} preset {preset}")
            if word == "--target":
                faults += [f"nothing is built as {target}" for target in words[at + 1:]
                           if not target.startswith("-") and not self.targets.fullmatch(target.split("/")[-1])]
        return faults

    def script_faults(self, name, words):
        if name.endswith("/"):
            return [] if name.rstrip("/") in self.folders else [f"there is no {name}"]
        if name not in self.files:
            return [] if name in self.folders else [f"there is no {name}"]
        if not (self.root / name).stat().st_mode & 0o100:
            return []
        subcommand = words[1] if len(words) > 1 and words[1] == "merge" else ""
        options = options_in(words[1:])
        told = self.help_of(name, subcommand) if options else ""
        if options and not told:
            return [f"{name} --help does not work"]
        return [f"{name} has no option {option}" for option in options
                if option not in ELSEWHERE and not re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", told)]

    def program_faults(self, name, words):
        parts = name.split("/")
        if len(parts) < 3 or PLACEHOLDER.search(name):
            return []
        if parts[1] not in self.presets["configure"]:
            known = parts[1] in {job.split("/")[-1] for job in self.files if job.startswith("ci/")}
            return [] if known else [f"no preset and no script writes to build/{parts[1]}"]
        if parts[-1].endswith(".json"):
            return []  # written by a program, not built
        library = re.fullmatch(r"lib(\w+)\.(?:so|a)", parts[-1])
        if not self.targets.fullmatch(library[1] if library else parts[-1]) and parts[-1] not in ("tests", "bench"):
            return [f"nothing is built as {parts[-1]}"]
        folder = "model" if parts[1] in ("model", "fuzz-model", "afl-model") else parts[2]
        return self.option_faults(name, folder, words) if folder in TOP else []

    def option_faults(self, name, folder, words):
        options, commands = self.words_of_sources(folder)
        faults = [f"{name} has no option {option}" for option in options_in(words[1:])
                  if option not in options and option not in ELSEWHERE and not option.startswith("-max")]
        if name.endswith("hakmem-check") and len(words) > 1:
            faults += [f"{name} has no command {word}" for word in words[1].split("|") if re.fullmatch(r"[a-z]+", word)
                       and word not in commands]
        return faults


def expanded(name):
    """Names with {a,b} written out."""
    match = re.search(r"\{([^{}]*)\}", name)
    if match is None:
        return [name]
    return [one for choice in match[1].split(",") for one in expanded(name[:match.start()] + choice + name[match.end():])]


def options_in(words):
    """The options among the words of a command, up to a '--' alone."""
    found = []
    for word in words:
        if word == "--":
            break
        option = OPTION.match(word)
        if option and (word.startswith("--") or len(option[1]) > 2):
            found.append(option[1])
    return found
