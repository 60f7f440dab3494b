#!/usr/bin/env python3
"""Checks that ThreadSanitizer reports those bugs of the museum that are races on plain variables, and none of their
sound twins. The other bugs go wrong by atomic operations alone: it must have nothing to say of them.

usage: museum_race_test.py [--wrapper WORDS] MUSEUM_RACE
"""
import argparse
import os
import re
import sys

import tools

DATA_RACE = " (data race)"


def problem_of(arguments, number, sound, expected):
    """Why the verdict on one trial is wrong, or None. An exit code of 1 is the judge's word, not the tool's."""
    # The judge often objects before the tool has seen both sides of the race.
    search = ["--seconds", "300", "--past-findings"] if expected else ["--seconds", "0.5"]
    command = [arguments.program, "--bug", number, *search, *(["--sound"] * sound)]
    code, output = tools.run(command, wrapper=arguments.wrapper.split())
    if expected:
        problem = tools.problem_of_found(code, output, tools.RACE["tsan"])
    else:
        held = re.search(r"^held \d+ trials", output, re.MULTILINE)
        problem = tools.problem_of_clean(code if sound or held else 0, output)
        if problem is None and not re.search(r"^(found|held) [1-9]\d* trials", output, re.MULTILINE):
            problem = "no trial was made"
    if problem:
        print(output)
    return problem


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--wrapper", default="", help="words to put in front of the program")
    parser.add_argument("program")
    arguments = parser.parse_args()
    os.environ["TSAN_OPTIONS"] = f"{os.environ.get('TSAN_OPTIONS', '')} halt_on_error=1".strip()
    listed = tools.run([arguments.program, "--list"], wrapper=arguments.wrapper.split())[1].splitlines()
    races = [line for line in listed if line.endswith(DATA_RACE)]
    failed = 0
    if not races or len(races) == len(listed):
        print("failed: the program should know bugs of both kinds")
        failed += 1
    for line in listed:
        number, title = line.removesuffix(DATA_RACE).split(" ", 1)
        for sound in (False, True):
            problem = problem_of(arguments, number, sound, line in races and not sound)
            print(f"{number} {title}{', sound' * sound}: {'failed: ' + problem if problem else 'as expected'}",
                  flush=True)
            failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except tools.NotRun as cause:
        print(f"not run: {cause}")
        sys.exit(3)
