#!/usr/bin/env python3
"""Checks that the folders of src/, checker/ and model/ include only their own and lower floors of their building, that
no files include each other in a circle, and that src/machine alone knows the machine. Prints one line per violation; exit code 0 without violations, 1 with some, 2 for a
wrong call."""
import argparse
import dataclasses
import pathlib
import re
import sys

SOURCE_SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".inc"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Building:
    """A folder of the root. `floors`: of its folders, and of the files that lie in none; `places`: where includes are looked
    for, beside the folder of the file; `below`: other buildings, of which it may include anything."""

    name: str
    floors: dict
    places: tuple
    below: tuple = ()


BUILDINGS = (
    Building("src", {"machine": 0, "sync": 1, "os": 1, "lockfree": 2, "layout": 3, "superslab": 4, "heap": 5, "variants": 6,
                     "diagnostics": 6, "learner": 6, "api": 7}, ("src",)),
    Building("checker", {"core": 1, "engine": 2, "trace": 2, "runner": 3, "litmus": 4, "audit": 4, "watch": 5, "cli": 6,
                         "include": 7, "example": 8}, ("checker", "checker/include")),
    Building("model", {"check.hpp": 1, "system": 2, "programs": 3, "scenarios": 4, "museum": 5, "subject.cpp": 6,
                       "main.cpp": 6, "fuzz": 6, "tests": 6}, (".", "src", "checker/include", "checker"), ("src", "checker")),
)
MACHINE = re.compile(r"__(?:x86_64|amd64|i386|aarch64|arm|riscv|ARM_\w+|riscv_\w+)(?:__)?\b|__builtin_(?:ia32|arm|aarch64|riscv)_\w+"
                     r"|\bREG_(?:R[A-Z0-9]+|PC|E\w+)\b|\b(?:x86|arm_\w+|imm)intrin\.h")
KNOWN = ("checker", "model", "tests", "bench")  # folders of the root that no file of src/ includes


def includes_of(path):
    """Yields (line, is_quoted, name) for every include directive of the file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1) == '"', match.group(2)


def resolve(name, quoted, including, places):
    """The file in one of the places or next to the including file that the directive means, or None."""
    candidates = ([including.parent / name] if quoted else []) + [place / name for place in places]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    return None


def folder_of(path, home):
    """What has a floor: the folder of the building in which a file lies, or the file itself."""
    return path.relative_to(home).parts[0]


def floor_violation(folder, target, root, building):
    """Why a file of a building's folder may not include `target`, or None."""
    home = root / building.name
    if any(target.is_relative_to(root / other) for other in building.below):
        return None
    if not target.is_relative_to(home):
        return f"leaves {building.name}/ for {target.relative_to(root) if target.is_relative_to(root) else target}"
    above, floors = folder_of(target, home), building.floors
    if above == folder:
        return None
    if above not in floors:
        return f"{building.name}/{above} is on no floor"
    if floors[above] >= floors[folder]:
        return f"floor {floors[folder]} ({folder}) includes floor {floors[above]} ({above})"
    return None


def unresolved_violation(folder, name, quoted, root, building):
    """Why a directive that names no file in any of the places is not accepted, or None."""
    top = pathlib.PurePosixPath(name).parts[0]
    if building.name == "src" and top in KNOWN:
        return f"src/ includes {top}/"
    if top == "hakmem" and (root / "include" / name).is_file():
        return None if building.name == "src" and folder == "api" else "only src/api may include the public headers"
    if quoted:
        return f"no such file below {building.name}/"
    return None


def find_cycle(graph):
    """One list of files that include each other in a circle, or None."""
    done, path = set(), []

    def visit(node):
        if node in path:
            return path[path.index(node):] + [node]
        if node in done:
            return None
        path.append(node)
        for target in graph.get(node, ()):
            cycle = visit(target)
            if cycle:
                return cycle
        path.pop()
        done.add(node)
        return None

    for start in sorted(graph):
        cycle = visit(start)
        if cycle:
            return cycle
    return None


def check_building(root, building):
    """The violations in a building, one line each, and the number of files read."""
    home = root / building.name
    places = [(root / place).resolve() for place in building.places]
    violations, graph = [], {}
    files = sorted(p for p in home.rglob("*") if p.is_file() and p.suffix in SOURCE_SUFFIXES)
    for path in files:
        folder = folder_of(path, home)
        if folder not in building.floors:
            violations.append(f"{path.relative_to(root)}: is on no floor ({', '.join(building.floors)})")
            continue
        for line, quoted, name in includes_of(path):
            target = resolve(name, quoted, path, places)
            if target is None:
                reason = unresolved_violation(folder, name, quoted, root, building)
            else:
                reason = floor_violation(folder, target, root, building)
                graph.setdefault(path.resolve(), []).append(target)
            if reason:
                violations.append(f"{path.relative_to(root)}:{line}: \"{name}\": {reason}")
    cycle = find_cycle(graph)
    if cycle:
        violations.append("include cycle: " + " -> ".join(
            str(p.relative_to(home) if p.is_relative_to(home) else p.relative_to(root)) for p in cycle))
    return violations, len(files)


def check_machine(root):
    """One line for each place in src/ and bench/ that knows the machine, outside the folder that may."""
    return [f"{path.relative_to(root)}:{text.count(chr(10), 0, found.start()) + 1}: {found[0]}: only src/machine knows the machine"
            for name in ("src", "bench") for path in sorted((root / name).rglob("*"))
            if path.is_file() and path.suffix in SOURCE_SUFFIXES and not path.is_relative_to(root / "src" / "machine")
            for text in [path.read_text(encoding="utf-8", errors="replace")] for found in MACHINE.finditer(text)]


def check(root):
    """All violations in the tree below `root`, one line each, and the number of files read."""
    results = [check_building(root, building) for building in BUILDINGS]
    return [*(line for violations, _ in results for line in violations), *check_machine(root)], sum(count for _, count in results)


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("root", type=pathlib.Path, help="the directory that holds src/, checker/, model/ and include/")
    root = parser.parse_args().root.resolve()
    if not (root / "src").is_dir():
        parser.error(f"{root} has no src/ directory")
    violations, count = check(root)
    for violation in violations:
        print(violation)
    if count == 0:
        print(f"{root}/src holds no source file: nothing was checked")
        return 1
    print(f"{count} files, {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
