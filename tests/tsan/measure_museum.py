#!/usr/bin/env python3
"""How much sooner schedule noise finds the races of the museum than plain threads do: prints a table in Markdown. With
--check: each race must be found under noise, and none of their sound twins.

usage: measure_museum.py [--check] MUSEUM_RACE [SEEDS [SECONDS]]   (default: 5 seeds, at most 5 s for each run)
"""
import re
import statistics
import subprocess
import sys

LINE = re.compile(r"(found|held) (\d+) trials ([\d.]+) s")


def run(program, number, seed, seconds, *more):
    """(whether it was found, trials, seconds). Raises on anything else."""
    done = subprocess.run([program, "--bug", number, "--seed", str(seed), "--seconds", str(seconds), *more],
                          capture_output=True, text=True, timeout=seconds + 60, check=False)
    found = LINE.match(done.stdout)
    if not found or done.returncode != (1 if found[1] == "found" else 0):
        raise RuntimeError(f"bug {number} {' '.join(more)}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return found[1] == "found", int(found[2]), float(found[3])


def cell(runs):
    """Medians over the runs that found it, and how many did."""
    found = [one for one in runs if one[0]]
    if not found:
        return f"not in {sum(one[1] for one in runs):,} trials"
    trials, seconds = (statistics.median(one[i] for one in found) for i in (1, 2))
    return f"{1000 * seconds:.1f} ms, {trials:,.0f} trials ({len(found)} of {len(runs)})"


def bugs_of(program):
    """(number, title) of each."""
    listed = subprocess.run([program, "--list"], capture_output=True, text=True, check=True).stdout
    return [line.removesuffix(" (data race)").split(" ", 1) for line in listed.splitlines()]


def check(program):
    """What is wrong, one line each."""
    problems = []
    for number, title in bugs_of(program):
        found, trials, seconds = run(program, number, 1, 30, "--noise")
        print(f"{number} {title}: {'found' if found else 'NOT FOUND'} after {trials} trials, {seconds:.3f} s")
        if not found:
            problems.append(f"{number} {title} is not found")
        if run(program, number, 1, 0.3, "--noise", "--sound")[0]:
            problems.append(f"{number} {title}: the sound twin does not hold")
    return problems


def main(arguments):
    checking = arguments[:1] == ["--check"]
    arguments = arguments[1:] if checking else arguments
    numbers = arguments[1:]
    if not 1 <= len(arguments) <= 3 or not all(text.isdecimal() and int(text) >= 1 for text in numbers):
        print("measure_museum.py: give the program museum_race, and numbers of seeds and seconds from 1 on\n" + __doc__,
              file=sys.stderr)
        return 2
    if checking:
        problems = check(arguments[0])
        print("\n".join(f"failed: {problem}" for problem in problems) or "as expected")
        return 1 if problems else 0
    seeds, seconds = (int(text) for text in (numbers + ["5", "5"][len(numbers):]))
    print("| bug | plain: median, found | noise: median, found |\n|---|---|---|")
    for number, title in bugs_of(arguments[0]):
        cells = [cell([run(arguments[0], number, seed, seconds, *more) for seed in range(1, seeds + 1)])
                 for more in ((), ("--noise",))]
        print(f"| {number} {title} | {cells[0]} | {cells[1]} |", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
