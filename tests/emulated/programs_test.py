#!/usr/bin/env python3
"""Programs of another machine say the same under a preloaded library as under their C library's malloc, and the library
has served them. Usage: programs_test.py EMULATOR ROOT PROGRAM LIBRARY...; ROOT is a folder of ci/cross-root. Exit code 0: they do;
1: one does not; 3: shows nothing here."""
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile
import time

SHOWS_NOTHING = 3
STUCK_SECONDS = 1800  # a program of a few seconds

PYTHON = """
import collections, hashlib, json, random, re, threading, zlib
random.seed(7)
tables = [None] * 4
def build(which):
    words = [f"w{(i * 7919 + which) % 1000}" for i in range(20000)]
    tables[which] = collections.Counter(words)
threads = [threading.Thread(target=build, args=(which,)) for which in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
text = json.dumps([sorted(table.items()) for table in tables])
numbers = sorted(random.random() for _ in range(50000))
print(len(text), hashlib.sha256(text.encode()).hexdigest(), len(re.findall("w[0-9]*7", text)))
print(zlib.crc32(zlib.compress(text.encode())), numbers[::10000], sum(len(str(2 ** n)) for n in range(2000)))
"""
SQL = """
create table t(a integer primary key, b text, c real);
with recursive n(i) as (select 1 union all select i + 1 from n where i < 20000)
  insert into t select i, printf('%08d', (i * 7919) % 20011), i / 7.0 from n;
create index by_b on t(b);
select count(*), sum(a), max(b), round(avg(c), 6) from t;
select group_concat(b) from (select b from t order by b limit 20);
select count(*) from t x join t y on x.b = y.b where x.a % 10 = 0;
delete from t where a % 3 = 0; vacuum; pragma integrity_check;
"""
REDIS = "\n".join([*(f"SET key:{i} {'x' * (i % 700)}" for i in range(600)), *(f"LPUSH list {i}" for i in range(300)),
                   *(f"ZADD scores {i * 37 % 101} m{i}" for i in range(300)), "LRANGE list 0 9", "ZRANGE scores 0 9", "DBSIZE",
                   *(f"DEL key:{i}" for i in range(0, 600, 2)), "DBSIZE", "GET key:599", "SHUTDOWN NOSAVE"]) + "\n"


class Machine:
    """Runs programs of a root with a library or without."""

    def __init__(self, emulator, root, library):
        self.root = root
        preload = ["-E", f"LD_PRELOAD={library}", "-E", "HAKMEM_STATS=1"] if library else []
        self.prefix = [*shlex.split(emulator), "-L", root, *preload]
        self.errors = ""
        self.codes = []

    def command(self, program, *arguments):
        return [*self.prefix, f"{self.root}/usr/bin/{program}", *arguments]

    def run(self, program, *arguments, **more):
        try:
            done = subprocess.run(self.command(program, *arguments), text=True, capture_output=True, check=False,
                                  timeout=STUCK_SECONDS, **more)
        except subprocess.TimeoutExpired:
            return self.ended("none: it is stuck", "", "")
        return self.ended(done.returncode, done.stdout, done.stderr)

    def ended(self, code, output, errors):
        self.codes.append(code)
        self.errors += errors
        return f"{output}exit code {code}\n"

    def served(self):
        """Slabs that the library says it has mapped."""
        return sum(int(count) for count in re.findall(r"^hakmem: acquired_mapped +(\d+) slabs$", self.errors, re.MULTILINE))


def python(machine, _folder):
    return machine.run(next(pathlib.Path(machine.root, "usr/bin").glob("python3.*[0-9]")).name, "-I", "-c", PYTHON)


def sqlite(machine, _folder):
    return machine.run("sqlite3", ":memory:", input=SQL)


def git(machine, folder):
    """A repository, two commits, and its check. What git starts by itself is switched off: an emulator of single programs
    starts no others."""
    environment = {**os.environ, "HOME": folder, "GIT_CONFIG_NOSYSTEM": "1", "GIT_PAGER": "cat",
                   **{f"GIT_{who}_{what}": value for who in ("AUTHOR", "COMMITTER")
                      for what, value in (("NAME", "a"), ("EMAIL", "a@b"), ("DATE", "2001-01-01T00:00:00Z"))}}
    said = ""
    for step in range(2):
        for number in range(40):
            pathlib.Path(folder, f"file{number}").write_text("\n".join(str(i * (number + step)) for i in range(200)))
        for arguments in ([["init", "-q", "-b", "main"]] if step == 0 else []) + [["add", "."], ["commit", "-q", "-m", f"{step}"]]:
            said += machine.run("git", "-c", "maintenance.auto=false", "-c", "gc.auto=0", *arguments, cwd=folder, env=environment)
    for arguments in (["log", "--stat", "--format=%H %s"], ["diff", "HEAD~1", "--numstat"], ["fsck", "--no-progress", "--full"],
                      ["blame", "-s", "file7"]):
        said += machine.run("git", *arguments, cwd=folder, env=environment)
    return said


def redis(machine, folder):
    socket = f"{folder}/socket"
    server = subprocess.Popen(machine.command("redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not os.path.exists(socket) and server.poll() is None:
        time.sleep(0.05)
    said = machine.run("redis-cli", "-s", socket, input=REDIS)
    _, errors = server.communicate()
    return said + machine.ended(server.returncode, "", errors)


PROGRAMS = {"python3": python, "sqlite3": sqlite, "git": git, "redis": redis}


def main():
    emulator, root, program, *libraries = sys.argv[1:]
    if not os.path.exists(f"{root}/.unpacked"):
        print("there are no programs of this machine; run ci/cross-root")
        return SHOWS_NOTHING
    said = {}
    for library in ["", *libraries]:
        machine = Machine(emulator, root, library)
        with tempfile.TemporaryDirectory() as folder:
            said[library] = PROGRAMS[program](machine, folder)
        print(f"{library or 'C library'}: {said[library][-2000:]}{machine.errors[-2000:]}")
        if library and said[library] != said[""]:
            return f"{program} says something else than under the C library's malloc"
        if any(machine.codes):
            return f"{program} does not run"
        if library and machine.served() == 0:
            return "the library does not say that it has mapped any slab"
    return 0


if __name__ == "__main__":
    sys.exit(main())
