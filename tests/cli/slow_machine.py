"""A quarter of one core: runs a command on one processor, beside busy loops that leave it no more than that.

    python3 -B tests/cli/slow_machine.py ci/verify --quick
"""
import contextlib
import os
import shutil
import subprocess
import sys
import time

LOOPS = 3
LOOP = """
import os, sys
parent = int(sys.argv[1])
while os.getppid() == parent:
    for _ in range(10 ** 6):
        pass
"""


@contextlib.contextmanager
def quarter_of_a_core():
    """The words to put before a command, while busy loops have most of the processor on which it then runs. Each loop has a
    session of its own, because the kernel may divide a processor by sessions; the command is nicer than they are because
    otherwise it divides it by threads, of which a program may have more than there are loops."""
    processor = str(min(os.sched_getaffinity(0)))
    loops = [subprocess.Popen(["taskset", "-c", processor, sys.executable, "-c", LOOP, str(os.getpid())], start_new_session=True)
             for _ in range(LOOPS)]
    try:
        yield ["taskset", "-c", processor, "nice", "-n", "5"]
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def main(command):
    """Runs the command and returns its exit code; says on standard error what it got of the processor."""
    if not command or command[0].startswith("-"):
        print("usage: slow_machine.py COMMAND [ARGUMENT...]", file=sys.stderr)
        return 2
    if shutil.which(command[0]) is None:
        print(f"slow_machine.py: there is no program {command[0]}", file=sys.stderr)
        return 2
    started, before = time.monotonic(), os.times()
    with quarter_of_a_core() as prefix:
        child = subprocess.Popen([*prefix, *command])
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                pass  # the command has heard it too, and says how it ends
        used, passed = os.times(), time.monotonic() - started
    # Both loops and command are children: the loops are waited for after this.
    seconds = used.children_user + used.children_system - before.children_user - before.children_system
    print(f"slow_machine.py: {seconds:.0f} s of processor time in {passed:.0f} s", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
