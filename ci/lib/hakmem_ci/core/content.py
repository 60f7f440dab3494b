"""What a file says apart from its comments, as a short number: it stays when comments, blank lines or the places of
lines change, and changes with the code."""
import hashlib
import json
import re

from hakmem_ci.core import cpp

CPP_ENDINGS = {".hpp", ".cpp", ".h", ".c", ".inc"}
# A string of Python, which may hold a '#'; otherwise a comment to the end of the line.
PYTHON_PART = re.compile(r"('''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|\"(?:\\.|[^\"\\\n])*\")|#[^\n]*", re.DOTALL)
WHOLE_LINE_COMMENT = re.compile(r"^\s*#(?!!).*$", re.MULTILINE)


def short_hash(text):
    """16 hex digits for a text."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def without_blank_lines(text):
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def code_of(path):
    """The text of a file without what only people read."""
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if path.suffix in CPP_ENDINGS:
        return "\0".join(cpp.tokens_of(text))
    if path.suffix == ".json":
        try:
            return json.dumps(json.loads(text), sort_keys=True)
        except ValueError:
            return text
    if path.suffix == ".py":
        return without_blank_lines(PYTHON_PART.sub(lambda part: part[1] or "", text))
    if path.suffix in (".txt", ".cmake", ".sh", ""):
        return without_blank_lines(WHOLE_LINE_COMMENT.sub("", text))
    return text


def digest_of(path):
    """A short number for what a file says."""
    return short_hash(code_of(path))
