#!/usr/bin/env python3
"""Runs one program of `edges` under a malloc and within limits, and checks that it holds, or that it finds a planted
fault.

usage: edge_test.py [--emulator COMMAND] [--preload LIBRARY] [--address-space MIB] [--data MIB] [--seconds S] [--finds REGEX]
                    EDGES ARGUMENT...
"""
import argparse
import os
import re
import resource
import shlex
import subprocess
import sys


def arguments_of():
    parser = argparse.ArgumentParser(description="Judges one run of the edges program.", allow_abbrev=False)
    parser.add_argument("--emulator", default="", help="command that runs the program, for another machine")
    parser.add_argument("--preload", help="library for LD_PRELOAD (default: the C library's malloc)")
    parser.add_argument("--address-space", type=int, metavar="MIB", help="limit on address space")
    parser.add_argument("--data", type=int, metavar="MIB", help="limit on data")
    parser.add_argument("--seconds", type=float, default=1800, help="time after which the program counts as stuck")
    parser.add_argument("--finds", metavar="REGEX", help="it has to fail, with output that matches")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the program and its arguments")
    return parser.parse_args()


def command_of(arguments):
    """The limits apply to the program alone: prlimit starts it, and sets the library only for it."""
    emulator = shlex.split(arguments.emulator)
    preload = f"LD_PRELOAD={arguments.preload}"
    command = [*emulator, *([*(["-E"] if emulator else ["env"]), preload] if arguments.preload else [])]
    limits = [f"--{name}={mib << 20}" for name, mib in (("as", arguments.address_space), ("data", arguments.data))
              if mib is not None]
    return [*(["prlimit", *limits] if limits else []), *command, *arguments.program]


def main():
    arguments = arguments_of()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    command = command_of(arguments)
    print("+", " ".join(command), flush=True)
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace", env=environment, start_new_session=True)
    try:
        output, _ = process.communicate(timeout=arguments.seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output = process.communicate()[0] + f"did not end within {arguments.seconds:g} s\n"
    if process.returncode < 0:
        output += f"ended by signal {-process.returncode}\n"
    print(output, end="")
    if arguments.finds:
        if process.returncode == 0:
            sys.exit("FAILED: the fault was not reported")
        if not re.search(arguments.finds, output):
            sys.exit(f"FAILED: nothing was reported that matches '{arguments.finds}'")
    elif process.returncode != 0 or not re.search(r"^\w+: holds$", output, re.MULTILINE):
        sys.exit(f"FAILED: exit code {process.returncode}")
    print("as expected")


if __name__ == "__main__":
    main()
