"""What a program and all that it has started do, by /proc: processor time used, and whether anything can run."""
import os
import pathlib
import shutil
import subprocess

TICKS = os.sysconf("SC_CLK_TCK")
PROC = pathlib.Path("/proc")


def stat_of(path):
    """The fields of a stat file from the state on, or None: the process is gone."""
    try:
        return path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None


STARTED = 19  # the field that tells a process from a later one of the same number


def tree_of(leader, known=None):
    """pid -> fields, of the processes of a session and of all descendants of its leader, and of those that are `known`
    (pid -> when it started) though whoever started them has ended."""
    everything = {}
    for entry in PROC.iterdir():
        if entry.name.isdecimal():
            fields = stat_of(entry / "stat")
            if fields:
                everything[int(entry.name)] = fields
    tree = {pid for pid, fields in everything.items()
            if pid == leader or int(fields[3]) == leader or (known or {}).get(pid) == fields[STARTED]}
    grown = True
    while grown:
        children = {pid for pid, fields in everything.items() if int(fields[1]) in tree} - tree
        tree |= children
        grown = bool(children)
    return {pid: everything[pid] for pid in tree}


def processor_seconds(tree):
    """What these processes, and their children that have ended, have used."""
    return sum(sum(int(field) for field in fields[11:15]) for fields in tree.values()) / TICKS


def can_run(tree):
    """Whether a thread runs, waits for a processor or for the disk: then it is no hang."""
    for pid in tree:
        for task in (PROC / str(pid) / "task").glob("*/stat"):
            fields = stat_of(task)
            if fields and fields[0] in "RD":
                return True
    return False


def stacks_of(tree, most=4):
    """Where the threads of a program wait, as text: by gdb, or what the kernel says of them."""
    lines = []
    gdb = shutil.which("gdb")
    for pid in sorted(tree)[-most:]:
        try:
            name = (PROC / str(pid) / "comm").read_text(encoding="utf-8", errors="replace").strip()
            lines.append(f"process {pid} ({name}), state {tree[pid][0]}")
            if gdb:
                done = subprocess.run([gdb, "-p", str(pid), "-batch", "-nx", "-ex", "thread apply all backtrace 12"],
                                      capture_output=True, text=True, errors="replace", timeout=60, check=False,
                                      stdin=subprocess.DEVNULL)
                lines += [line for line in done.stdout.splitlines() if line.startswith(("#", "Thread"))]
            else:
                for task in sorted((PROC / str(pid) / "task").iterdir()):
                    lines.append(f"  thread {task.name} waits in " +
                                 ((task / "wchan").read_text(encoding="ascii", errors="replace") or "?"))
        except (OSError, subprocess.TimeoutExpired) as error:
            lines.append(f"  ({error})")
    return "\n".join(lines)
