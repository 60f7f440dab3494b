"""How often hakmem writes to lines that threads share, by its own statistics: what a machine with more cores would feel."""
import json

ENVIRONMENT = {"HAKMEM_STATS": "json"}  # printed at the end of a run; they are counted anyway
PER = 1_000_000  # operations

# Each of these is one update at least: of the slab's remote word, which its owner and who frees into it share;
OF_A_SLAB = ("outbox_chains", "single_frees", "late_frees", "remote_retries")
# of a SuperSlab's slot word, which all share that have slabs in it;
OF_A_SUPERSLAB = ("acquired_same_class", "acquired_any_class", "acquired_unused", "acquired_cached", "acquired_mapped",
                  "slabs_released")
# of what all threads share: the counts and places of direct mappings, which come and go one by one;
OF_ALL = ("direct_mapped", "direct_unmapped")
# and of the kernel's map of the process, under its lock.
OF_THE_KERNEL = ("mmap_calls", "munmap_calls", "madvise_calls", "mremap_calls")
KINDS = {"a slab's": OF_A_SLAB, "a SuperSlab's": OF_A_SUPERSLAB, "everybody's": OF_ALL, "the kernel's": OF_THE_KERNEL}


def statistics_in(output):
    """What the library has printed at the end, or {} where another malloc ran."""
    for line in reversed(output.splitlines()):
        if line.startswith("{") and '"outbox_chains"' in line:
            try:
                return json.loads(line)
            except ValueError:
                return {}
    return {}


def updates(statistics, operations):
    """kind -> updates for a million operations; {} without statistics."""
    if not statistics or not operations:
        return {}
    return {kind: sum(statistics[name] for name in names) * PER / operations for kind, names in KINDS.items()}
