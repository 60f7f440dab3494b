#!/usr/bin/env python3
"""Checks docs/spec.md against the tree: no row is missing, every file and every test that a row names exists.

usage: check_spec.py ROOT [--build BUILD]   with --build, plain test names are also looked up in that build's ctest
Exit code 0: everything holds; 1: something does not, one line for each; 2: wrong call.
"""
import json
import pathlib
import re
import subprocess
import sys

LAST = {"A": 8, "B": 11, "C": 4, "D": 9, "E": 6, "H": 4, "O": 1}
TABLE = "src/api/option_table.hpp"
ROW = re.compile(r"^\| ([A-HO]\d+) \|([^|]*)\|([^|]*)\|([^|]*)\|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")


def sources(root, *names):
    """The text of all files of these names below the folders that hold tests."""
    texts = []
    for folder in ("tests", "bench", "model"):
        for name in names:
            texts += [path.read_text(encoding="utf-8") for path in sorted((root / folder).rglob(name))]
    return "\n".join(texts)


class Tests:
    """The tests that exist: GoogleTests by their sources, others by their CMake files or a build's ctest."""

    def __init__(self, root, build):
        found = re.findall(r"^(?:TYPED_)?(?:TEST|RC_GTEST)\w*\(\s*(\w+)\s*,\s*(\w+)", sources(root, "*.cpp"), re.MULTILINE)
        self.google = {".".join(name) for name in found}
        calls = re.findall(r"\b(?:add_test\(NAME|hakmem_add\w+\(|conformance_\w+\(|\w+_test\()\s*([\w${}]+)",
                           sources(root, "CMakeLists.txt"))
        patterns = [re.sub(r"\\\$\\\{\w+\\\}", r"\\w+", re.escape(name)) for name in calls]
        # A name that is nothing but a variable says nothing.
        self.plain = [re.compile(pattern) for pattern in patterns if pattern.replace(r"\w+", "")]
        self.listed = set()
        if build is not None:
            answer = subprocess.run(["ctest", "--show-only=json-v1"], cwd=build, text=True, capture_output=True, check=True)
            self.listed = {test["name"] for test in json.loads(answer.stdout)["tests"]}

    def exist(self, name):
        if "." in name:
            return name in self.google
        return name in self.listed or any(pattern.fullmatch(name) for pattern in self.plain)


def command_exists(root, command):
    """Whether what a command starts is built from something in the tree."""
    program = command.split()[0]
    if not program.startswith("build/"):
        return (root / program).is_file()
    parts = program.split("/")
    if parts[-1] == "hakmem-check":
        return (root / "model" / "CMakeLists.txt").is_file()
    return (root / parts[2] / f"{parts[-1]}.cpp").is_file() or (root / parts[2] / parts[-1]).is_dir()


def check_row(root, tests, row):
    """\\return what is wrong with one row, and whether it is open."""
    name, _, where, proof = (cell.strip() for cell in row)
    wrong = [f"{name}: no such file: {path}" for path in QUOTED.findall(where) if not (root / path).is_file()]
    if not QUOTED.findall(where):
        wrong.append(f"{name}: says nothing about where")
    for item in QUOTED.findall(proof):
        if "/" in item:
            if not command_exists(root, item):
                wrong.append(f"{name}: no such program: {item}")
        elif not tests.exist(item):
            wrong.append(f"{name}: no such test: {item}")
    is_open = re.search(r"\bopen: \S", proof) is not None
    if not is_open and not QUOTED.findall(proof):
        wrong.append(f"{name}: nothing proves it, and it is not open")
    return wrong, is_open


def check_options(root, told):
    """What is wrong with the options that section O names, `told`: each but the learner's, which share a row, and no other."""
    table = (root / TABLE).read_text(encoding="utf-8")
    rows = re.findall(r'\.name = "(HAKMEM_\w+)",(.*?)\.topic = (\w+),', table, re.DOTALL)
    named = re.findall(r"HAKMEM_\w+", told)
    wrong = [f"option {option} is in no row of section O" for option, _, topic in rows
             if option not in named and topic != "kOfLearner"]
    wrong += [f"section O names {option}, which is no option" for option in named
              if option not in [row[0] for row in rows]]
    return wrong if rows else [f"{TABLE}: no option was found"]


def check(root, build):
    rows = ROW.findall((root / "docs" / "spec.md").read_text(encoding="utf-8"))
    names = [row[0] for row in rows]
    wrong = [f"row {name} is there twice" for name in sorted(set(names)) if names.count(name) > 1]
    wanted = [f"{section}{number}" for section, last in LAST.items() for number in range(1, last + 1)]
    wrong += [f"row {name} is missing" for name in wanted if name not in names]
    wrong += check_options(root, " ".join(row[1] for row in rows if row[0].startswith("O")))
    tests = Tests(root, build)
    still_open = 0
    for row in rows:
        found, is_open = check_row(root, tests, row)
        wrong += found
        still_open += is_open
    for line in wrong:
        print(f"docs/spec.md: {line}")
    print(f"{len(rows)} rows, {still_open} open, {len(wrong)} wrong")
    return 1 if wrong else 0


def main(arguments):
    build = None
    if len(arguments) == 3 and arguments[1] == "--build":
        build = pathlib.Path(arguments[2])
    elif len(arguments) != 1:
        print(__doc__.strip(), file=sys.stderr)
        return 2
    root = pathlib.Path(arguments[0])
    if not (root / "docs" / "spec.md").is_file():
        print(f"{root}: has no docs/spec.md; give the root of the tree", file=sys.stderr)
        return 2
    return check(root, build)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
