"""Documents: every link leads somewhere, and every command, file and variable that they name exists."""
import re
import string

from hakmem_ci.jobs.lint.commands import Commands
from hakmem_ci.jobs.lint.sources import Found, all_files, with_ending

FENCE = re.compile(r"^\s*(?:```|~~~)")
HEADING = re.compile(r"^#{1,6}\s+(.*?)\s*#*$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)(?:\s+\"[^\"]*\")?\)")
DEFINITION = re.compile(r"^\s{0,3}\[[^\]]+\]:\s+(\S+)")
INLINE = re.compile(r"(`+)(.+?)\1")
INDENTED = re.compile(r"^(?: {4}|\t)\s*(\S.*)$")
LIST_ITEM = re.compile(r"^\s*(?:[*+-]|\d+\.)\s")
ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)


class Line:
    """A line of a document. `code`: it is part of a block of code."""

    def __init__(self, number, text, code):
        self.number, self.text, self.code = number, text, code


def lines_of(text):
    """The lines of a document. An indented line is code unless it goes on a list's item."""
    found, fenced, in_item, before = [], False, False, ""
    for number, line in enumerate(text.splitlines(), 1):
        if FENCE.match(line):
            fenced = not fenced
            continue
        indented = INDENTED.match(line) is not None
        if LIST_ITEM.match(line):
            in_item = True
        elif line.strip() and not line.startswith(" "):
            in_item = False
        # Inside an item, code is indented twice and stands behind an empty line.
        deep = len(line) - len(line.lstrip()) >= 6 and (not before.strip() or found and found[-1].code)
        code = fenced or indented and (deep if in_item else True)
        found.append(Line(number, line, code))
        before = line
    return found


def anchor_of(heading):
    """The anchor that a heading gets: small letters, digits, '-' and '_', with '-' for each space."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    kept = set(string.punctuation) - {"-", "_"}
    return "".join("-" if c == " " else c for c in text if c not in kept and (c.isalnum() or c in " -_"))


def anchors_of(text):
    """All anchors of a document; headings of the same text are numbered."""
    found, seen = set(), {}
    for line in lines_of(text):
        heading = None if line.code else HEADING.match(line.text)
        if heading is None:
            continue
        anchor = anchor_of(heading[1])
        count = seen.get(anchor, 0)
        seen[anchor] = count + 1
        found.add(f"{anchor}-{count}" if count else anchor)
    return found


def without_code(text):
    return INLINE.sub("", text)


class Documents:
    """Looks at one document after the other."""

    def __init__(self, root):
        self.root = root
        self.files = {str(path.relative_to(root)) for path in all_files(root)}
        self.folders = {str(parent) for name in self.files for parent in (root / name).relative_to(root).parents}
        self.anchors = {}
        self.commands = Commands(root, self.files, self.folders)

    def known_anchors(self, path):
        if path not in self.anchors:
            self.anchors[path] = anchors_of(path.read_text(encoding="utf-8"))
        return self.anchors[path]

    def link_fault(self, path, target):
        """What is wrong with a link, or None."""
        if ELSEWHERE.match(target):
            return None
        name, _, anchor = target.partition("#")
        place = (path.parent / name).resolve() if name else path.resolve()
        try:
            shown = str(place.relative_to(self.root.resolve()))
        except ValueError:
            return f"the link {target} leads out of the project"
        if shown not in self.files and shown not in self.folders:
            return f"the link {target} leads nowhere"
        if anchor and place.suffix == ".md" and anchor not in self.known_anchors(place):
            return f"the link {target} leads to a heading that {shown} has not"
        return None

    def faults_of(self, path):
        shown = path.relative_to(self.root)
        for line in lines_of(path.read_text(encoding="utf-8")):
            if line.code:
                found = self.commands.faults_of_line(line.text)
            else:
                targets = [*LINK.findall(without_code(line.text)), *DEFINITION.findall(line.text)]
                found = [fault for fault in (self.link_fault(path, target) for target in targets) if fault]
                found += [fault for _, words in INLINE.findall(line.text) for fault in self.commands.faults_of_words(words)]
            for fault in found:
                yield f"{shown}:{line.number}: {fault}"


def check(root, options):
    documents = Documents(root)
    paths = with_ending(root, ".md")
    return Found(len(paths), [fault for path in paths for fault in documents.faults_of(path)])
