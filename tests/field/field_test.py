#!/usr/bin/env python3
"""Runs what programs in the field do, under each malloc that is to hold and under one that does it wrong, which must be
noticed.

usage: field_test.py [--emulator COMMAND] [--preload LIBRARY]... [--faulty LIBRARY] (-- COMMAND... | --debugger PROGRAM | --core PROGRAM | --set-user-id PROGRAM)
Exit code 0: all hold; 1: one does not, or the faulty one is not noticed; 3: shows nothing here.
"""
import argparse
import os
import pathlib
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile

HOLDS, FAILS, SHOWS_NOTHING = 0, 1, 3
MIB = 1 << 20
NOBODY = 65534


def arguments_of():
    parser = argparse.ArgumentParser(description="Judges a malloc by what programs do to it.", allow_abbrev=False)
    parser.add_argument("--emulator", default="", help="command that runs COMMAND, a program of another machine")
    parser.add_argument("--preload", action="append", default=[], help="library that holds; may be given several times")
    parser.add_argument("--faulty", help="library that must be noticed")
    parser.add_argument("--debugger", metavar="PROGRAM", help="gdb calls a function that allocates")
    parser.add_argument("--core", metavar="PROGRAM", help="gcore writes little more than is resident")
    parser.add_argument("--set-user-id", metavar="PROGRAM", help="options of the environment are ignored with more rights")
    parser.add_argument("command", nargs="*", help="a program that ends with 0 where the malloc holds")
    return parser.parse_args()


def run(command, library=None, seconds=600, **more):
    """Exit code and output of a command."""
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    if library:
        command = ["env", f"LD_PRELOAD={library}", *command]
    try:
        done = subprocess.run(command, env={**environment, **more.pop("environment", {})}, timeout=seconds, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, **more)
    except subprocess.TimeoutExpired as error:
        return FAILS, f"is stuck: {error}"
    return done.returncode, done.stdout


def judge_command(command, library, emulator):
    """As the program says itself; a signal is a fault too."""
    if emulator:  # its own loader must not see the library
        code, output = run([*shlex.split(emulator), *(["-E", f"LD_PRELOAD={library}"] if library else []), *command])
    else:
        code, output = run(command, library)
    return (code if code in (HOLDS, SHOWS_NOTHING) else FAILS), f"exit code {code}: {output}"


def entered(function, argument):
    """Steps that let a program which stands at a breakpoint run a function and come back there."""
    return ("set $rsp = ((unsigned long)$rsp & ~15) - 136", "set *(unsigned long*)$rsp = (unsigned long)$pc", f"set $rdi = {argument}",
            f"set $pc = (unsigned long)&{function}", "continue")


# How a debugger makes a string in a program's memory and has it copied: by itself; or register by register, where it cannot
# write those of a processor that it is too old to know.
BY_ITSELF = ('print (char*)strdup("abc")',)
BY_REGISTERS = (*entered("malloc", 4), "set *(int*)$rax = 0x636261", *entered("strdup", "$rax"), "print (char*)$rax")


def call_by_debugger(gdb, program, steps, *variables):
    """Output of gdb, which calls malloc and strdup in a program that stands at its main."""
    steps = [f"set exec-wrapper env {' '.join(variables)} FIELD_DEBUGGED=1", "break main", "run", *steps, "kill"]
    return run([gdb, "-nx", "-batch", *(word for step in steps for word in ("-ex", step)), program])[1]


def judge_debugger(program, library):
    """A debugger that cannot call the C library's malloc either shows nothing."""
    gdb = shutil.which("gdb")
    if gdb is None:
        return SHOWS_NOTHING, "gdb is not installed; run ci/setup"
    for steps in (BY_ITSELF, BY_REGISTERS):
        output = call_by_debugger(gdb, program, steps, f"LD_PRELOAD={library}")
        if '"abc"' in output:
            return HOLDS, output
        of_system = call_by_debugger(gdb, program, steps)
        if '"abc"' in of_system:
            return FAILS, output
    return SHOWS_NOTHING, f"gdb can call nothing here: {of_system}"


def judge_core(program, library):
    """A process with 100 MiB in use: a fifth more may be written, and what the guards of a hardened heap take."""
    most = 120 + (20 if "hardened" in library else 0)
    gcore = shutil.which("gcore")
    if gcore is None:
        return SHOWS_NOTHING, "gcore is not installed; run ci/setup"
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(["env", f"LD_PRELOAD={library}", program, "stands_with_100_mib"], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, text=True)
        try:
            if process.stdout.readline() != "ready\n":
                return FAILS, "the program does not start"
            code, output = run([gcore, "-o", f"{folder}/core", str(process.pid)],
                               preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * MIB, 1024 * MIB)))
        finally:
            process.kill()
            process.communicate()
        if "not permitted" in output:
            return SHOWS_NOTHING, output
        if "Failed to write" in output:  # and yet gcore says that it has done it
            return FAILS, output
        sizes = [path.stat().st_size // MIB for path in pathlib.Path(folder).glob("core*")]
    return (HOLDS if code == 0 and sizes and sizes[0] <= most else FAILS), f"exit code {code}, MiB {sizes}: {output}"


def judge_set_user_id(program):
    """A crash log that the environment asks for must not be opened by a program with more rights than who starts it, and no
    option be read, whatever name it has."""
    if os.geteuid() != 0:
        return SHOWS_NOTHING, "only root can make a set-user-id program"
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        place = pathlib.Path(folder, "place")
        place.mkdir()
        os.chown(place, NOBODY, NOBODY)
        copy = shutil.copy(program, folder)
        found, read = {}, {}
        bad = {"HAKMEM_REFILL_SMALL": "x", "HAKMEM_POOL_REFILL_BATCH": "x", "HAKMEM_SS_LRU_DEBUG": "x"}
        for mode in (0o755, 0o4755):
            os.chmod(copy, mode)
            log = place / f"log-{mode:o}"
            code, output = run(["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", copy],
                               environment={"HAKMEM_CRASH_LOG": str(log), **bad})
            if code != 0:
                return SHOWS_NOTHING, f"the program cannot be run as nobody: {output}"
            found[mode] = log.stat().st_uid if log.exists() else None
            read[mode] = [name for name in bad if f"hakmem: {name}=x is not a number" in output]
    if found[0o755] is None or read[0o755] != list(bad):
        return FAILS, "without more rights the option has no effect: the check would not notice anything"
    if found[0o4755] == NOBODY:
        return SHOWS_NOTHING, "the file system gives no rights"
    return (HOLDS if found[0o4755] is None and not read[0o4755] else FAILS), \
        f"the log's owner is {found[0o4755]}, {read[0o4755]} were read"


def main():
    arguments = arguments_of()
    if arguments.set_user_id:
        code, words = judge_set_user_id(arguments.set_user_id)
        print(words)
        return code

    def judge(library):
        if arguments.debugger:
            return judge_debugger(arguments.debugger, library)
        return judge_core(arguments.core, library) if arguments.core else judge_command(arguments.command, library, arguments.emulator)
    for library in arguments.preload or [None]:
        code, words = judge(library)
        print(f"{library}: {words}")
        if code != HOLDS:
            return code
    if arguments.faulty:
        code, words = judge(arguments.faulty)
        print(f"{arguments.faulty}: {words}")
        if code == HOLDS:
            print("THE FAULT IS NOT NOTICED")
        return FAILS if code == HOLDS else code if code == SHOWS_NOTHING else HOLDS
    return HOLDS


if __name__ == "__main__":
    sys.exit(main())
