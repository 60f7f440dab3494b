#!/usr/bin/env python3
"""Compiles every source of a compilation database (compile_commands.json) below the given directories by another
compiler, with warnings as errors and without writing objects. Prints that compiler's words for those that fail; exit
code 0 if none does, 1 otherwise."""
import argparse
import concurrent.futures
import json
import os
import pathlib
import shlex
import subprocess
import sys

WITH_VALUE = ("-I", "-D", "-U", "-isystem", "-include")
WORTH_KEEPING = (*WITH_VALUE, "-std=", "-m")  # what decides on the meaning of the source
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]


def kept(words):
    """What another compiler understands of a command line."""
    words = iter(words)
    for word in words:
        if word.startswith(WORTH_KEEPING):
            yield word
            if word in WITH_VALUE:
                yield next(words)


def commands_of(database, directories, compiler):
    """[(directory, command)], each once: a source may be compiled for several targets."""
    found = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if source.suffix == ".cpp" and any(directory.resolve() in source.parents for directory in directories):
            words = entry.get("arguments") or shlex.split(entry["command"])
            command = [compiler, *kept(words[1:]), *WARNINGS, "-fsyntax-only", str(source)]
            found[tuple(command)] = entry["directory"]
    return [(directory, list(command)) for command, directory in found.items()]


def compile_one(directory, command):
    """Returns the compiler's output if it failed."""
    done = subprocess.run(command, cwd=directory, text=True, capture_output=True, check=False)
    return None if done.returncode == 0 else f"{command[-1]}: does not compile cleanly\n{done.stdout}{done.stderr}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--compiler", required=True, help="C++ compiler, such as clang++")
    parser.add_argument("--database", type=pathlib.Path, required=True, help="compile_commands.json of a build")
    parser.add_argument("directories", type=pathlib.Path, nargs="+", help="directories of sources")
    arguments = parser.parse_args()
    commands = commands_of(arguments.database, arguments.directories, arguments.compiler)
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failures = [text for text in pool.map(lambda one: compile_one(*one), commands) if text]
    print("\n".join(failures))
    print(f"{len(commands)} compilations, {len(failures)} failed")
    return 1 if failures or not commands else 0


if __name__ == "__main__":
    sys.exit(main())
