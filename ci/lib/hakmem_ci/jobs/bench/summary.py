"""Medians and ratios of what was measured, as numbers, as text and as Markdown."""
import statistics

from hakmem_ci.jobs.bench import catalogue, shared_lines


NOISY = 3.0  # a ratio whose largest round is this many times its smallest says little


def median(samples, field):
    """The median of a field over the samples that count; None without one."""
    values = [getattr(sample, field) for sample in samples if not sample.problem]
    return statistics.median(values) if values else None


def system_share(samples):
    """The median part of the processor time that was spent in the kernel; None without a sample."""
    shares = [min(1.0, sample.system_seconds / sample.cpu_seconds) for sample in samples
              if not sample.problem and sample.cpu_seconds]
    return statistics.median(shares) if shares else None


def rss_over_time(samples):
    """The moments of a peak, each the median of the rounds."""
    runs = [sample.rss_over_time for sample in samples if not sample.problem and sample.rss_over_time]
    return [{"when": moments[0]["when"], "seconds": statistics.median(moment["seconds"] for moment in moments),
             "bytes": statistics.median(moment["bytes"] for moment in moments)} for moments in zip(*runs)]


def shared_updates(samples):
    """kind -> median of the updates of shared lines for a million operations; {} for another malloc."""
    found = [sample.shared for sample in samples if not sample.problem and sample.shared]
    return {kind: statistics.median(one[kind] for one in found) for kind in (found[0] if found else {})}


def ratios(samples, peers, field):
    """One ratio per round in which both were measured."""
    by_round = {sample.round: getattr(sample, field) for sample in peers if not sample.problem}
    return [getattr(sample, field) / by_round[sample.round] for sample in samples
            if not sample.problem and by_round.get(sample.round)]


def spread(values):
    """Median, smallest and largest; None without values."""
    if not values:
        return None
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def summarise(results, scenarios, names, subject):
    """One entry per scenario that was begun, with an entry per allocator. Ratios are speed of `subject` : speed of the
    other, so above 1 the subject is the faster one."""
    entries = []
    for scenario in scenarios:
        if scenario.kind != catalogue.SPEED or scenario.name not in results.samples:
            continue
        own = results.of(scenario, subject)
        entry = {"scenario": scenario.name, "about": scenario.about, "command": [str(word) for word in scenario.command],
                 "allocators": {}}
        for name in names:
            samples = results.of(scenario, name)
            entry["allocators"][name] = {
                "problems": [sample.problem for sample in samples if sample.problem],
                "rounds": sum(not sample.problem for sample in samples),
                "operations_per_second": median(samples, "speed"),
                "operations_per_cpu_second": median(samples, "cpu_speed"),
                "peak_resident_bytes": median(samples, "resident"),
                "page_faults": median(samples, "faults"),
                "system_share": system_share(samples),
                "rss_over_time": rss_over_time(samples),
                "shared_updates": shared_updates(samples),
                "ratio": None if name == subject else spread(ratios(own, samples, "speed")),
                "cpu_ratio": None if name == subject else spread(ratios(own, samples, "cpu_speed")),
            }
        entries.append(entry)
    return entries


def is_noise(ratio):
    return ratio["max"] > NOISY * ratio["min"]


def geometric_means(entries, names, subject, field="ratio"):
    """Per peer (mean, number of scenarios left out): noise and failures are left out. The mean is None if none is left."""
    means = {}
    for name in names:
        if name == subject:
            continue
        found = [entry["allocators"][name][field] for entry in entries]
        medians = [ratio["median"] for ratio in found if ratio and not is_noise(ratio)]
        means[name] = (statistics.geometric_mean(medians) if medians else None, len(found) - len(medians))
    return means


def counts_of(results, scenarios, names):
    """Instruction counts: a list of (bytes, pattern, {allocator: (instructions, system calls), or its problem})."""
    rows = {}
    for scenario in scenarios:
        if scenario.kind != catalogue.INSTRUCTIONS:
            continue
        for name in names:
            for sample in results.of(scenario, name):
                for count in sample.counts:
                    row = rows.setdefault((count["bytes"], count["pattern"]), {})
                    row[name] = (count["instructions"], count["system_calls"])
    return [(size, pattern, row) for (size, pattern), row in sorted(rows.items())]


def operations_of(results, scenarios, names):
    """Single operations: a list of (name, {allocator: median of the rounds, in nanoseconds})."""
    rows = {}
    for scenario in scenarios:
        if scenario.kind != catalogue.OPERATIONS:
            continue
        for name in names:
            for sample in results.of(scenario, name):
                for one in sample.operations:
                    rows.setdefault(one["name"], {}).setdefault(name, []).append(one["nanoseconds"])
    return [(operation, {name: statistics.median(values) for name, values in row.items()}) for operation, row in rows.items()]


def speed(cell):
    """Millions of operations per second; FAILED and a hyphen (not measured) are no speeds."""
    if cell["problems"]:
        return "FAILED"
    value = cell["operations_per_second"]
    if value is None:
        return "-"
    return f"{value / 1e6:.2f} M" if value >= 1e5 else f"{value / 1e3:.2f} k"


def ratio(cell, field="ratio"):
    if cell["problems"]:
        return "FAILED"
    value = cell[field]
    if not value:
        return "-"
    mark = "~" if is_noise(value) else ""
    return f"{mark}{value['median']:.2f} ({value['min']:.2f}..{value['max']:.2f})"


def memory(cell):
    if cell["problems"]:
        return "FAILED"
    value = cell["peak_resident_bytes"]
    return f"{value / 2**20:.1f}" if value is not None else "-"


def kernel(cell):
    """Page faults and the kernel's share of the processor time."""
    if cell["problems"]:
        return "FAILED"
    faults, share = cell["page_faults"], cell["system_share"]
    if faults is None:
        return "-"
    return (f"{faults / 1e3:.1f} k" if faults >= 1e4 else f"{faults:.0f}") + (f", {share:.0%}" if share is not None else "")


def moments(entry, names):
    """A row for each moment of a peak that says something of its own: of the time that nothing happens, the end."""
    runs = {name: entry["allocators"][name]["rss_over_time"] for name in names}
    longest = max(runs.values(), key=len)
    kept = [i for i, moment in enumerate(longest)
            if i + 1 == len(longest) or (moment["when"], longest[i + 1]["when"]) != ("idle", "idle")]
    freed = next((moment["seconds"] for moment in longest if moment["when"] == "freed"), 0)
    for i in kept:
        when = longest[i]["when"]
        words = f"{longest[i]['seconds'] - freed:.1f} s idle" if when == "idle" else when
        yield (f"{entry['scenario']}, {words}",
               *(f"{runs[name][i]['bytes'] / 2**20:.1f}" if i < len(runs[name]) else "-" for name in names))


def shared_rows(entries, names):
    """A row for each scenario and allocator that says how often it updates shared lines."""
    for entry in entries:
        for name in names:
            updates = entry["allocators"][name]["shared_updates"]
            if updates:
                yield (entry["scenario"], name, *(f"{updates[kind]:.0f}" for kind in shared_lines.KINDS))


def instruction_cell(value):
    if value is None:
        return "-"
    return f"{value[0]:.1f}" + (f" + {value[1]:.2f} calls" if value[1] else "")


def tables(entries, counts, operations, names, subject):
    """(title, heading, rows) of each table that has rows."""
    peers = [name for name in names if name != subject]
    cells = [(entry["scenario"], entry["allocators"]) for entry in entries]
    found = [
        ("Operations per second, medians", ("scenario", *names),
         [(name, *(speed(row[n]) for n in names)) for name, row in cells]),
        (f"Speed of {subject} : speed of the other, wall clock: median (smallest..largest) of the rounds",
         ("scenario", *peers), [(name, *(ratio(row[n]) for n in peers)) for name, row in cells]),
        (f"Speed of {subject} : speed of the other, processor time: median (smallest..largest) of the rounds",
         ("scenario", *peers), [(name, *(ratio(row[n], "cpu_ratio") for n in peers)) for name, row in cells]),
        ("Peak resident memory, MiB", ("scenario", *names),
         [(name, *(memory(row[n]) for n in names)) for name, row in cells]),
        ("Page faults of a run, and the kernel's share of its processor time", ("scenario", *names),
         [(name, *(kernel(row[n]) for n in names)) for name, row in cells]),
        ("Resident memory over time, MiB", ("scenario", *names),
         [row for entry in entries for row in moments(entry, names)]),
        ("Updates of lines that threads share, for a million operations (docs/scaling.md)",
         ("scenario", "library", *shared_lines.KINDS), list(shared_rows(entries, names))),
        ("Single operations on warm memory, nanoseconds of processor time, medians", ("operation", *names),
         [(operation, *(f"{row[n]:.1f}" if n in row else "-" for n in names)) for operation, row in operations]),
        ("User instructions per malloc + free, the loop around them included (exact)", ("bytes", "pattern", *names),
         [(str(size) if size else "none", pattern, *(instruction_cell(row.get(n)) for n in names))
          for size, pattern, row in counts]),
    ]
    for table, field in ((found[1], "ratio"), (found[2], "cpu_ratio")):
        table[2].append(("geometric mean without ~", *mean_cells(entries, names, subject, field)))
    return [table for table in found if len(table[2]) > table[0].startswith("Speed") and len(table[1]) > 1]


def mean_cells(entries, names, subject, field):
    means = geometric_means(entries, names, subject, field).values()
    return [f"{mean:.2f}" if mean else "-" for mean, _ in means]


def as_text(title, heading, rows):
    widths = [max(len(line[i]) for line in (heading, *rows)) for i in range(len(heading))]
    layout = "  ".join(f"{{:{'<' if i == 0 else '>'}{width}}}" for i, width in enumerate(widths))
    return "\n".join([title, "", *(layout.format(*line).rstrip() for line in (heading, *rows)), ""])


def as_markdown(title, heading, rows):
    lines = [f"## {title}", "", "| " + " | ".join(heading) + " |",
             "|" + "|".join("---" if i == 0 else "---:" for i in range(len(heading))) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows), ""])


def document(facts, entries, counts, operations, problems, names, subject, pictures=()):
    """The whole report as Markdown. `pictures`: title and path of each."""
    parts = ["# Benchmarks", "", "Written by `ci/bench`; the same command repeats it:", "", f"    {facts['command']}", "",
             f"Machine: {facts['machine']}. Rounds: {facts['rounds_done']}, in which the allocators take turns. "
             "Ratios are taken within a round, because the speed of a shared machine differs from minute to minute; "
             "above 1, " + subject + " is the faster one. A ratio marked ~ differs by more than a factor of "
             f"{NOISY:.0f} between rounds: it is noise, and no part of the means.", ""]
    if facts["interrupted"]:
        parts += ["**Interrupted: the last round is not complete.**", ""]
    parts += [line for title, path in pictures for line in (f"![{title}]({path})", "")]
    parts += [as_markdown(*table) for table in tables(entries, counts, operations, names, subject)]
    parts += ["## Failures", ""]
    parts += [f"- `{scenario}` with {name}: {problem}" for scenario, name, _, problem in problems] or ["None."]
    parts += ["", "## Scenarios", "", *(f"- `{entry['scenario']}`: `{' '.join(entry['command'])}`" for entry in entries), ""]
    parts += ["## Allocators", "", *(f"- {name}: {path}" for name, path in facts["allocators"].items()), ""]
    return "\n".join(parts)


def headline(entries, names, subject):
    """One line: the geometric means, and how many scenarios they leave out."""
    shown = []
    for name, (mean, absent) in geometric_means(entries, names, subject).items():
        if mean:
            left_out = f" (without {absent} of {len(entries)} scenarios)" if absent else ""
            shown.append(f"{mean:.2f} x {name}{left_out}")
    return f"{subject}: {', '.join(shown)} (geometric means of the speed ratios)" if shown else ""
