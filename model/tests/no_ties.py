#!/usr/bin/env python3
"""The checker knows no allocator: no file of checker/ includes a file of src/ or model/, or says one of their words. Prints
one line per tie; exit code 0 without any, 1 with some, 2 for a wrong call.

Words of theirs are those in WORDS, the names of their files and types that consist of several words, and their folders. A
type that the checker has itself is its own word."""
import argparse
import pathlib
import re
import sys

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
TYPE = re.compile(r"\b(?:class|struct|union|enum(?:[ \t]+class)?)[ \t]+(\w+)")
SEVERAL_WORDS = re.compile(r"(?:[A-Z][a-z0-9]+){2,}|[a-z0-9]+(?:_[a-z0-9]+)+")
SOURCES = (".hpp", ".cpp", ".h", ".c", ".inc")
WORDS = re.compile("hakmem|slab|outbox|whale|allocator|(?<!c)heap|lockfree|museum|exhibit", re.IGNORECASE)
NAME = re.compile(r"[A-Za-z_]\w*")
FOLDERS = ("model", "tests", "bench", "docs", "ci")  # of the project, beside those of src/


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def sources(folder):
    return [path for path in files(folder) if path.suffix in SOURCES]


def types_of(folder):
    return {name for path in sources(folder) for name in TYPE.findall(path.read_text(encoding="utf-8"))}


class Theirs:
    """What the allocator's words are."""

    def __init__(self, root):
        names = {path.stem for folder in ("src", "model") for path in sources(root / folder)}
        names |= (types_of(root / "src") | types_of(root / "model")) - types_of(root / "checker")
        self.names = {name for name in names if SEVERAL_WORDS.fullmatch(name)}
        folders = [f"src/{path.name}" for path in (root / "src").iterdir() if path.is_dir()]
        self.paths = re.compile(rf"(?<![\w/.])(?:{'|'.join(map(re.escape, [*folders, *FOLDERS]))})/")

    def words_in(self, text):
        """The words of a text that are theirs."""
        return [*(match[0] for pattern in (WORDS, self.paths) for match in pattern.finditer(text)),
                *(name for name in NAME.findall(text) if name in self.names)]


def include_ties(path, text, root):
    checker = root / "checker"
    for match in INCLUDE.finditer(text):
        place, name = f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}", match[2]
        own = [folder / name for folder in (path.parent, checker, checker / "include")]
        if match[1] == '"' and not any(one.is_file() and one.resolve().is_relative_to(checker.resolve()) for one in own):
            yield f"{place}: \"{name}\" is no header of checker/"
        if match[1] == "<" and any((root / folder / name).is_file() for folder in (".", "src", "model")):
            yield f"{place}: <{name}> is a header of the allocator"


def ties(root):
    theirs = Theirs(root)
    for path in files(root / "checker"):
        name, text = path.relative_to(root), path.read_text(encoding="utf-8", errors="replace")
        for word in theirs.words_in(str(name.relative_to("checker"))):
            yield f"{name}: is called '{word}'"
        for number, line in enumerate(text.splitlines(), 1):
            for word in theirs.words_in(line):
                yield f"{name}:{number}: says '{word}'"
        if path.suffix in SOURCES:
            yield from include_ties(path, text, root)


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("root", type=pathlib.Path, help="root of the source")
    root = parser.parse_args().root.resolve()
    if not all(files(root / folder) for folder in ("checker", "model", "src")):
        parser.error(f"{root} has no checker/, no model/ or no src/")
    found = list(ties(root))
    print("\n".join([*found, f"{len(files(root / 'checker'))} files, {len(found)} ties"]))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
