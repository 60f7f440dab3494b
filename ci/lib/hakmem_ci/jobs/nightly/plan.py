"""The plan: which parts there are, what share of the time each has, and what is done in which night and shard."""
import dataclasses
import hashlib

from hakmem_ci.jobs.nightly import lint, models, work


@dataclasses.dataclass(frozen=True)
class Part:
    """`share` is its weight among the parts. `unit` is what an item needs to be worth starting, in seconds; a part
    that `rotates` does as many items a night as its share pays for, and begins where the night before has ended."""

    name: str
    share: int
    unit: int
    rotates: bool
    items: tuple
    says: str


# In the order in which they run: first what has a fixed size, because what it leaves over goes to the others.
PARTS = (
    Part("lint", 4, 60, False, lint.LINT, "layout, names, scripts and documents, of everything that is compiled"),
    Part("programs", 6, 20, False, work.PROGRAMS, "real programs under LD_PRELOAD, outputs compared"),
    Part("audit", 14, 100, True, work.AUDIT, "every order of every atomic weakened, header by header"),
    Part("mutants", 8, 60, True, work.MUTANTS, "changes to plain logic, a few headers each night"),
    Part("tests", 12, 60, False, work.TESTS, "unit tests under AddressSanitizer and ThreadSanitizer, g++ and clang; all of ARM64 under emulation"),
    Part("models", 18, 5, False, models.MODELS, "hakmem-check run: the suites' plans, then samples while there is time"),
    Part("fuzzing", 12, 5, False, work.FUZZING, "libFuzzer and AFL++ from the corpora of all nights before"),
    Part("matrix", 15, 20, True, work.MATRIX, "every stress scenario under every tool, on every variant"),
    Part("stability", 5, 15, False, work.STABILITY, "all scenarios ten times over, with ten seeds"),
    Part("slow-down", 4, 30, False, work.SLOWDOWN, "16 threads under every tool, and what each costs"),
    Part("long stress", 15, 60, True, work.LONG_STRESS, "16 threads for 60 s, scenario by scenario"),
)
NAMES = tuple(part.name for part in PARTS)


SURE = 0.8  # of a part's share; what parts before it have taken longer is at its cost


def chosen(part, seconds, night):
    """The items of a part in one night: all, or the next ones in turn."""
    if not part.rotates:
        return list(part.items)
    all_shares = sum(other.share for other in PARTS)
    count = min(len(part.items), max(1, int(SURE * seconds * part.share / all_shares // part.unit)))
    turns = {(night * count + i) % len(part.items) for i in range(count)}
    return [item for i, item in enumerate(part.items) if i in turns]


def of_night(names, seconds, night):
    """[(part, items)] of a night: a function of its arguments alone, so that every shard has the same list."""
    return [(part, chosen(part, seconds, night)) for part in PARTS if part.name in names]


def of_shard(night_plan, index, count):
    """What shard `index` of `count` (1 to count) does: every count-th item, parts taken together."""
    position, mine = 0, []
    for part, items in night_plan:
        mine.append((part, [item for i, item in enumerate(items, position) if i % count == index - 1]))
        position += len(items)
    return mine


def with_failing(mine, failing):
    """A shard's work, and what has failed here before and is not in turn: it runs again with the seed that failed."""
    return [(part, items + [item for item in part.items if item.key in failing and item not in items])
            for part, items in mine]


def keys(night_plan):
    return [item.key for _, items in night_plan for item in items]


def seed_of(night, key):
    """The seed of an item in a night: the same in every shard, another one for every item."""
    return int.from_bytes(hashlib.sha256(f"{night} {key}".encode()).digest()[:4], "big") | 1


def table(night_plan, seconds):
    """The plan as lines of text."""
    total = sum(part.share for part, items in night_plan if items) or 1
    lines = [f"{'part':<12} {'share':>5} {'seconds':>8} {'items':>9}  what"]
    for part, items in night_plan:
        given = seconds * part.share / total if items else 0
        count = f"{len(items)} of {len(part.items)}"
        lines.append(f"{part.name:<12} {part.share:>5} {given:>8.0f} {count:>9}  {part.says}")
    return lines
