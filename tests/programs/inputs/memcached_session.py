"""A memcached that locks its memory, on a unix socket: clients on threads of their own store, change, fetch and delete, then
more is stored than there is room for.

Prints what the data are at each point, which depends on its argument alone.
"""
import hashlib
import os
import pathlib
import re
import socket
import sys
import time

import server

SCALE = int(sys.argv[1])
SOCKET = "memcached.sock"
CLIENTS, KEYS = 8, 1500 * SCALE
MEGABYTES = 96
LARGE = 700000
WAITING = ("-o", "no_maxconns_fast")  # connections above the limit wait until those that were closed are gone
NO_ROOM = "SERVER_ERROR out of memory storing object"


class Client:
    """One connection, speaking the text protocol."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(SOCKET)
        self.stream = self.socket.makefile("rwb")

    def close(self):
        self.stream.close()
        self.socket.close()

    def ask(self, line, data=None):
        """The first line of an answer."""
        self.stream.write(line.encode() + b"\r\n" + (b"" if data is None else data + b"\r\n"))
        self.stream.flush()
        return self.stream.readline().decode().strip()

    def store(self, verb, key, data):
        return self.ask(f"{verb} {key} 7 0 {len(data)}", data)

    def fetch(self, keys):
        """key -> data, of those that are there."""
        found, line = {}, self.ask("get " + " ".join(keys))
        while line != "END":
            if not line.startswith("VALUE "):
                sys.exit(f"memcached answers {line[:200]!r} to get")
            _, key, _, size = line.split()
            found[key] = self.stream.read(int(size) + 2)[:-2]
            line = self.stream.readline().decode().strip()
        return found

    def statistics(self, kind=""):
        found, line = {}, self.ask(f"stats {kind}".strip())
        while line != "END":
            _, name, value = line.split(" ", 2)
            found[name] = value
            line = self.stream.readline().decode().strip()
        return found


def value_of(key, size):
    """Bytes that only this key has."""
    return (hashlib.sha256(key.encode()).hexdigest().encode() * (size // 64 + 1))[:size]


def size_of(number):
    return 1 + number * 7919 % 900 if number % 40 else 1000 + number * 104729 % 60000


def work(client, own):
    """What one client does with its keys: all verbs, with answers that are known. \return a hash of what is left"""
    answers = {}

    def note(answer):
        answers[answer] = answers.get(answer, 0) + 1

    keys = [f"client{own}:{number}" for number in range(KEYS)]
    for number, key in enumerate(keys):
        note(client.store("set", key, value_of(key, size_of(number))))
        if number % 3 == 0:
            note(client.store("append", key, b"end" * (number % 50)))
            note(client.store("prepend", key, b"begin"))
        if number % 5 == 0:
            note(client.ask(f"delete {keys[number // 2]}"))
            note(client.store("add", key, b"not stored"))
        if number % 100 == 0:
            note(client.store("set", f"count{own}:{number}", b"99"))
            note(client.ask(f"incr count{own}:{number} {number}"))
            note(client.ask(f"touch {key} 0"))
            note(client.store("set", f"client{own}:large", value_of(key, LARGE)))
    digest = hashlib.sha256(repr(sorted(answers.items())).encode())
    for start in range(0, KEYS, 100):
        for key, data in sorted(client.fetch(keys[start:start + 100]).items()):
            digest.update(key.encode() + data)
    digest.update(client.fetch([f"client{own}:large"])[f"client{own}:large"])
    return digest.hexdigest()[:16]


def in_threads(task):
    """What `task(client, number)` gives for each client, all at once."""
    def run(number):
        client = Client()
        try:
            return task(client, number)
        finally:
            client.close()

    return server.at_once(CLIENTS, run)


def overfill(client, own, size):
    """Stores twice what fits, in values of one size. \return (how many still there, how many of them are not whole)"""
    keys = [f"over{own}:{size}:{number}" for number in range(2 * MEGABYTES * 1000000 // size // CLIENTS)]
    for key in keys:
        answer = client.store("set", key, value_of(key, size))
        if answer not in ("STORED", NO_ROOM):
            sys.exit(f"memcached answers {answer!r} to set")
    found = {key: data for key in keys for data in client.fetch([key]).values()}
    return len(found), sum(data != value_of(key, size) for key, data in found.items())


def overfilled(size):
    """(whether anything is still there, how much of it is not whole) after all clients have stored more than fits."""
    counts = in_threads(lambda client, own: overfill(client, own, size))
    return sum(found for found, _ in counts) > 0, sum(wrong for _, wrong in counts)


def connections(watcher):
    """Many at a time, closed in the middle of a request. The next ones come when those are gone: else it depends on the machine
    whether there are more than memcached has descriptors for, which it says."""
    for _ in range(5 * SCALE):
        clients = [Client() for _ in range(100)]
        for client in clients:
            client.stream.write(b"set half 0 0 100000\r\n" + b"x" * 5000)
            client.stream.flush()
        for client in clients:
            client.close()
        while int(watcher.statistics()["curr_connections"]) > 50:
            time.sleep(0.01)


def locked_kilobytes(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmLck:\s+(\d+)", status)[1])


def accepts():
    try:
        Client().close()
        return True
    except OSError:
        return False


def main():
    user = ["-u", "root"] if os.geteuid() == 0 else []  # another user may not lock so much
    command = ["memcached", "-k", "-s", SOCKET, "-m", str(MEGABYTES), "-t", "4", "-I", "2m", "-c", "400", *WAITING, *user]
    with server.Server(command, accepts, "server.log") as running:
        if locked_kilobytes(running.process) == 0:
            sys.exit("memcached may not lock its memory: see ulimit -l")
        print("loaded:", *in_threads(work))
        client = Client()
        counted = client.statistics()
        print("items:", counted["curr_items"], "evicted:", counted["evictions"])
        connections(client)
        print("still there and not whole when there is no more room:", *overfilled(30000))
        print("evicted:", int(client.statistics()["evictions"]) > 0)
        print("crawled:", client.ask("lru_crawler crawl all"), client.ask("slabs automove 1"), client.ask("flush_all"))
        print("gone:", client.fetch(["client0:1", "over1:30000:2"]))
        print("still there and not whole when memory moves between sizes:", *overfilled(4000))
        print("memory is locked:", locked_kilobytes(running.process) > MEGABYTES * 500)
        client.close()
        print("ended with", running.stop())
        print("said:", running.said().strip())


if __name__ == "__main__":
    main()
