"""What is measured: every benchmark with its arguments."""
import dataclasses

SPEED, INSTRUCTIONS = "speed", "instructions"

MIN_BYTES, MAX_BYTES, LIVE_BLOCKS, SEED = 16, 1040, 4096, 42  # the recorded workload of random_mixed
LARSON_BLOCKS, LARSON_SEED = 1000, 12345
KIBI = 1024


@dataclasses.dataclass(frozen=True)
class Scenario:
    """`command` is a program of the bench directory and its arguments. `kind` is SPEED (operations per second are
    compared) or INSTRUCTIONS (counts that every run repeats exactly, so that one run is enough)."""

    name: str
    command: tuple
    about: str
    kind: str = SPEED


def larson(threads, seconds, rounds=100, name="larson"):
    command = ("larson", seconds, 8, KIBI, LARSON_BLOCKS, rounds, LARSON_SEED, threads)
    return Scenario(f"{name}-{threads}", command,
                    f"larson, {threads} threads, each lives for {rounds * LARSON_BLOCKS} replacements")


def random_mixed(name, iterations, threads, *sizes):
    shown = f"{sizes[1]} bytes" if len(sizes) == 2 else f"{sizes[1]} to {sizes[3]} bytes"
    return Scenario(f"random_mixed-{name}-{threads}", ("random_mixed", iterations, LIVE_BLOCKS, SEED, threads, *sizes),
                    f"random_mixed, {threads} threads, {shown}")


def program(name, threads, iterations):
    return Scenario(f"{name}-{threads}", ("scenarios", name, "--threads", threads, "--iterations", iterations),
                    f"{name}, {threads} threads")


def instructions(quick):
    """Every instruction that is counted is a signal, so few pairs have to do; they repeat exactly anyway."""
    sizes = (16, 1024, 32768) if quick else (16, 64, 256, 1024, 2048, 4096, 8192, 16384, 32768, 65536)
    options = [word for size in sizes for word in ("--size", size)]
    return Scenario("instructions", ("instructions", *options, "--pairs", 64), "user instructions of malloc + free",
                    INSTRUCTIONS)


def catalogue(quick):
    """All scenarios in the order in which they run. `quick` makes each a tenth as long."""
    seconds = 0.1 if quick else 0.6
    few = 10 if quick else 1
    mixed = ("--min", MIN_BYTES, "--max", MAX_BYTES)
    up_to_32k = ("--min", KIBI + 1, "--max", 32 * KIBI)
    return [
        instructions(quick),
        *(larson(threads, seconds) for threads in (1, 2, 4, 8, 16)),
        *(larson(threads, seconds, rounds=1, name="larson-short-lived") for threads in (2, 8)),
        *(random_mixed("mixed", 10_000_000 // few // threads, threads, *mixed) for threads in (1, 4)),
        random_mixed("16", 10_000_000 // few, 1, "--size", 16),
        random_mixed("1KiB", 6_000_000 // few, 1, "--size", KIBI),
        random_mixed("32KiB", 2_000_000 // few, 1, "--size", 32 * KIBI),
        *(random_mixed("mid", 2_000_000 // few // threads, threads, *up_to_32k) for threads in (1, 4)),
        *(program("handoff", threads, 1_000_000 // few) for threads in (2, 4)),
        *(program("json", threads, 2000 // few) for threads in (1,)),
        *(program("mir", threads, 10000 // few) for threads in (1,)),
        *(program("vm", threads, 10000 // few) for threads in (1,)),
        *(program("factor", threads, 10000 // few) for threads in (1, 4)),
    ]
