"""Entry of ci/nightly."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hakmem_nightly import cli  # noqa: E402 - needs the path set above

if __name__ == "__main__":
    sys.exit(cli.main(HERE.parents[1], sys.argv[1:]))
