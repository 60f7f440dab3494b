"""docs/reports/costs.md, and the data beside it from which the ledger has its columns."""
import json

from hakmem_ci.jobs.costs import prices
from hakmem_ci.jobs.costs.machines import FLAGS, MACHINES

VERSION = 1
HEAD = """# What an order costs

Written by `ci/costs`; do not edit. It compiles the library for each machine below, with debug information, and reads from
the object files which instructions come from which atomic operation. [The ledger](ledger.md) has them beside the orders; what
the words mean: [models.md](../models.md#what-an-order-costs).

| column | compiled by | machine |
|---|---|---|
{machines}

All with `{flags}`, the hardened library as well.

## Each operation with each order

Of a word of 64 bits. This is what a weaker order would win: `load(acquire)` beside `load(relaxed)`. An operation that
tries again has the branch that does behind its two halves; a compare-and-swap is a weak one, which does not try again.

{prices}

## Without an instruction

No instruction belongs to these operations on a machine: what they are in is made for others or called by nothing that
ships, or the compiler has found two ends of a function to be the same, and the other one's operation has the instruction.

{absent}
"""


def table(head, rows):
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows))


def cell(said):
    """Instructions in a cell."""
    return " or ".join(f"`{word}`" for word in said) or "–"


def data_of(found, places):
    """The text of costs.json. `found`: machine -> key -> a counter of words."""
    operations = {place.key: [words_of(found[machine.name].get(place.counted_as, {})) for machine in MACHINES]
                  for inside in places.values() for place in inside}
    return json.dumps({"version": VERSION, "machines": [machine.name for machine in MACHINES], "operations": operations},
                      indent=1, sort_keys=True) + "\n"


def words_of(counts):
    """The words of a counter, the most frequent first."""
    return sorted(counts, key=lambda word: (-counts[word], word))


def text_of(found, places, known_prices, versions):
    """The text of the page. `known_prices`: machine -> "load(acquire)" -> word; `versions`: compiler -> its first line."""
    names = [machine.name for machine in MACHINES]
    machines = [f"| {one.name} | {versions[one.compiler]} | {one.says} |" for one in MACHINES]
    keys = [f"{kind}({order})" for kind, order in prices.OPERATIONS]
    rows = [[f"`{key}`", *(cell([word] if (word := known_prices[name].get(key)) else []) for name in names)] for key in keys]
    absent = []
    for place in (place for inside in places.values() for place in inside):
        without = [name for name in names if not found[name].get(place.counted_as)]
        if without:
            absent.append([f"`{place.key}`", "any" if without == names else ", ".join(without)])
    return HEAD.format(machines="\n".join(machines), flags=" ".join(FLAGS), prices=table(["operation", *names], rows),
                       absent=table(["operation", "machine"], absent) if absent else "None.")
