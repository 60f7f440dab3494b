"""How much of a page has to be done anew when some of its inputs have changed.

Each function takes the names of the changed inputs. It returns the words for the page's command and what they stand for, or
nothing when the whole has to be done. SAID_FIRST stands for the first line that the command prints.
"""

MUTANTS = "the audit's mutants"  # inputs of the ledger: which mutants an operation has
LAYOUT = "the ledger's layout"   # and how they are written down
SUITE = "the suite "
SAID_FIRST = "(the first line)"
VERDICTS = "docs/reports/ledger.json"
CONTROLS = "ci/lib/hakmem_ci/jobs/controls/catalogue.py"


def of_ledger(changed):
    """The mutants of headers that have changed. A suite that is another might notice any mutant."""
    if any(name.startswith((SUITE, MUTANTS)) for name in changed):
        return None
    headers = sorted({name.split()[0] for name in changed if name.startswith("src/") and ".survivors.json" not in name})
    patterns = [header.removeprefix("src/") + "/" for header in headers]
    words = ["--kept", VERDICTS, *(["--changed", *patterns] if patterns else [])]
    return words, f"of {len(headers)} headers anew, the others' verdicts stay" if headers else "all verdicts stay"


def of_mutants(_):
    """The rows of files that have changed. The command knows these, as it knows which files have mutants."""
    return ["--changed"], SAID_FIRST


def of_controls(changed):
    """The controls that the page does not have yet, unless what they plant has changed."""
    return (["--new"], "those that the page does not have") if changed == {CONTROLS} else None
