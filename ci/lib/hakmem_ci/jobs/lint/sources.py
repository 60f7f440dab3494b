"""Which files there are to look at, and what a check says of them."""
import dataclasses
import re
import shutil
import subprocess

CPP = (".cpp", ".hpp", ".h", ".c")
FOLDERS = ("src", "include", "checker", "model", "tests", "bench", "examples", "ci", "cmake", "docs", ".ci")
SHELL = re.compile(r"#!.*\b(?:bash|sh)\b")


class Incomplete(Exception):
    """A check could not be done, or not to its end; the text says why, and what to do about it."""


@dataclasses.dataclass
class Found:
    """What a check has done and found. `faults`: a line each, "path:line: what"."""

    files: int
    faults: list


def all_files(root):
    """Every file of the project, sorted: those that git knows or would take, or else all in its folders."""
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"], cwd=root,
                            capture_output=True, text=True, check=False)
    if listed.returncode == 0 and listed.stdout:
        paths = [root / name for name in listed.stdout.split("\0") if name]
    else:
        paths = [*root.glob("*"), *(path for folder in FOLDERS for path in (root / folder).rglob("*"))]
    return sorted(path for path in paths if path.is_file() and "__pycache__" not in path.parts)


def with_ending(root, *endings):
    return [path for path in all_files(root) if path.suffix in endings]


def shell_scripts(root):
    """Files that begin with the name of a shell."""
    found = []
    for path in all_files(root):
        if path.suffix in ("", ".sh"):
            with open(path, "rb") as file:
                if SHELL.match(file.readline(80).decode("utf-8", "replace")):
                    found.append(path)
    return found


def llvm_tool(name, version):
    """The program `name` of LLVM in this version, whatever it is called here. Another version lays out otherwise."""
    for candidate in (f"{name}-{version}", name):
        if shutil.which(candidate) is None:
            continue
        told = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False).stdout
        if re.search(rf"version {version}\.", told):
            return candidate
    raise Incomplete(f"{name} {version} is not installed; install it by: ci/setup (package {name}-{version})")
