#!/usr/bin/env python3
"""Compiles every header below the given directories on its own, with warnings as errors: each must bring along
what it needs. Prints the compiler's words for those that fail; exit code 0 if none does, 1 otherwise."""
import argparse
import concurrent.futures
import os
import pathlib
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion", "-Werror"]
CXX = ["-x", "c++", "-std=c++20"]
C = ["-x", "c", "-std=c11"]


def compile_alone(command, header):
    """Compiles a file that only includes `header`, twice over. Returns the compiler's output if it failed."""
    text = f'#include "{header}"\n#include "{header}"\n'
    done = subprocess.run(command + ["-fsyntax-only", "-"], input=text, text=True, capture_output=True, check=False)
    return None if done.returncode == 0 else f"{header}: is not self-contained\n{done.stdout}{done.stderr}"


def compile_source(command, source, directory=None):
    """Compiles `source` without writing an object. Returns the compiler's output if it failed."""
    done = subprocess.run(command + ["-fsyntax-only", source], cwd=directory, text=True, capture_output=True, check=False)
    return None if done.returncode == 0 else f"{source}: does not compile cleanly\n{done.stdout}{done.stderr}"


def jobs_of(arguments):
    """(function, command, file) for every file to compile. Public .h headers are compiled as C as well."""
    includes = [f"-I{directory}" for directory in arguments.include]
    cxx = [arguments.compiler, *CXX, *WARNINGS, *includes]
    for directory in arguments.directories:
        for path in sorted(directory.rglob("*")):
            if path.suffix in (".hpp", ".h"):
                yield compile_alone, cxx, str(path.resolve())
            if path.suffix == ".h":
                yield compile_alone, [arguments.compiler, *C, *WARNINGS, *includes], str(path.resolve())
            if path.suffix == ".cpp":
                yield compile_source, cxx, str(path.resolve())


def run(jobs):
    """Does all jobs, tuples of a function and its arguments, and prints what failed. Returns the exit code."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        failures = [text for text in pool.map(lambda job: job[0](*job[1:]), jobs) if text]
    print("\n".join(failures))
    print(f"{len(jobs)} compilations, {len(failures)} failed")
    return 1 if failures or not jobs else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--compiler", required=True, help="C++ compiler (g++ or clang++)")
    parser.add_argument("--include", action="append", default=[], help="include directory; may be repeated")
    parser.add_argument("directories", type=pathlib.Path, nargs="+", help="directories to search")
    arguments = parser.parse_args()
    return run(list(jobs_of(arguments)))


if __name__ == "__main__":
    sys.exit(main())
