"""Golden counts: how many instructions malloc + free take in the library itself, by size, from a thread's cache (hit), when
that is empty and full in turns (miss), and when another thread frees (remote). Nothing of the machine is in them: no
instruction of the C library or the kernel, and the clock stands still. They are kept in golden.json for each compiler with
its flags.

usage: golden.py BENCH_DIRECTORY COMPILER NAME=LIBRARY...    counts anew and rewrites golden.json
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

FILE = pathlib.Path(__file__).resolve().parent / "golden.json"
RENEW = "cmake --build --preset release --target renew-golden"
KIB = 1024

# What is counted: the pattern of bench/instructions, how many pairs, and the sizes.
PATTERNS = {
    "hit": ("pair", 64, (8, 16, 64, 256, KIB, 2 * KIB, 4 * KIB, 8 * KIB, 16 * KIB, 32 * KIB, 64 * KIB, 256 * KIB, KIB * KIB,
                         4 * KIB * KIB)),
    "miss": ("miss", 64, (16, KIB, 4 * KIB, 32 * KIB, 64 * KIB, KIB * KIB, 4 * KIB * KIB)),
    "remote": ("remote", 256, (16, KIB, 32 * KIB, 64 * KIB)),
}
OPTIONS = {"HAKMEM_OUTBOX_INTERVAL": "256"}  # frees to others go out as often as they are counted
# Figure: how far it may rise, as a part of itself or by so much.
BOUNDS = {"instructions": (0.02, 0.5), "calls": (0.02, 0.02), "system_calls": (0.02, 0.02)}


def count(bench, library, patterns=None):
    """The counts of a library: name -> size -> figure -> number for each malloc + free."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("HAKMEM_")}
    environment.update(OPTIONS, LD_PRELOAD=str(library))
    counts = {}
    for name, (pattern, pairs, sizes) in (patterns or PATTERNS).items():
        with tempfile.TemporaryDirectory() as folder:
            report = pathlib.Path(folder) / "report.json"
            subprocess.run([str(bench / "instructions"), "--pattern", pattern, "--pairs", str(pairs), "--json", str(report),
                            *(word for size in sizes for word in ("--size", str(size)))],
                           env=environment, check=True, stdout=subprocess.DEVNULL)
            result = json.loads(report.read_text(encoding="utf-8"))
        if result["malloc"] != os.path.realpath(library):
            raise RuntimeError(f"instructions of {result['malloc']} were counted, not of {library}")
        counts[name] = {str(row["bytes"]): figures_of(row) for row in result["results"] if row["bytes"]}
    return counts


def figures_of(row):
    """The figures of a row of bench/instructions. The library is left twice to return; what is more are calls."""
    return {"instructions": round(row["own_instructions"], 2), "calls": round(row["own_ways_out"] - 2, 2),
            "system_calls": round(row["system_calls"], 2)}


def stored():
    """Compiler -> library -> counts, as they are kept."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def differences(golden, counted):
    """(what has risen, what has fallen, what only one side has) beyond the bounds, in a line each."""
    risen, fallen, missing = [], [], []
    for name in golden.keys() | counted.keys():
        before, now = golden.get(name, {}), counted.get(name, {})
        missing += [f"{name}, {size} bytes" for size in before.keys() ^ now.keys()]
        for size in sorted(before.keys() & now.keys(), key=int):
            for figure, (part, least) in BOUNDS.items():
                if figure not in before[size]:  # an emulator's steps are instructions alone
                    continue
                old, new = before[size][figure], now[size][figure]
                line = f"{name}, {size} bytes: {new:g} {figure.replace('_', ' ')} for malloc + free, not {old:g}"
                if abs(new - old) > max(part * old, least) + 1e-9:
                    (risen if new > old else fallen).append(line)
    return risen, fallen, missing


def as_text(everything):
    """The file: a line for each size."""
    def lines(value, indent):
        if all(not isinstance(each, dict) for each in value.values()):
            return json.dumps(value)
        inner = ",\n".join(f"{' ' * (indent + 2)}{json.dumps(key)}: {lines(each, indent + 2)}" for key, each in value.items())
        return "{\n" + inner + "\n" + " " * indent + "}"
    return lines(everything, 0) + "\n"


def main():
    if len(sys.argv) < 4 or any("=" not in word for word in sys.argv[3:]):
        sys.exit(__doc__)
    bench, compiler = pathlib.Path(sys.argv[1]).resolve(), sys.argv[2]
    everything = stored()
    for name, _, library in (word.partition("=") for word in sys.argv[3:]):
        counted = count(bench, pathlib.Path(library))
        for words, which in zip(("risen", "fallen"), differences(everything.get(compiler, {}).get(name, {}), counted)):
            print("".join(f"{name}: {words}: {line}\n" for line in which), end="")
        everything.setdefault(compiler, {})[name] = counted
    FILE.write_text(as_text(dict(sorted(everything.items()))), encoding="utf-8")
    print(f"written: {FILE.name}, of {compiler}")


if __name__ == "__main__":
    main()
