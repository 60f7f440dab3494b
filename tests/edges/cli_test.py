"""The edges program and the loading program refuse wrong calls. usage: cli_test.py EDGES LOADING"""
import subprocess
import sys

program, loading = sys.argv[1:]
for words in ([], ["nothing"], ["drift", "--bogus"], ["drift", "--fault"], ["drift", "--fault", "none", "more"],
              ["drift", "--fault", "bogus"], ["--help", "more"]):
    done = subprocess.run([program, *words], capture_output=True, text=True, check=False)
    if done.returncode != 2 or "usage: edges" not in done.stderr or done.stdout:
        sys.exit(f"FAILED: {words} ended with {done.returncode}: {done.stdout}{done.stderr}")
done = subprocess.run([program, "--help"], capture_output=True, text=True, check=False)
if done.returncode != 0 or "fork_storm" not in done.stdout:
    sys.exit(f"FAILED: --help ended with {done.returncode}: {done.stdout}{done.stderr}")
# Without a limit there is nothing to work within: said, not passed.
done = subprocess.run([program, "within_limit"], capture_output=True, text=True, check=False)
if done.returncode != 1 or "set a limit" not in done.stderr:
    sys.exit(f"FAILED: within_limit without a limit ended with {done.returncode}: {done.stdout}{done.stderr}")
for words in ([], ["local"], ["global", "x.so"], ["local", "x.so", "more"]):
    done = subprocess.run([loading, *words], capture_output=True, text=True, check=False)
    if done.returncode != 2 or "usage: loading" not in done.stderr:
        sys.exit(f"FAILED: {words} ended with {done.returncode}: {done.stdout}{done.stderr}")
