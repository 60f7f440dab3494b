"""What is kept from night to night: results to compare with, seeds that failed, corpora, searches to go on with."""
import json

from hakmem_ci.core import report


class Unreadable(Exception):
    """A file of the state is not what it should be; says which and what to do."""


class State:
    """A folder. `known` maps a check to its latest result, `seeds` an item to the seed it failed with."""

    def __init__(self, folder):
        self.folder = folder
        self.known = self.load("known.json")
        self.seeds = self.load("seeds.json")

    def load(self, name):
        path = self.folder / name
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path} cannot be read ({error}); repair or remove it") from error
        if not isinstance(found, dict):
            raise Unreadable(f"{path} is not a JSON object; repair or remove it")
        return found

    def place(self, *names):
        """A folder of that name, which exists."""
        path = self.folder.joinpath(*names)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def keep(self, night, rows, seeds):
        """Takes over the results of a night. `seeds`: item -> seed it ran with."""
        for row in rows:
            if row.part != report.BUILD:
                self.known[key_of(row)] = {"night": night, "status": row.status, "verdict": row.verdict,
                                           "count": row.count}
        statuses = {}
        for row in rows:
            statuses.setdefault(row.item, set()).add(row.status)
        for item, seed in seeds.items():
            found = statuses.get(item, set())
            if "fail" in found:
                self.seeds[item] = seed
            elif found == {"pass"}:
                self.seeds.pop(item, None)
        for name, content in (("known.json", self.known), ("seeds.json", self.seeds)):
            report.write_atomically(self.folder / name, json.dumps(content, indent=1, sort_keys=True) + "\n")


def key_of(row):
    """What names a check in every night."""
    return " / ".join(text for text in (row.part, row.check, row.how) if text)


def compare(known, rows):
    """What has changed since each check ran last, as lists of names, and each part's work then and now."""
    changed = {"new failures": [], "fixed": [], "still failing": [], "ran before, not now": [], "work": {}}
    for row in rows:
        if row.part == report.BUILD and row.status == "pass":
            continue
        key = key_of(row)
        before = known.get(key, {})
        if row.status == "fail":
            changed["still failing" if before.get("status") == "fail" else "new failures"].append(key)
        elif row.status == "pass" and before.get("status") == "fail":
            changed["fixed"].append(key)
        elif row.status == "incomplete" and before.get("status") in ("pass", "fail"):
            changed["ran before, not now"].append(key)
        if row.count and before.get("count"):
            sums = changed["work"].setdefault(row.part, {"before": 0, "now": 0})
            sums["before"] += before["count"]
            sums["now"] += row.count
    return changed


def as_lines(changed):
    """The comparison for people."""
    lines = []
    for title in ("new failures", "fixed", "still failing", "ran before, not now"):
        lines += [f"{title}: {len(changed[title])}"] + [f"  {key}" for key in changed[title]]
    for part, sums in changed["work"].items():
        lines.append(f"work of {part}, same checks: {sums['before']:,} then, {sums['now']:,} now "
                     f"({100 * (sums['now'] - sums['before']) / sums['before']:+.0f} %)")
    return lines
