"""clang-format: the layout of C++."""
import re
import subprocess

from hakmem_ci.jobs.lint.sources import CPP, Found, llvm_tool, with_ending

VERSION = 19  # both Debian 12 and Debian 13 have it; layouts differ between versions
FAULT = re.compile(r"^(.+?):(\d+):\d+: error: code should be clang-formatted", re.MULTILINE)


def check(root, options):
    """Names each place that clang-format would lay out otherwise; with --fix it does."""
    program = llvm_tool("clang-format", VERSION)
    paths = with_ending(root, *CPP)
    if options.fix:
        done = subprocess.run([program, "-i", *paths], cwd=root, capture_output=True, text=True, check=False)
    else:
        done = subprocess.run([program, "--dry-run", "--Werror", *paths], cwd=root, capture_output=True, text=True, check=False)
    faults = [f"{name.removeprefix(f'{root}/')}:{line}: not laid out as .clang-format says; mend it by: ci/lint --fix"
              for name, line in FAULT.findall(done.stderr)]
    if done.returncode != 0 and not faults:
        faults = done.stderr.strip().splitlines()[-3:] or [f"{program} ended with {done.returncode}"]
    return Found(len(paths), faults)
