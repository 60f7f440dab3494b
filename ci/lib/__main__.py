"""Runs one job: python3 -B ci/lib JOB [ARGUMENT...]. The scripts in ci/ call it by their own names."""
import importlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main(argv):
    """Runs the job that the first argument names and returns its exit code."""
    jobs = sorted(path.parent.name for path in (ROOT / "ci/lib/hakmem_ci/jobs").glob("*/cli.py"))
    if not argv or argv[0] not in jobs:
        print(f"python3 ci/lib: give one of these jobs: {', '.join(jobs)}", file=sys.stderr)
        return 2
    return importlib.import_module(f"hakmem_ci.jobs.{argv[0]}.cli").main(ROOT, argv[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
