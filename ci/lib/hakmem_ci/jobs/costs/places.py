"""Which operation of the headers an instruction belongs to, by the lines that it comes from."""
import dataclasses
import re

from hakmem_ci.core import cpp
from hakmem_ci.jobs.costs import words

FOLDERS = ("diagnostics", "heap", "layout", "learner", "lockfree", "superslab", "sync", "variants")  # what is audited
POLICY = re.compile(r"src/machine/\w+\.hpp|src/sync/\w*_sync\.hpp|src/sync/sync_concept\.hpp")
CALLED = re.compile(r"\d(load|store|exchange|compare_exchange|fetch_[a-z]+|pause)(?:_weak|_strong)?E")


@dataclasses.dataclass(frozen=True)
class Place:
    """An operation: its name in the audit, its kind, and the lines on which it is written. `counted_as`: the name of the
    first one of its kind on these lines, as lines do not tell them apart."""

    key: str
    kind: str
    operation: str
    lines: tuple
    counted_as: str


def places_of(root):
    """file -> the places in it, of all headers that are audited."""
    found = {}
    for path in sorted(path for folder in FOLDERS for path in (root / "src" / folder).glob("*.hpp")):
        name = path.relative_to(root).as_posix()
        if POLICY.fullmatch(name):
            continue
        found[name] = places_in(path.read_text(encoding="utf-8"), path.relative_to(root / "src").as_posix())
    return found


def places_in(text, file):
    """The places in a text; `file`: its name below the folder of the sources."""
    found, first = [], {}
    for one in cpp.operations_of(text):
        operation, key = one.name.partition("(")[0], one.key(file)
        counted_as = first.setdefault((operation, one.lines), key)
        found.append(Place(key, words.kind_of(one.name), operation, one.lines, counted_as))
    return found


class Finder:
    """Says of instructions which place they belong to."""

    def __init__(self, root, places):
        self.sources = f"{root.as_posix()}/src/"
        self.places = places
        self.met = False  # whether any instruction comes from the sources below `root`

    def origin(self, instruction):
        """(file, line, the function that is called there) of the innermost line that is not one of a policy's or of the
        standard library's; or None."""
        called = None
        for frame in instruction.frames:
            name = f"src/{frame.file.removeprefix(self.sources)}" if frame.file.startswith(self.sources) else ""
            self.met = self.met or bool(name)
            if name and not POLICY.fullmatch(name):
                return name, frame.line, called
            called = CALLED.search(frame.function)
        return None

    def __call__(self, instruction):
        name, line, called = self.origin(instruction) or ("", 0, None)
        if not called:
            return None
        found = [place for place in self.places.get(name, ())
                 if place.operation == called[1] and place.lines[0] <= line <= place.lines[1]]
        return min(found, key=lambda place: place.lines[1] - place.lines[0], default=None)

    def lost(self, machine, function):
        """A line for each atomic instruction in the headers that belongs to no operation. There should be none."""
        for instruction in function:
            origin = self.origin(instruction) if machine.is_atomic(instruction) else None
            if origin and origin[0] in self.places and self(instruction) is None:
                yield f"{origin[0]}:{origin[1]}: {instruction.mnemonic}"
