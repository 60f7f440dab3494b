"""Containers, text, threads, processes and garbage: what it prints depends on its argument alone."""
import collections
import concurrent.futures
import decimal
import gc
import hashlib
import json
import random
import re
import sqlite3
import subprocess
import sys
import threading
import zlib

SCALE = int(sys.argv[1])


def show(name, *values):
    print(name, hashlib.sha256(repr(values).encode()).hexdigest()[:16], flush=True)


def words(seed, count):
    source = random.Random(seed)
    return ["".join(source.choices("abcdefgh", k=source.randint(1, 40))) for _ in range(count)]


def containers():
    table = collections.defaultdict(list)
    for number, word in enumerate(words(1, 20000 * SCALE)):
        table[word[:2]].append((number, word, {word: number}))
    for key in list(table)[::2]:
        del table[key]
    return sorted((key, len(value), value[-1][1]) for key, value in table.items())


def texts():
    text = " ".join(words(2, 20000 * SCALE))
    found = re.findall(r"\b(a\w*b)\s+(\w+)", text)
    packed = zlib.compress(text.encode(), 6)
    assert zlib.decompress(packed).decode() == text
    again = json.loads(json.dumps([{"words": found[i:i + 10], "n": i} for i in range(0, len(found), 10)]))
    return len(found), len(packed), again[:5], again[-1]


class Node:
    def __init__(self, payload):
        self.payload = bytearray(payload)
        self.me = self  # a cycle for the collector


def cycles():
    source = random.Random(3)
    for _ in range(20):
        nodes = [Node(source.randint(1, 5000)) for _ in range(500 * SCALE)]
        del nodes
        gc.collect()
    return len(gc.garbage)


def in_threads():
    queue_lock, results = threading.Lock(), {}

    def work(number):
        mine = [f"{number}:{word}" * 3 for word in words(number, 3000 * SCALE)]
        with queue_lock:
            results[number] = hashlib.sha256("".join(sorted(mine)).encode()).hexdigest()

    for start in range(0, 24, 8):
        threads = [threading.Thread(target=work, args=(start + i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return sorted(results.items())


def factorial_digits(number):
    product = decimal.Decimal(1)
    for factor in range(2, number):
        product *= factor
    return str(product)[:20], len(hex(3 ** (number * 400)))


def in_processes():
    with concurrent.futures.ProcessPoolExecutor(max_workers=2) as pool:
        return list(pool.map(factorial_digits, range(200, 260)))


def database():
    connection = sqlite3.connect(":memory:")
    connection.execute("create table t (k text primary key, v blob)")
    connection.executemany("insert or replace into t values (?, ?)", ((w, w.encode() * 20) for w in words(4, 5000 * SCALE)))
    return connection.execute("select count(*), sum(length(v)), min(k), max(k) from t").fetchone()


def child():
    code = "import json,sys; print(len(json.dumps(list(range(100000)))))"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout


if __name__ == "__main__":
    for task in (containers, texts, cycles, in_threads, in_processes, database, child):
        show(task.__name__, task())
