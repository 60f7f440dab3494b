#!/usr/bin/env python3
"""Runs the stress program by itself or under a tool and checks that the run is clean, or that it finds a planted fault.

usage: stress_test.py [--tool helgrind|drd] [--wrapper WORDS] [--preload LIBRARY] (--clean | --finds REGEX) STRESS ARGUMENT...
"""
import argparse
import json
import pathlib
import sys
import tempfile

import tools


def arguments_of():
    parser = argparse.ArgumentParser(description="Judges one run of the stress program.", allow_abbrev=False)
    parser.add_argument("--tool", choices=sorted(tools.VALGRIND), help="run it under this tool")
    parser.add_argument("--wrapper", default="", help="words to put in front of the program")
    parser.add_argument("--preload", help="library for LD_PRELOAD")
    expected = parser.add_mutually_exclusive_group(required=True)
    expected.add_argument("--clean", action="store_true", help="everything has to pass")
    expected.add_argument("--finds", metavar="REGEX", help="it has to fail, with output that matches")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="the program and its arguments")
    return parser.parse_args()


def problem_of_report(path):
    """What is wrong with the JSON report of a clean run, or None."""
    try:
        results = json.loads(path.read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError) as error:
        return f"no usable JSON report ({error})"
    if not results:
        return "the JSON report has no results"
    bad = [r["scenario"] for r in results if r["status"] != "pass" or r["operations"] <= 0]
    return f"not passed: {', '.join(bad)}" if bad else None


def main():
    arguments = arguments_of()
    wrapper = arguments.wrapper.split()
    if arguments.preload:
        wrapper = ["env", f"LD_PRELOAD={arguments.preload}", *wrapper]
    with tempfile.TemporaryDirectory(prefix="hakmem-stress-") as directory:
        report = pathlib.Path(directory) / "report.json"
        try:
            code, output = tools.run([*arguments.program, "--json", str(report)], arguments.tool, wrapper)
        except tools.NotRun as cause:
            print(f"not run: {cause}")
            return 3
        print(output)
        if arguments.clean:
            problem = tools.problem_of_clean(code, output, arguments.tool) or problem_of_report(report)
        else:
            problem = tools.problem_of_found(code, output, arguments.finds)
    print(f"failed: {problem}" if problem else "as expected")
    return 1 if problem else 0


if __name__ == "__main__":
    sys.exit(main())
