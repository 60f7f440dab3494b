#!/usr/bin/env python3
"""Runs a program of another machine under its emulator with a library preloaded. Usage: emulated_test.py EMULATOR LIBRARY
PROGRAM [ARGUMENT...]; Exit code 0 if the program ends well and the
library's statistics say that it has served requests."""
import re
import shlex
import subprocess
import sys


def main():
    emulator, library, *command = sys.argv[1:]
    # Set by the emulator for the program alone: its own loader must not see it.
    preload = ["-E", f"LD_PRELOAD={library}"] if library else []
    done = subprocess.run([*shlex.split(emulator), *preload, "-E", "HAKMEM_STATS=1", *command], capture_output=True, text=True)
    print(done.stdout, done.stderr, sep="\n")
    if done.returncode != 0:
        return f"the program ends with {done.returncode}"
    mapped = re.search(r"^hakmem: acquired_mapped +(\d+) slabs$", done.stderr, re.MULTILINE)
    if mapped is None or int(mapped[1]) == 0:
        return "the library does not say that it has mapped any slab"
    return 0


if __name__ == "__main__":
    sys.exit(main())
