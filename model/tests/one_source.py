#!/usr/bin/env python3
"""One source: what the model checks is what ships. Prints one line per violation; exit code 0 without violations, 1 with
some, 2 for a wrong call.

A file of model/ may include src/, model/, what the checker has for its users (check/...) and libraries, nothing else; a
test may include the checker's own headers. It defines no type that a header of src/ defines. A scenario reaches atomics through the policy alone. Every header below src/lockfree is included by a scenario."""
import argparse
import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TYPE = re.compile(r"^[ \t]*(?:template[ \t]*<[^\n]*>[ \t]*)?(?:class|struct|union|enum(?: class)?)[ \t]+(?:alignas\([^)]*\)[ \t]*)?(\w+)[^;{]*\{",
                  re.MULTILINE)
TESTS = ("tests", "fuzz")  # folders of model/ that look inside of the checker
OWN_ATOMICS = re.compile(r"\bstd::atomic\b|\brl::(?:atomic|var)\b|__atomic_|__sync_")


def sources(folder):
    return sorted(path for path in folder.rglob("*") if path.suffix in (".hpp", ".cpp", ".h", ".inc"))


def without_comments(text):
    return re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)


def includes_of(text):
    return [(text.count("\n", 0, match.start()) + 1, match.group(1) == '"', match.group(2))
            for match in INCLUDE.finditer(text)]


def include_violations(path, text, root):
    for line, quoted, name in includes_of(text):
        place = f"{path.relative_to(root)}:{line}"
        if not quoted:
            continue
        folders = ["src", ".", "checker/include", *(["checker"] if path.relative_to(root / "model").parts[0] in TESTS else [])]
        found = [root / folder / name for folder in folders if (root / folder / name).is_file()]
        if not found or name.startswith("checker/") or ".." in pathlib.PurePosixPath(name).parts:
            yield f"{place}: \"{name}\" is no header of src/, model/ or check/"
        elif not any(found[0].is_relative_to(root / folder) for folder in ("src", "model", "checker")):
            yield f"{place}: \"{name}\" is neither of src/ nor of model/ nor of check/"


def definition_violations(path, text, shipped, root):
    for match in TYPE.finditer(text):
        if match.group(1) in shipped:
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(root)}:{line}: defines {match.group(1)}, which {shipped[match.group(1)]} defines"


def scenario_violations(path, text, root):
    for match in OWN_ATOMICS.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        yield f"{path.relative_to(root)}:{line}: a scenario uses {match.group(0)} and not the policy's atomics"


def shipped_types(src, root):
    return {match.group(1): path.relative_to(root) for path in sources(src) if path.suffix == ".hpp"
            for match in TYPE.finditer(without_comments(path.read_text()))}


def violations(root):
    src, model = root / "src", root / "model"
    shipped = shipped_types(src, root)
    included = set()
    for path in sources(model):
        text = path.read_text()
        code = without_comments(text)
        yield from include_violations(path, text, root)
        yield from definition_violations(path, code, shipped, root)
        if path.is_relative_to(model / "scenarios"):
            yield from scenario_violations(path, code, root)
            included.update(name for _, _, name in includes_of(text))
    for header in sources(src / "lockfree"):
        if str(header.relative_to(src)) not in included:
            yield f"{header.relative_to(root)}: no scenario includes it"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("root", type=pathlib.Path, help="root of the source")
    root = parser.parse_args().root.resolve()
    if not sources(root / "model") or not sources(root / "src"):
        parser.error(f"{root} has no model/ or no src/")
    found = list(violations(root))
    print("\n".join([*found, f"{len(found)} violations"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
