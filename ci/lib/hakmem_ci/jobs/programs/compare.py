"""Two runs of a program, one with the library: are they the same?"""


def first_difference(name, expected, actual):
    """The first line that differs, in words; None if all lines are the same."""
    if expected == actual:
        return None
    before, after = expected.splitlines(), actual.splitlines()
    for number, (old, new) in enumerate(zip(before, after), 1):
        if old != new:
            return f"{name}, line {number}: {new[:160]!r} instead of {old[:160]!r}"
    if len(before) == len(after):
        return f"{name}: line endings differ"
    more, line = ("more", after[len(before)]) if len(after) > len(before) else ("fewer", before[len(after)])
    return f"{name}: {abs(len(after) - len(before))} {more} lines, the first {line[:160]!r}"


def difference(program, reference, preloaded):
    """What the library changed, in words; None if nothing. Only what program.normalise hides may differ."""
    for expected, actual in zip(reference.steps, preloaded.steps):
        if expected.ending != actual.ending:
            last = (actual.err.strip() or actual.out.strip()).splitlines()[-1:]
            return (f"`{actual.command}`: {actual.ending} instead of {expected.ending}" +
                    (f": {last[0][:300]}" if last else ""))
        for name, old, new in (("output", expected.out, actual.out), ("error output", expected.err, actual.err)):
            found = first_difference(f"{name} of `{actual.command}`", program.normalise(old), program.normalise(new))
            if found:
                return found
    if len(reference.steps) != len(preloaded.steps):
        return f"{len(preloaded.steps)} commands ran instead of {len(reference.steps)}"
    for name, expected in reference.artefacts.items():
        if preloaded.artefacts[name] != expected:
            return f"the file {name} differs" if preloaded.artefacts[name] != "missing" else f"the file {name} is missing"
    return None
