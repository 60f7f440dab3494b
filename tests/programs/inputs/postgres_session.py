"""A PostgreSQL cluster of its own on a unix socket: pgbench from many clients, queries on parallel workers, a dump and its
restoration, a crash of the server and its recovery.

Prints what the data are at each point, which depends on the arguments alone: how much work, the folder of the programs.
"""
import hashlib
import os
import pathlib
import re
import signal
import subprocess
import sys

import server

SCALE, PROGRAMS = int(sys.argv[1]), pathlib.Path(sys.argv[2])
CLIENTS, THREADS, TRANSACTIONS = 8, 2, 150 * SCALE
ROWS = 20000 * SCALE
SCRIPT = pathlib.Path(__file__).with_name("postgres.sql")
SETTINGS = {"listen_addresses": "", "unix_socket_directories": os.getcwd(), "fsync": "off", "shared_buffers": "48MB",
            "max_connections": "40", "autovacuum_naptime": "1s", "max_parallel_maintenance_workers": "2",
            "wal_level": "minimal", "max_wal_senders": "0", "log_min_messages": "warning"}
BALANCES = ("SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history), "
            "(SELECT sum(bbalance) FROM pgbench_branches) = (SELECT sum(tbalance) FROM pgbench_tellers), "
            "(SELECT count(*) FROM pgbench_history)")

ASLEEP = "FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%' AND wait_event = 'PgSleep'"


def run(name, *words):
    """The output of one of PostgreSQL's programs; ends the session if it fails."""
    done = subprocess.run([str(PROGRAMS / name), *map(str, words)], capture_output=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{name} ended with {done.returncode}: {done.stderr.decode(errors='replace').strip()[-1000:]}")
    return done.stdout.decode()


def on(database):
    """The options of a client."""
    return "-h", os.getcwd(), "-U", "owner", database


def query(text, database="bench"):
    return run("psql", "-X", "-A", "-t", "-c", text, *on(database)).strip()


def answers():
    done = subprocess.run([str(PROGRAMS / "pg_isready"), "-q", "-h", os.getcwd()], capture_output=True, check=False)
    return done.returncode == 0


def cluster():
    options = [word for name, value in SETTINGS.items() for word in ("-c", f"{name}={value}")]
    return server.Server([str(PROGRAMS / "postgres"), "-D", "data", *options], answers, "server.log", signal.SIGINT)


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def bench():
    """pgbench's transactions; all must have happened, and money is neither made nor lost."""
    run("pgbench", "-i", "-q", "-s", SCALE, *on("bench"))
    for protocol in ("simple", "prepared"):
        said = run("pgbench", "-n", "-c", CLIENTS, "-j", THREADS, "-t", TRANSACTIONS, "-M", protocol, "--random-seed=5",
                   "--max-tries=100", *on("bench"))
        print("pgbench:", protocol, *re.findall(r"^number of (?:transactions actually|failed).*", said, re.MULTILINE))
    print("balances:", query(BALANCES))


def dump_of(database):
    """Tables as text, without the random word that keeps restorations apart."""
    return re.sub(r"(?m)^\\(?:un)?restrict .*$", "", run("pg_dump", "-t", "fact", "-t", "part*", *on(database)))


def dump_and_restore():
    before = dump_of("bench")
    run("pg_dump", "-Fc", "-Z", "6", "-f", "fact.dump", "-t", "fact", "-t", "part*", *on("bench"))
    run("createdb", *on("copy"))
    run("pg_restore", "-j", "2", "-h", os.getcwd(), "-U", "owner", "-d", "copy", "fact.dump")
    after = dump_of("copy")
    print("dump:", len(before.splitlines()), hash_of(before), "restored is the same:", before == after)


def connections():
    """Processes that come and go, some of them thrown out by the server."""
    said = run("pgbench", "-C", "-S", "-n", "-c", 4, "-j", THREADS, "-t", 20 * SCALE, "--random-seed=6", *on("bench"))
    print("connections:", *re.findall(r"^number of transactions actually.*", said, re.MULTILINE))
    sleepers = [subprocess.Popen([str(PROGRAMS / "psql"), "-X", "-c", "SELECT pg_sleep(86400)", *on("bench")],
                                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(4)]
    server.wait_until(lambda: query(f"SELECT count(*) {ASLEEP}") == "4", "a client")
    print("thrown out:", query(f"SELECT count(pg_terminate_backend(pid)) {ASLEEP}"),
          sorted(client.wait(server.WAIT_SECONDS) for client in sleepers))


def main():
    run("initdb", "-D", "data", "-A", "trust", "-U", "owner", "-N", "--locale=C", "-E", "UTF8")
    with cluster() as running:
        run("createdb", *on("bench"))
        bench()
        print(run("psql", "-X", "-q", "-A", "-t", "-v", f"rows={ROWS}", "-f", SCRIPT, *on("bench")), end="")
        dump_and_restore()
        connections()
        query("CHECKPOINT; UPDATE pgbench_branches SET filler = 'after the checkpoint'")
        running.stop(signal.SIGQUIT)
    with cluster() as running:
        print("recovered:", "not properly shut down" in running.said(), query(BALANCES),
              query("SELECT count(*) FROM pgbench_branches WHERE filler LIKE 'after%'"))
        print("checked:", run("pg_amcheck", "--install-missing", "--heapallindexed", *on("bench")).strip())
        print("ended with", running.stop())
        print("crash in the log:", "PANIC" in running.said() or "was terminated by signal" in running.said())


if __name__ == "__main__":
    main()
