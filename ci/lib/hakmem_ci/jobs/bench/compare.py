"""Two results of ci/bench --json beside each other, such as those of two commits."""
import dataclasses
import json
import statistics

LEAST = 1.02  # what differs by less is no difference, however quiet the machine was
FEWEST_ROUNDS = 3  # of which a spread can be known
COUNTS_DIFFER = 0.05  # instructions; counts are exact

BETTER, WORSE, SAME, UNKNOWN = "better", "worse", "", "too few rounds"


@dataclasses.dataclass(frozen=True)
class Figure:
    """`field` of a sample. `steadied`: divided by what the other allocators did in the same round, if both results have
    any, because the speed of a shared machine differs from day to day."""

    field: str
    title: str
    more_is_better: bool
    steadied: bool


FIGURES = (Figure("speed", "speed", True, True), Figure("cpu_speed", "speed in processor time", True, True),
           Figure("resident", "peak memory", False, False), Figure("faults", "page faults", False, False))


class Unusable(Exception):
    """A file is no result of ci/bench."""


def read(path):
    """The result in a file. Raises Unusable."""
    try:
        result = json.loads(path.read_text(encoding="utf-8"))
        needed = {"samples", "subject", "results", "allocators", "rounds_done", "machine"} - result.keys()
        samples = [sample for by_name in result["samples"].values() for each in by_name.values() for sample in each]
        needed |= {figure.field for figure in FIGURES for sample in samples if figure.field not in sample}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Unusable(f"{path} is no result of ci/bench --json: {error}") from error
    if needed:
        raise Unusable(f"{path} is of another ci/bench: it has no {', '.join(sorted(needed))}")
    return result


def by_round(result, scenario, name, field):
    """round -> value, of the runs that count."""
    samples = result["samples"].get(scenario, {}).get(name, [])
    return {sample["round"]: sample[field] for sample in samples if not sample["problem"]}


def values_of(result, scenario, figure, peers):
    """One value for each round in which the subject, and the peers if it is measured by them, ran."""
    own = by_round(result, scenario, result["subject"], figure.field)
    others = [by_round(result, scenario, name, figure.field) for name in peers] if figure.steadied else []
    rounds = [number for number in own if all(other.get(number) for other in others)]
    return [own[number] / (statistics.geometric_mean([other[number] for other in others]) if others else 1)
            for number in rounds]


def spread_of(values):
    """How many times the smallest the largest is."""
    return max(values) / min(values)


def compared(old, new, figure):
    """The ratio new : old of a figure with its spread, and whether it differs by more than the rounds of either result
    do among themselves."""
    old, new = ([max(value, 1e-9) for value in values] for values in (old, new))
    ratio = statistics.median(new) / statistics.median(old)
    noise = max(LEAST, spread_of(old), spread_of(new))
    verdict = SAME
    if min(len(old), len(new)) < FEWEST_ROUNDS:
        verdict = UNKNOWN
    elif ratio > noise or ratio < 1 / noise:
        verdict = BETTER if (ratio > 1) == figure.more_is_better else WORSE
    return {"ratio": ratio, "min": min(new) / max(old), "max": max(new) / min(old), "verdict": verdict}


def work_of(result):
    """scenario -> its command line."""
    return {entry["scenario"]: entry["command"] for entry in result["results"]}


def compare(old, new):
    """(rows, why scenarios are left out). A row has the scenario and, by figure's field, what compared() says."""
    commands = work_of(old), work_of(new)
    peers = [name for name in new["allocators"] if name in old["allocators"] and name not in (old["subject"], new["subject"])]
    rows, left_out = [], []
    for scenario in dict.fromkeys([*commands[0], *commands[1]]):
        if scenario not in commands[0] or scenario not in commands[1]:
            left_out.append(f"{scenario}: only one result has it")
        elif commands[0][scenario] != commands[1][scenario]:
            left_out.append(f"{scenario}: the results are of different work")
        else:
            figures = {figure.field: (values_of(old, scenario, figure, peers), values_of(new, scenario, figure, peers))
                       for figure in FIGURES}
            if all(values for pair in figures.values() for values in pair):
                rows.append({"scenario": scenario, **{figure.field: compared(*figures[figure.field], figure)
                                                      for figure in FIGURES}})
            else:
                left_out.append(f"{scenario}: no run of it counts in one of the results")
    return rows, left_out


def counts_of(result):
    """(bytes, pattern) -> instructions and system calls, exact."""
    samples = result["samples"].get("instructions", {}).get(result["subject"], [])
    return {(count["bytes"], count["pattern"]): (count["instructions"], count["system_calls"])
            for sample in samples for count in sample["counts"]}


def changed_counts(old, new):
    """A line for each count of instructions that differs."""
    before, now = counts_of(old), counts_of(new)
    return [f"instructions, {size} bytes, {pattern}: {now[size, pattern][0]:.1f}, was {before[size, pattern][0]:.1f}"
            for size, pattern in sorted(before.keys() & now.keys())
            if abs(now[size, pattern][0] - before[size, pattern][0]) > COUNTS_DIFFER
            or abs(now[size, pattern][1] - before[size, pattern][1]) > COUNTS_DIFFER / 10]


def cell(found):
    marks = {BETTER: " +", WORSE: " -", SAME: "", UNKNOWN: " ?"}
    return f"{found['ratio']:.2f} ({found['min']:.2f}..{found['max']:.2f}){marks[found['verdict']]}"


def table(rows):
    """(title, heading, rows) as summary.as_text wants it."""
    return ("New : old, medians (least..most of any two rounds); + better and - worse beyond noise, ? too few rounds to know",
            ("scenario", *(figure.title for figure in FIGURES)),
            [(row["scenario"], *(cell(row[figure.field]) for figure in FIGURES)) for row in rows])


def conclusion(rows):
    """One line for each figure: what differs beyond noise."""
    lines = []
    for figure in FIGURES:
        for verdict in (WORSE, BETTER):
            found = [row["scenario"] for row in rows if row[figure.field]["verdict"] == verdict]
            if found:
                lines.append(f"{figure.title}: {verdict} beyond noise in {len(found)} of {len(rows)}: {', '.join(found)}")
    unknown = sum(any(row[figure.field]["verdict"] == UNKNOWN for figure in FIGURES) for row in rows)
    if unknown:
        lines.append(f"{unknown} of {len(rows)} have fewer than {FEWEST_ROUNDS} rounds: give --rounds more")
    return lines or [f"nothing differs beyond noise in {len(rows)} scenarios"]
