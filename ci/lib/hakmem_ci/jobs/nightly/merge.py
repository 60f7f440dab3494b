"""ci/nightly merge: the reports of shards become the report of the night."""
import json

from hakmem_ci.core import report
from hakmem_ci.jobs.nightly import state as states
from hakmem_ci.jobs.nightly.rows import ItemRow

SAME = ("commit", "night", "minutes", "parts", "planned")


class CannotMerge(Exception):
    """The reports do not belong together, or are none; says why."""


def load(path):
    """A shard's report."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        shard = found["shard"]
        rows = [report.row_from(row, ItemRow) for row in found["results"]]
        missing = [name for name in (*SAME, "items", "verdict") if name not in found]
    except OSError as error:
        raise CannotMerge(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CannotMerge(f"{path} is no report of ci/nightly ({error.__class__.__name__}: {error})") from error
    if missing or not (isinstance(shard, list) and len(shard) == 2 and 1 <= shard[0] <= shard[1]):
        raise CannotMerge(f"{path} is no report of ci/nightly: {', '.join(missing) or 'shard'} is missing or wrong")
    return {**found, "results": rows, "path": path}


def check(reports):
    """Refuses reports of different nights, and one shard given twice."""
    first = reports[0]
    for other in reports[1:]:
        for name in SAME:
            if other[name] != first[name]:
                raise CannotMerge(f"{first['path']} and {other['path']} differ in '{name}': not shards of one night")
        if other["shard"][1] != first["shard"][1]:
            raise CannotMerge(f"{other['path']} is shard {other['shard'][0]}/{other['shard'][1]}, "
                              f"and {first['path']} one of {first['shard'][1]}")
    numbers = [one["shard"][0] for one in reports]
    twice = {number for number in numbers if numbers.count(number) > 1}
    if twice:
        raise CannotMerge(f"shard {min(twice)} is given more than once")


def merged(reports):
    """(rows, items, seeds, interrupted) over all shards. Items that no report has are rows: not run."""
    rows, items, seeds = [], [], {}
    for one in sorted(reports, key=lambda found: found["shard"][0]):
        rows += one["results"]
        items += one["items"]
        seeds.update({item["key"]: item["seed"] for item in one["items"] if item["seed"] is not None})
    done = {item["key"] for item in items}
    count = reports[0]["shard"][1]
    absent = sorted(set(range(1, count + 1)) - {one["shard"][0] for one in reports})
    for key in reports[0]["planned"]:
        if key not in done:
            cause = f"shard {', '.join(map(str, absent))} of {count} left no report" if absent else "no shard has done it"
            rows.append(ItemRow(key.split(":")[0], key, "", "", 0.0, "incomplete", "incomplete", cause, item=key))
    return rows, items, seeds, any(one.get("interrupted") for one in reports)


def facts_of(reports, items, changed):
    """What the merged report says besides results."""
    first = reports[0]
    return {"command": "ci/nightly merge", **{name: first[name] for name in SAME}, "shard": [1, 1],
            "merged": [f"{one['shard'][0]}/{one['shard'][1]}: {one.get('machine', 'unknown')}" for one in reports],
            "items": items, "comparison": changed}


def run(paths, state):
    """(rows, facts, interrupted); the state takes the results over."""
    reports = [load(path) for path in paths]
    check(reports)
    rows, items, seeds, interrupted = merged(reports)
    changed = states.compare(state.known, rows)
    state.keep(reports[0]["night"], rows, seeds)
    return rows, facts_of(reports, items, changed), interrupted
