#!/usr/bin/env python3
"""How many instructions malloc + free take on another machine, by what its emulator says of each step; none may take more than
before. Usage: golden_test.py EMULATOR PAIRS COMPILER NAME=LIBRARY... SLOWER [--renew]; a lock of the library SLOWER must show. The
counts are kept beside those that the machine's own steps give, in bench/tests/golden.json."""
import pathlib
import shlex
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "bench/tests"))
import golden

SIZES = (16, 64, 1024, 4096, 32768)
FEW, MANY = 512, 1536  # a whole number of times what a list takes up: each run ends as it has begun


def single_steps(emulator):
    """The option by which an emulator translates one instruction at a time; later versions have another word for it."""
    said = subprocess.run([emulator, "-h"], capture_output=True, text=True, check=False).stdout
    return "-one-insn-per-tb" if "-one-insn-per-tb" in said else "-singlestep"


def steps_of(emulator, library, pairs, times, size):
    """Lines that the emulator writes, one for each instruction."""
    words = shlex.split(emulator)
    command = [*words, single_steps(words[0]), "-d", "exec,nochain", "-E", f"LD_PRELOAD={library}", pairs, str(times), str(size)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        steps = sum(chunk.count(b"\n") for chunk in iter(lambda: process.stderr.read(1 << 16), b""))
    if process.returncode != 0:
        raise RuntimeError(f"{command} ends with {process.returncode}")
    return steps


def count(emulator, pairs, library, sizes=SIZES):
    """As golden.count: name -> size -> figure -> number for each malloc + free."""
    def each(size):
        few, many = (steps_of(emulator, library, pairs, times, size) for times in (FEW, MANY))
        return (many - few) / (MANY - FEW)
    loop = each(0)
    return {"emulated": {str(size): {"instructions": round(each(size) - loop, 2)} for size in sizes}}


def main():
    words = [word for word in sys.argv[1:] if word != "--renew"]
    if len(words) < 5:
        sys.exit(__doc__)
    emulator, pairs, compiler, *libraries, slower = words
    everything, bad = golden.stored(), []
    for name, _, library in (word.partition("=") for word in libraries):
        counted = count(emulator, pairs, library)
        print(name, counted)
        risen, fallen, missing = golden.differences(everything.get(compiler, {}).get(name, {}), counted)
        print("\n".join(f"{name}: risen: {line}" for line in risen), "\n".join(f"{name}: fallen: {line}" for line in fallen))
        bad += risen + missing
        everything.setdefault(compiler, {})[name] = counted
    first = everything[compiler][libraries[0].partition("=")[0]]
    if not golden.differences(first, count(emulator, pairs, slower, SIZES[:1]))[0]:
        bad.append("the lock of another library does not show in its counts")
    if "--renew" in sys.argv:
        golden.FILE.write_text(golden.as_text(dict(sorted(everything.items()))), encoding="utf-8")
        return 0
    return "\n".join(bad) if bad else 0


if __name__ == "__main__":
    sys.exit(main())
