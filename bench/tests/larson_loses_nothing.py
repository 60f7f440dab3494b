"""Requirement A6: larson with a number of threads and 100 000 iterations each loses nothing, with arrays that pass from
a thread to its successor and with arrays that are swapped between running threads.

usage: larson_loses_nothing.py BENCH_DIRECTORY THREADS [--preload LIBRARY]
"""
import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ITERATIONS = 100000
BLOCKS = 1000
ROUNDS = 10  # ten generations of threads


def run(larson, threads, preload, flags, report):
    """An objection to a run, or None."""
    environment = {**os.environ, "LD_PRELOAD": preload or ""}
    command = [str(larson), "0", "8", "1024", str(BLOCKS), str(ROUNDS), "12345", str(threads),
               "--iterations", str(ITERATIONS), "--check", *flags, "--json", str(report)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    print(done.stdout + done.stderr, end="")
    if done.returncode != 0:
        return f"larson ended with {done.returncode}"
    result = json.loads(report.read_text())
    if preload and os.path.realpath(preload) != result["malloc"]:
        return f"larson ran with {result['malloc']}, not with the library"
    expected = {"operations": ITERATIONS * threads, "generations": ITERATIONS // (BLOCKS * ROUNDS) * threads,
                "checked": True}
    wrong = {name: result[name] for name, value in expected.items() if result[name] != value}
    return f"expected {expected}, found {wrong}" if wrong else None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench_directory", type=pathlib.Path)
    parser.add_argument("threads", type=int)
    parser.add_argument("--preload")
    arguments = parser.parse_args()
    larson = arguments.bench_directory / "larson"
    with tempfile.TemporaryDirectory() as folder:
        for flags in ((), ("--exchange",)):
            objection = run(larson, arguments.threads, arguments.preload, flags, pathlib.Path(folder) / "larson.json")
            if objection:
                sys.exit(f"FAILED with {' '.join(flags) or 'inherited arrays'}: {objection}")


if __name__ == "__main__":
    main()
