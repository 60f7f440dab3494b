#!/usr/bin/env python3
"""Checks that the folders of src/ include only their own and lower floors and that no files include each other in a
circle. Prints one line per violation; exit code 0 without violations, 1 with some, 2 for a wrong call."""
import argparse
import pathlib
import re
import sys

FLOORS = {"sync": 1, "os": 1, "lockfree": 2, "layout": 3, "superslab": 4, "heap": 5, "variants": 6, "diagnostics": 6, "learner": 6,
          "api": 7}
SOURCE_SUFFIXES = {".hpp", ".cpp", ".h", ".c", ".inc"}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes_of(path):
    """Yields (line, is_quoted, name) for every include directive of the file."""
    text = path.read_text(encoding="utf-8", errors="replace")
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match.group(1) == '"', match.group(2)


def resolve(name, quoted, including, src):
    """The file below src/ or next to the including file that the directive means, or None."""
    candidates = ([including.parent / name] if quoted else []) + [src / name]
    for candidate in candidates:
        if candidate.is_file():
            return candidate.resolve()
    return None


def floor_violation(folder, target, root, src):
    """Why a file of src/<folder> may not include `target`, or None."""
    try:
        target_folder = target.relative_to(src).parts[0]
    except ValueError:
        return f"leaves src/ for {target.relative_to(root) if target.is_relative_to(root) else target}"
    if target_folder == folder:
        return None
    if target_folder not in FLOORS:
        return f"src/{target_folder} is on no floor"
    if FLOORS[target_folder] >= FLOORS[folder]:
        return f"floor {FLOORS[folder]} ({folder}) includes floor {FLOORS[target_folder]} ({target_folder})"
    return None


def unresolved_violation(folder, name, quoted, root):
    """Why a directive that names no file below src/ is not accepted, or None."""
    top = pathlib.PurePosixPath(name).parts[0]
    if top in ("model", "tests", "bench"):
        return f"src/ includes {top}/"
    if top == "hakmem" and (root / "include" / name).is_file():
        return None if folder == "api" else "only src/api may include the public headers"
    if quoted:
        return "no such file below src/"
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


def check(root):
    """All violations in the tree below `root`, one line each, and the number of files read."""
    src = root / "src"
    violations, graph = [], {}
    files = sorted(p for p in src.rglob("*") if p.is_file() and p.suffix in SOURCE_SUFFIXES)
    for path in files:
        folder = path.relative_to(src).parts[0]
        if folder not in FLOORS:
            violations.append(f"{path.relative_to(root)}: is on no floor ({', '.join(FLOORS)})")
            continue
        for line, quoted, name in includes_of(path):
            target = resolve(name, quoted, path, src)
            if target is None:
                reason = unresolved_violation(folder, name, quoted, root)
            else:
                reason = floor_violation(folder, target, root, src)
                graph.setdefault(path.resolve(), []).append(target)
            if reason:
                violations.append(f"{path.relative_to(root)}:{line}: \"{name}\": {reason}")
    cycle = find_cycle(graph)
    if cycle:
        violations.append("include cycle: " + " -> ".join(str(p.relative_to(src)) for p in cycle))
    return violations, len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("root", type=pathlib.Path, help="the directory that holds src/ and include/")
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
