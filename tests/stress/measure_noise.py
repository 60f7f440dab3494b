#!/usr/bin/env python3
"""How much sooner schedule noise finds bugs of the past than plain stress: prints a table in Markdown.

usage: measure_noise.py STRESS [SEEDS [SECONDS]]   (default: 5 seeds, at most 20 s for each run)
"""
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

FAULTS = ("torn-exchange", "torn-fetch", "torn-compare")
SCENARIOS = ("random_exchange", "producer_consumer", "thread_churn")


def run(stress, scenario, geometry, fault, seed, seconds):
    """(seconds, operations or None) until the fault was found; None if it was not."""
    with tempfile.TemporaryDirectory(prefix="hakmem-noise-") as folder:
        report = pathlib.Path(folder) / "report.json"
        command = [stress, "--scenario", scenario, "--geometry", geometry, "--fault", fault, "--threads", "4", "--seed",
                   str(seed), "--seconds", str(seconds), "--json", str(report)]
        started = time.monotonic()
        try:
            done = subprocess.run(command, capture_output=True, timeout=seconds + 60, check=False)
        except subprocess.TimeoutExpired:
            return time.monotonic() - started, 0  # it hangs, which is found too
        spent = time.monotonic() - started
        if done.returncode == 0:
            return None
        try:
            return spent, json.loads(report.read_text(encoding="utf-8"))["results"][0]["operations"]
        except (OSError, ValueError, KeyError, IndexError):
            return spent, 0  # it crashed


def cell(found, seeds):
    """Median over the seeds that found it, and how many did."""
    if not found:
        return f"– (0 of {seeds})"
    operations = [one[1] for one in found if one[1]]
    shown = f", {statistics.median(operations):,.0f} operations" if operations else ""
    return f"{statistics.median(one[0] for one in found):.2f} s{shown} ({len(found)} of {seeds})"


def main(arguments):
    numbers = arguments[1:]
    if not 1 <= len(arguments) <= 3 or not all(text.isdecimal() and int(text) >= 1 for text in numbers):
        print("measure_noise.py: give the stress program, and numbers of seeds and seconds from 1 on\n" + __doc__,
              file=sys.stderr)
        return 2
    seeds, seconds = (int(text) for text in (numbers + ["5", "20"][len(numbers):]))
    print("| fault | scenario | plain: median, found | noise: median, found |\n|---|---|---|---|")
    for fault in FAULTS:
        for scenario in SCENARIOS:
            found = {geometry: [one for seed in range(1, seeds + 1)
                                if (one := run(arguments[0], scenario, geometry, fault, seed, seconds))]
                     for geometry in ("toy", "noise")}
            print(f"| `{fault}` | `{scenario}` | {cell(found['toy'], seeds)} | {cell(found['noise'], seeds)} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
