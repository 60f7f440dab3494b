"""Rows of ci/verify that also say which item of the plan they belong to and how much work they did, as a number."""
import dataclasses
import re

from hakmem_ci.core import report

COUNTED = re.compile(r"([\d,]+) (?:executions|operations|mutants|runs|tests|programs)")


@dataclasses.dataclass
class ItemRow(report.Row):
    """`count` is the number in `work`, 0 without one."""

    item: str = ""
    count: int = 0


def of_item(row, item):
    """A row of a part, as a row of an item."""
    found = COUNTED.search(row.work)
    return ItemRow(**{field.name: getattr(row, field.name) for field in dataclasses.fields(report.Row)}, item=item, count=int(found[1].replace(",", "")) if found else 0)
