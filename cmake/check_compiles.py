#!/usr/bin/env python3
"""Compiles every source of a compilation database (compile_commands.json) below the given directories by another
compiler, with warnings as errors and without writing objects. Prints that compiler's words for those that fail; exit
code 0 if none does, 1 otherwise."""
import argparse
import json
import pathlib
import shlex
import sys

from check_headers import WARNINGS, compile_source, run

WITH_VALUE = ("-I", "-D", "-U", "-isystem", "-include")
WORTH_KEEPING = (*WITH_VALUE, "-std=", "-m")  # what decides on the meaning of the source


def kept(words):
    """What another compiler understands of a command line. Without precompiled headers: each source has to include what it
    uses."""
    words = iter(words)
    for word in words:
        if not word.startswith(WORTH_KEEPING):
            continue
        value = [next(words)] if word in WITH_VALUE else []
        if not value or "cmake_pch" not in value[0]:
            yield from (word, *value)


def jobs_of(database, directories, compiler):
    """As check_headers.run takes them, each once: a source may be compiled for several targets."""
    found = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if source.suffix == ".cpp" and any(directory.resolve() in source.parents for directory in directories):
            words = entry.get("arguments") or shlex.split(entry["command"])
            found[(compiler, *kept(words[1:]), *WARNINGS), str(source)] = entry["directory"]
    return [(compile_source, list(command), source, directory) for (command, source), directory in found.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--compiler", required=True, help="C++ compiler, such as clang++")
    parser.add_argument("--database", type=pathlib.Path, required=True, help="compile_commands.json of a build")
    parser.add_argument("directories", type=pathlib.Path, nargs="+", help="directories of sources")
    arguments = parser.parse_args()
    return run(jobs_of(arguments.database, arguments.directories, arguments.compiler))


if __name__ == "__main__":
    sys.exit(main())
