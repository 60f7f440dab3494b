"""A redis-server of its own on a unix socket: data of every type, redis-benchmark, a save in a forked child, a reload.

Prints what the data are at each point, which depends on the arguments alone, and ends with 1 if the server misbehaves.
"""
import hashlib
import pathlib
import re
import subprocess
import sys

import server

SCALE = int(sys.argv[1])
SOCKET = "redis.sock"
BENCHMARK_REQUESTS = 5000 * SCALE


def cli(*words, database=0, stdin=None):
    """The answer of redis-cli to a command."""
    done = subprocess.run(["redis-cli", "-s", SOCKET, "-n", str(database), *words], input=stdin, capture_output=True,
                          check=False)
    if done.returncode != 0:
        sys.exit(f"redis-cli {' '.join(words)}: {done.stderr.decode().strip()}")
    return done.stdout.decode().strip()


def answers():
    """Whether the server does."""
    return pathlib.Path(SOCKET).exists() and subprocess.run(
        ["redis-cli", "-s", SOCKET, "ping"], capture_output=True, check=False).stdout == b"PONG\n"


def redis():
    """A server with threads for its connections."""
    return server.Server(
        ["redis-server", "--port", "0", "--unixsocket", SOCKET, "--dir", ".", "--save", "", "--io-threads", "2",
         "--io-threads-do-reads", "yes", "--enable-debug-command", "yes", "--activedefrag", "no"], answers, "redis.log")


def command(*words):
    encoded = [str(word).encode() for word in words]
    return b"*%d\r\n" % len(encoded) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in encoded)


def commands():
    """Data of every type, in growing and shrinking containers."""
    for i in range(4000 * SCALE):
        yield command("set", f"text:{i}", "v" * (i * 7 % 600))
        yield command("append", f"text:{i // 2}", f"more {i}")
        yield command("hset", f"hash:{i % 50}", f"field{i}", "h" * (i % 90), "last", i)
        yield command("rpush", f"list:{i % 20}", f"element {i}", "e" * (i % 200))
        yield command("zadd", f"sorted:{i % 10}", i * 37 % 1009, f"member{i}")
        yield command("sadd", f"set:{i % 10}", i * 31 % 700, f"s{i}")
        if i % 3 == 0:
            yield command("lpop", f"list:{i % 20}")
            yield command("del", f"text:{i // 3}")
            yield command("zremrangebyrank", f"sorted:{i % 10}", 0, 0)
        if i % 100 == 0:
            yield command("xadd", "stream", f"{i + 1}-1", "number", i)
            yield command("setrange", f"bits:{i % 7}", i * 20, "x" * 50)


def benchmark():
    """redis-benchmark's tests, and what they must have left behind."""
    done = subprocess.run(
        ["redis-benchmark", "-s", SOCKET, "-q", "-n", str(BENCHMARK_REQUESTS), "-c", "20", "-P", "8", "--threads", "2",
         "--dbnum", "1", "-d", "100", "-t", "set,get,incr,lpush,rpush,lpop,sadd,hset,zadd,lrange_100,mset"],
        capture_output=True, text=True, check=False)
    lines = done.stdout.replace("\r", "\n").split("\n")
    finished = sorted({line.split(":")[0].strip() for line in lines if re.search(r"[\d.]+ requests per second", line)})
    print("benchmark:", done.returncode, done.stderr.strip(), finished)
    counter = int(cli("get", "counter:__rand_int__", database=1))
    print("benchmark: every INCR arrived:", counter >= BENCHMARK_REQUESTS, "keys:", cli("dbsize", database=1))


def session():
    """What the server does, until it has been told to end."""
    everything = b"".join(commands())
    print("load:", cli("--pipe", stdin=everything).splitlines()[-1])
    before = cli("debug", "digest"), cli("dbsize")
    print("loaded:", *before)
    benchmark()
    print("lua:", cli("eval", "local t = {} for i = 1, 20000 do t[i] = redis.call('get', 'text:' .. i) or i end "
                              "return redis.sha1hex(table.concat(t, ','))", "0"))
    pairs = sorted(cli("hgetall", "hash:7").splitlines())  # their order depends on a random seed of the server
    print("sort:", hash_of(cli("sort", "set:3", "alpha", "desc")), hash_of("\n".join(pairs)))
    cli("flushdb", "async", database=1)
    cli("bgsave")
    server.wait_until(lambda: "rdb_bgsave_in_progress:0" in cli("info", "persistence"), "saving")
    print("saved:", re.search(r"rdb_last_bgsave_status:(\w+)", cli("info", "persistence")).group(1))
    check = subprocess.run(["redis-check-rdb", "dump.rdb"], capture_output=True, text=True, check=False)
    print("check:", check.returncode, "RDB looks OK" in check.stdout)
    print("reload:", cli("debug", "reload"), (cli("debug", "digest"), cli("dbsize")) == before)
    cli("flushall")
    subprocess.run(["redis-cli", "-s", SOCKET, "shutdown", "nosave"], capture_output=True, check=False)


def main():
    with redis() as running:
        session()
        print("server ended with", running.process.wait(server.WAIT_SECONDS))
    log = running.said()
    print("crash in the log:", "REDIS BUG REPORT" in log or "Guru Meditation" in log)


def hash_of(text):
    return hashlib.sha256(text.encode()).hexdigest()[:16]


if __name__ == "__main__":
    main()
