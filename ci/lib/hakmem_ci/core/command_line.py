"""What the command lines of all jobs have in common."""
import argparse
import os
import pathlib
import platform
import re
import subprocess
import time


def job_count(text):
    """A number of jobs between 1 and 512."""
    if not text.isdecimal() or not 1 <= int(text) <= 512:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number from 1 to 512")
    return int(text)


def whole_number(low, high):
    """A parser of whole numbers in a range."""
    def parse(text):
        if not text.isdecimal() or not low <= int(text) <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from {low} to {high}")
        return int(text)
    return parse


def minutes(text):
    """A number of minutes between 1 and 1440, perhaps with one decimal."""
    if not re.fullmatch(r"\d{1,4}(\.\d)?", text) or not 1 <= float(text) <= 1440:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of minutes from 1 to 1440")
    return float(text)


def new_file(text):
    """A file to be written: its folder exists."""
    path = pathlib.Path(text).resolve()
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no directory {path.parent}")
    return path


def parser(job, description):
    """A parser that takes no abbreviations, with the options that every job has."""
    made = argparse.ArgumentParser(
        prog=f"ci/{job}", allow_abbrev=False,
        description=description + " Exit code 0: PASSED, everything ran and holds; 1: FAILED, a fault is shown; "
                                  "3: INCOMPLETE, something was cut off, is missing or was interrupted; 2: a wrong call.")
    made.add_argument("--jobs", type=job_count, default=os.cpu_count() or 1, metavar="N",
                      help="programs and compilations at a time (default: the number of cores)")
    made.add_argument("--json", type=new_file, metavar="FILE", help="write the report there as well")
    made.add_argument("--junit", type=new_file, metavar="FILE", help="the same as JUnit XML")
    made.add_argument("--markdown", type=new_file, metavar="FILE", help="the same as Markdown, for a job's summary")
    return made


def copies_of(arguments):
    """format -> the file that the caller wants it in as well."""
    wanted = {"json": arguments.json, "xml": arguments.junit, "md": arguments.markdown}
    return {kind: path for kind, path in wanted.items() if path is not None}


def first_line(command, root):
    """The first line that a small command prints, or "unknown"."""
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    lines = done.stdout.splitlines()
    return lines[0] if done.returncode == 0 and lines else "unknown"


def facts_of(root, command):
    """What every report says besides its results."""
    return {"command": command, "started": time.strftime("%Y-%m-%d %H:%M:%S %z"),
            "commit": first_line(["git", "describe", "--always", "--dirty"], root),
            "machine": f"{os.uname().nodename}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
            "compiler": first_line([os.environ.get("CXX", "c++"), "--version"], root)}
