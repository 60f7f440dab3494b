"""Branches of templates, counted once: gcovr counts a branch anew in every instantiation, so that a toy geometry in which
a size cannot occur makes a hole in each function. Here a branch is reached when some instantiation takes it."""
import concurrent.futures
import re
import subprocess

SOURCE = re.compile(r"\s*-:\s*0:Source:(.*)")
LINE = re.compile(r"\s*[-#=0-9*]+:\s*(\d+):")
BRANCH = re.compile(r"branch\s+\d+ (?:taken (\d+)|never executed)(?: \((\w+)\))?")


class GcovFails(Exception):
    """gcov gives nothing to read; says why."""


def read(text, wanted, into):
    """Adds the branches in gcov's text output to `into`: (file, line) -> {how many there are: counts}. Instantiations
    with another number of branches have another form of the line. `wanted(file)`: its name in `into`, or None."""
    file, line, counts = None, 0, []

    def keep():
        if counts and file is not None:
            sums = into.setdefault((file, line), {}).setdefault(len(counts), [0] * len(counts))
            for i, count in enumerate(counts):
                sums[i] += count
        counts.clear()

    for row in text.splitlines():
        if found := LINE.match(row):
            keep()
            source = SOURCE.match(row)
            if source:
                file = wanted(source[1])
            line = int(found[1])
        elif (found := BRANCH.match(row)) and found[2] != "throw":
            counts.append(int(found[1] or 0))
    keep()


def collect(root, build, wanted, jobs):
    """(file, line) -> [counts of the branches of one form of the line], over all of a build's files of counts."""
    def run(path):
        done = subprocess.run(["gcov", "--stdout", "--branch-probabilities", "--branch-counts",
                               "--relative-only", "--source-prefix", str(root), str(path)], cwd=build, capture_output=True,
                              text=True, errors="replace", check=False)
        if done.returncode != 0:
            raise GcovFails(f"gcov {path}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    found = {}
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for text in pool.map(run, sorted(build.rglob("*.gcda"))):
            read(text, wanted, found)
    return {place: list(by_number.values()) for place, by_number in found.items()}
