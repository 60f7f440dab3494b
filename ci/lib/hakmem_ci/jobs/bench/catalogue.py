"""What is measured: every benchmark with its arguments."""
import dataclasses

SPEED, INSTRUCTIONS, OPERATIONS = "speed", "instructions", "operations"

MIN_BYTES, MAX_BYTES, LIVE_BLOCKS, SEED = 16, 1040, 4096, 42  # the recorded workload of random_mixed
LARSON_BLOCKS, MANY_BLOCKS, LARSON_SEED = 1000, 5000, 12345
KIBI = 1024


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`command` is a program of the bench directory and its arguments. `kind` is SPEED (operations per second are
    compared), INSTRUCTIONS (counts that every run repeats exactly, so that one run is enough) or OPERATIONS (times of
    single calls)."""

    name: str
    command: tuple
    about: str
    kind: str = SPEED


def larson(threads, seconds, rounds=100, name="larson", sizes=(8, KIBI), blocks=LARSON_BLOCKS):
    command = ("larson", seconds, *sizes, blocks, rounds, LARSON_SEED, threads)
    return Scenario(f"{name}-{threads}", command,
                    f"larson, {threads} threads with {blocks} blocks of {sizes[0]} to {sizes[1]} bytes, each lives for "
                    f"{rounds * blocks} replacements")


def random_mixed(name, iterations, threads, *sizes):
    shown = f"{sizes[1]} bytes" if len(sizes) == 2 else f"{sizes[1]} to {sizes[3]} bytes"
    return Scenario(f"random_mixed-{name}-{threads}", ("random_mixed", iterations, LIVE_BLOCKS, SEED, threads, *sizes),
                    f"random_mixed, {threads} threads, {shown}")


def program(name, threads, iterations, *more):
    return Scenario(f"{name}-{threads}", ("scenarios", name, "--threads", threads, "--iterations", iterations, *more),
                    f"{name}, {threads} threads")


def instructions(quick):
    """Every instruction that is counted is a signal, so few pairs have to do; they repeat exactly anyway."""
    sizes = (16, 1024, 32768) if quick else (16, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
    options = [word for size in sizes for word in ("--size", size)]
    patterns = [word for pattern in ("pair", "batch16", "batch64") for word in ("--pattern", pattern)]
    return Scenario("instructions", ("instructions", *options, *patterns, "--pairs", 64), "user instructions of malloc + free",
                    INSTRUCTIONS)


def catalogue(quick):
    """All scenarios in the order in which they run. `quick` makes each a tenth as long."""
    seconds = 0.1 if quick else 0.6
    few = 10 if quick else 1
    mixed = ("--min", MIN_BYTES, "--max", MAX_BYTES)
    up_to_32k = ("--min", KIBI + 1, "--max", 32 * KIBI)
    return [
        instructions(quick),
        Scenario("operations", ("operations", "--seconds", 0.01 if quick else 0.05), "nanoseconds of single operations", OPERATIONS),
        *(larson(threads, seconds) for threads in (1, 2, 4, 8, 16)),
        *(larson(threads, seconds, rounds=1, name="larson-short-lived") for threads in (2, 8)),
        *(larson(threads, seconds, name="larson-many", blocks=MANY_BLOCKS) for threads in (1, 2, 4, 16)),
        *(larson(threads, seconds, name="larson-32KiB", sizes=(2 * KIBI, 32 * KIBI)) for threads in (1, 2, 4, 16)),
        *(random_mixed("mixed", 10_000_000 // few // threads, threads, *mixed) for threads in (1, 4)),
        random_mixed("16", 10_000_000 // few, 1, "--size", 16),
        random_mixed("1KiB", 6_000_000 // few, 1, "--size", KIBI),
        random_mixed("32KiB", 2_000_000 // few, 1, "--size", 32 * KIBI),
        *(random_mixed("mid", 2_000_000 // few // threads, threads, *up_to_32k) for threads in (1, 4)),
        *(program("handoff", threads, 1_000_000 // few) for threads in (2, 4)),
        program("producer", 4, 2_000_000 // few),
        *(program("exchange", threads, 2_000_000 // few // threads) for threads in (2, 8)),
        *(program(f"false-sharing-{how}", 2, 1_000_000 // few) for how in ("active", "passive")),
        *(program("large", threads, 600 // few // threads) for threads in (1, 2)),
        *(program("batch", threads, 5000 // few // threads) for threads in (1, 4)),
        *(program("working-set", threads, 1_000_000 // few // threads) for threads in (1, 4)),
        program("realloc", 1, 200_000 // few),
        *(program("calloc", threads, 100_000 // few // threads) for threads in (1, 4)),
        *(program("tree", threads, 300 // few // threads) for threads in (1, 4)),
        program("peak", 2, 30_000 // few, "--idle", 1.5 if quick else 3),
        *(program("json", threads, 2000 // few) for threads in (1,)),
        *(program("mir", threads, 10000 // few) for threads in (1,)),
        *(program("vm", threads, 10000 // few) for threads in (1,)),
        *(program("factor", threads, 10000 // few) for threads in (1, 4)),
    ]
