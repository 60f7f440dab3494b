#!/usr/bin/env python3
"""Checks that a race detector reports exactly those exchanges of order_litmus whose orders are too weak.

usage: order_litmus_test.py [--wrapper WORDS] tsan|helgrind|drd ORDER_LITMUS
"""
import argparse
import re
import sys

import tools

CORRECT = ["store_release_load_acquire", "swap_release", "failed_swap_acquire", "release_sequence"]
TOO_WEAK = ["store_relaxed", "load_relaxed", "swap_relaxed", "failed_swap_relaxed", "failed_swap_release", "plain_race"]


def problem_of(case, arguments):
    """Why the tool's verdict on a case is wrong, or None."""
    code, output = tools.run([arguments.program, case], arguments.tool, arguments.wrapper.split())
    if case in CORRECT:
        problem = tools.problem_of_clean(code, output, arguments.tool)
    else:
        problem = tools.problem_of_found(code, output, tools.RACE[arguments.tool])
    if problem:
        print(output)
    return problem


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--wrapper", default="", help="words to put in front of the program")
    parser.add_argument("tool", choices=sorted(tools.RACE))
    parser.add_argument("program")
    arguments = parser.parse_args()
    usage = tools.run([arguments.program], None, arguments.wrapper.split())[1]
    known = re.search(r"^cases: (.*)$", usage, re.MULTILINE)
    failed = 0
    if known is None or sorted(known[1].split()) != sorted(CORRECT + TOO_WEAK):
        print("failed: the program's cases are not the ones judged here")
        failed += 1
    for case in CORRECT + TOO_WEAK:
        problem = problem_of(case, arguments)
        print(f"{case}: {'failed: ' + problem if problem else 'as expected'}", flush=True)
        failed += problem is not None
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except tools.NotRun as cause:
        print(f"not run: {cause}")
        sys.exit(3)
