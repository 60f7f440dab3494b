#!/usr/bin/env python3
"""Compiles every source of a compilation database (compile_commands.json) below the given directories by another
compiler, with warnings as errors and without writing objects. Prints that compiler's words for those that fail; exit
code 0 if none does, 1 otherwise."""
import argparse
import concurrent.futures
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import threading

from check_headers import WARNINGS, compile_source, run

WITH_VALUE = ("-I", "-D", "-U", "-isystem", "-include")
WORTH_KEEPING = (*WITH_VALUE, "-std=", "-m")  # what decides on the meaning of the source


def kept(words):
    """What another compiler understands of a command line, and the precompiled header that it names (or None)."""
    options, header = [], None
    words = iter(words)
    for word in words:
        if not word.startswith(WORTH_KEEPING):
            continue
        value = [next(words)] if word in WITH_VALUE else []
        if value and value[0].endswith("cmake_pch.hxx"):
            header = value[0]
        else:
            options += [word, *value]
    return tuple(options), header


class Headers:
    """Precompiled headers of that compiler, each made when it is first needed: to read them is most of the work."""

    def __init__(self, compiler, folder):
        self.compiler, self.folder = compiler, folder
        self.lock = threading.Lock()
        self.made = {}

    def options_for(self, options, header, directory):
        """What makes a compilation use the header: as text where it cannot be precompiled, or only in another way."""
        if "clang" not in pathlib.Path(self.compiler).name:
            return ["-include", header]
        key = (options, header)
        with self.lock:
            mine = key not in self.made
            if mine:
                self.made[key] = concurrent.futures.Future()
        if mine:
            target = f"{self.folder}/{len(self.made)}.pch"
            done = subprocess.run([self.compiler, *options, "-x", "c++-header", header, "-o", target], cwd=directory,
                                  capture_output=True, check=False)
            self.made[key].set_result(["-include-pch", target] if done.returncode == 0 else ["-include", header])
        return self.made[key].result()


def compile_with_header(headers, command, source, directory):
    """As check_headers.compile_source, with a precompiled header if the command line names one."""
    compiler, options, header = command
    use = headers.options_for(options, header, directory) if header else []
    return compile_source([compiler, *options, *WARNINGS, *use], source, directory)


def jobs_of(database, directories, compiler, headers):
    """As check_headers.run takes them, each once: a source may be compiled for several targets."""
    found = {}
    for entry in json.loads(database.read_text(encoding="utf-8")):
        source = (pathlib.Path(entry["directory"]) / entry["file"]).resolve()
        if source.suffix == ".cpp" and any(directory.resolve() in source.parents for directory in directories):
            words = entry.get("arguments") or shlex.split(entry["command"])
            found[(compiler, *kept(words[1:])), str(source)] = entry["directory"]
    return [(compile_with_header, headers, command, source, directory) for (command, source), directory in found.items()]


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--compiler", required=True, help="C++ compiler, such as clang++")
    parser.add_argument("--database", type=pathlib.Path, required=True, help="compile_commands.json of a build")
    parser.add_argument("directories", type=pathlib.Path, nargs="+", help="directories of sources")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        headers = Headers(arguments.compiler, folder)
        return run(jobs_of(arguments.database, arguments.directories, arguments.compiler, headers))


if __name__ == "__main__":
    sys.exit(main())
