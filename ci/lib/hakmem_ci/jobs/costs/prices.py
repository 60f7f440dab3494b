"""What each kind of operation compiles to with each order: a source with one function for each, and what has become of it.

The result of a fetching operation is not used, as in most places of the headers: x86-64 has no instruction that returns what
it has combined, and would try until it has.
"""
import collections
import re

from hakmem_ci.jobs.costs import places, words

READS, WRITES = ("relaxed", "acquire", "seq_cst"), ("relaxed", "release", "seq_cst")
BOTH = ("relaxed", "acquire", "release", "acq_rel", "seq_cst")
ORDERS = {"load": READS, "store": WRITES, "exchange": BOTH, "compare_exchange": BOTH, "fetch_add": BOTH, "fetch_and": BOTH,
          "fetch_or": BOTH}
BODIES = {
    "load": "std::uint64_t {name}(Word& word) {{ return word.load({order}); }}",
    "store": "void {name}(Word& word, std::uint64_t value) {{ word.store(value, {order}); }}",
    "exchange": "std::uint64_t {name}(Word& word, std::uint64_t value) {{ return word.exchange(value, {order}); }}",
    "compare_exchange": "bool {name}(Word& word, std::uint64_t seen, std::uint64_t value) "
                        "{{ return word.compare_exchange_weak(seen, value, {order}, std::memory_order_relaxed); }}",
}
FETCHING = "void {name}(Word& word, std::uint64_t value) {{ (void)word.{kind}(value, {order}); }}"
SYMBOL = re.compile(r"\d+probe_([a-z_]+)_as_([a-z_]+?)RSt6atomic")
OPERATIONS = [(kind, order) for kind, orders in ORDERS.items() for order in orders]


def source():
    """The text of the source."""
    functions = [BODIES.get(kind, FETCHING).format(name=f"probe_{kind}_as_{order}", kind=kind, order=f"std::memory_order_{order}")
                 for kind, order in OPERATIONS]
    return "\n".join(["#include <atomic>", "#include <cstdint>", "using Word = std::atomic<std::uint64_t>;", *functions, ""])


def place_of(instruction):
    """The place of an instruction of that source: the function that it has been inlined into."""
    if len(instruction.frames) < 2 or not places.CALLED.search(instruction.frames[-2].function):
        return None
    match = SYMBOL.search(instruction.frames[-1].function)
    if not match:
        return None
    key = f"{match[1]}({match[2]})"
    return places.Place(key, words.kind_of(match[1]), match[1], (), key)


def read(machine, functions):
    """"load(acquire)" -> the word that it has become."""
    found = collections.defaultdict(list)
    for function in functions:
        for place, word in words.words_in(machine.instructions, function, place_of):
            found[place.key].append(word)
    return {key: "; ".join(said) for key, said in found.items()}
