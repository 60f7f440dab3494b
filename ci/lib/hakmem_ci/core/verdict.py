"""The three verdicts of every job, and the exit codes that say them."""

PASSED = "PASSED"  # all that was planned ran and holds
FAILED = "FAILED"  # a fault was found, and is shown
INCOMPLETE = "INCOMPLETE"  # something was cut off, is missing or was interrupted: neither green nor a fault
EXIT_CODES = {PASSED: 0, FAILED: 1, INCOMPLETE: 3}
EXIT_WRONG_CALL = 2

STATUSES = ("pass", "fail", "incomplete")  # of a single check
WORDS = dict(zip(STATUSES, (PASSED, FAILED, INCOMPLETE)))


def worst(statuses):
    """The verdict over the statuses of all checks; nothing at all is no success."""
    found = set(statuses)
    if "fail" in found:
        return FAILED
    return PASSED if found == {"pass"} else INCOMPLETE


def of_exit_code(code):
    """The verdict that an exit code says, or None."""
    return {number: word for word, number in EXIT_CODES.items()}.get(code)
