"""shellcheck: the scripts of the shell."""
import json
import shutil
import subprocess

from hakmem_ci.jobs.lint.sources import Found, Incomplete, shell_scripts


def check(root, options):
    """Every finding of shellcheck, down to style."""
    if shutil.which("shellcheck") is None:
        raise Incomplete("shellcheck is not installed; install it by: ci/setup (package shellcheck)")
    paths = shell_scripts(root)
    done = subprocess.run(["shellcheck", "--format=json", *paths], cwd=root, capture_output=True, text=True, check=False)
    try:
        found = json.loads(done.stdout)
    except ValueError:
        return Found(len(paths), done.stderr.strip().splitlines()[-3:] or [f"shellcheck ended with {done.returncode}"])
    return Found(len(paths), [f"{one['file'].removeprefix(f'{root}/')}:{one['line']}: SC{one['code']}: {one['message']}"
                              for one in found])
