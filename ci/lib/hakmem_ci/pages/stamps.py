"""What each page was made from, beside the pages: docs/reports/inputs.json."""
import datetime
import hashlib
import json
import subprocess

from hakmem_ci.core.report import write_atomically
from hakmem_ci.pages import inputs
from hakmem_ci.pages.catalogue import BY_NAME, FOLDER

FILE = f"{FOLDER}/inputs.json"
LEDGER = "ledger"
SHOWN = 3  # reasons named for a page


class Damaged(Exception):
    """The file of stamps cannot be read."""


def read(root):
    """Page -> {"page": number of its content, "inputs": {name: number}}; nothing when there is no file yet."""
    path = root / FILE
    if not path.is_file():
        return {}
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        for stamp in known.values():
            stamp["page"], dict(stamp["inputs"])
    except (OSError, ValueError, AttributeError, KeyError, TypeError) as error:
        raise Damaged(f"{FILE} cannot be read: {error}") from error
    return known


def content_of(root, page):
    """A number for the page as it lies there, with its pictures."""
    number = hashlib.sha256()
    for path in page.files(root):
        number.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return number.hexdigest()[:16]


def record(root, name, made_from=None):
    """Notes that the page has just been written. `made_from`: its inputs when that began; those of now if not given."""
    page, known = BY_NAME[name], read(root)
    known[name] = {"page": content_of(root, page), "inputs": made_from or inputs.digests_of(root, page.inputs)}
    write_atomically(root / FILE, json.dumps(known, indent=1, sort_keys=True) + "\n")


def date_line(root):
    """Says what a measured page was measured on."""
    answer = subprocess.run(["git", "rev-parse", "--short=9", "HEAD"], cwd=root, text=True, capture_output=True, check=False)
    commit = f" at commit {answer.stdout.strip()}" if answer.returncode == 0 else ""
    return f"\nMeasured on {datetime.date.today().isoformat()}{commit}.\n"


def publish(root, name, text, made_from=None):
    """Writes a page that is one text, and notes what it was made from, as `record` does."""
    page = BY_NAME[name]
    write_atomically(root / page.path, text + (date_line(root) if page.measured else ""))
    record(root, name, made_from)


def renewal_of(root, page):
    """The words by which the page's command does no more than what has changed asks for, and what they stand for; two
    times nothing where all of it has to be done."""
    whole, known = ([], ""), read(root)
    if page.renew is None or why_not_as_written(root, page, known):
        return whole
    before, now = known[page.name]["inputs"], inputs.digests_of(root, page.inputs)
    return page.renew({name for name in before.keys() | now.keys() if before.get(name) != now.get(name)}) or whole


def why_not_as_written(root, page, known):
    """Why a page is not what was written last; empty when it is, whatever has become of its inputs."""
    if not (root / page.path).is_file():
        return "is not there"
    stamp = known.get(page.name)
    if stamp is None:
        return "nobody has noted what it was made from"
    if stamp["page"] != content_of(root, page):
        return "is not what was written last: edited by hand, or written by its program alone"
    return ""


def why_owed(root, page, known):
    """Why a page is owed; empty when it says what there is."""
    why = why_not_as_written(root, page, known)
    if why:
        return why
    reasons = inputs.differences(known[page.name]["inputs"], inputs.digests_of(root, page.inputs))
    if page.name == LEDGER:
        reasons += inputs.reasons_gone(root, (root / page.path).read_text(encoding="utf-8"))
    more = f", and {len(reasons) - SHOWN} more" if len(reasons) > SHOWN else ""
    return ", ".join(reasons[:SHOWN]) + more
