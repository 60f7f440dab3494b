"""Inputs of a page: what it depends on, as names with short numbers that change when the page is owed again.

Comments, blank lines and the places of functions are no input of any page.
"""
import collections
import re

from hakmem_ci.core import cpp
from hakmem_ci.core.content import digest_of, short_hash

SUITE = "Suite"


def files(root, patterns):
    """The files below `root` that match any of the patterns, each once."""
    return sorted({path for pattern in patterns for path in root.glob(pattern) if path.is_file()})


class Code:
    """Whole files without their comments."""

    def __init__(self, *patterns):
        self.patterns = patterns

    def digests(self, root):
        return {str(path.relative_to(root)): digest_of(path) for path in files(root, self.patterns)}


def without_namespaces(tokens):
    """The tokens without the openings of namespaces: what something belongs to is no part of what it does."""
    text = "\0".join(tokens)
    return re.sub(r"namespace(\0[A-Za-z_]\w*|\0:)*\0\{", "", text).split("\0")


class Functions:
    """Functions of C++ files, each by itself; where it stands says nothing. Those with an atomic operation or a back-off
    alone, or `every` one, together with the code between them. With a name for the whole, `called`, neither the files'
    places nor their namespaces say anything."""

    def __init__(self, *patterns, every=False, called=""):
        self.patterns, self.every, self.called = patterns, every, called

    def digests(self, root):
        found = {}
        for path in files(root, self.patterns):
            texts = collections.defaultdict(list)
            for piece in cpp.pieces_of(path.read_text(encoding="utf-8")):
                if self.every or piece.name and cpp.operations_in(piece.tokens):
                    tokens = without_namespaces(piece.tokens) if self.called else piece.tokens
                    texts[piece.name].append("\0".join(tokens))
            for name, bodies in texts.items():
                whose = self.called or path.relative_to(root)
                found[f"{whose} {name}".rstrip()] = short_hash("\1".join(sorted(bodies)))
        return found


def statements_from(tokens, first):
    """Each run of tokens that begins with the word `first` and ends where its parentheses or braces do."""
    for at, token in enumerate(tokens):
        if token != first or tokens[at + 1:at + 4] != (":", ":", "of"):
            continue
        depth = 0
        for end in range(at, len(tokens)):
            depth += (tokens[end] in "([{") - (tokens[end] in ")]}")
            if depth < 0 or depth == 0 and tokens[end] in (",", ";"):
                yield tokens[at:end]
                break


def without_call(tokens, name):
    """The tokens without a call of the member `name`."""
    kept, at = [], 0
    while at < len(tokens):
        if tokens[at] == "." and tokens[at + 1:at + 3] == (name, "("):
            depth, at = 1, at + 3
            while depth:
                depth += (tokens[at] == "(") - (tokens[at] == ")")
                at += 1
            continue
        kept.append(tokens[at])
        at += 1
    return kept


class Suites:
    """The suites of the model checker as they are declared: names, what they prove, the searches of the quick tier, the
    broken variants. What a suite's program does inside is no input, nor the searches of the thorough tier."""

    def __init__(self, *patterns):
        self.patterns = patterns

    def digests(self, root):
        found = {}
        for path in files(root, self.patterns):
            for statement in statements_from(cpp.tokens_of(path.read_text(encoding="utf-8")), SUITE):
                name = next((token for token in statement if token.startswith('"')), '"?"').strip('"')
                found[f"the suite {name}"] = short_hash("\0".join(without_call(statement, "thorough")))
        return found


def digests_of(root, inputs):
    """All inputs of a page: name -> number."""
    return {name: number for one in inputs for name, number in one.digests(root).items()}


def differences(before, now):
    """What has become of the inputs since, a few words each."""
    words = [f"{name} has changed" for name in sorted(before.keys() & now.keys()) if before[name] != now[name]]
    words += [f"{name} is new" for name in sorted(now.keys() - before.keys())]
    return words + [f"{name} is gone" for name in sorted(before.keys() - now.keys())]


def reasons_gone(root, page):
    """Rows of the ledger whose reason is no comment of their header any more."""
    gone, header, known, column = [], None, "", None
    for line in page.splitlines():
        if line.startswith("## "):
            path = root / line[3:].strip()
            header, column = line[3:].strip() if path.is_file() else None, None
            known = set(cpp.comments_of(path.read_text(encoding="utf-8"))) if header else set()
            continue
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        if cells[:1] == ["operation"]:
            column = cells.index("why") if "why" in cells else None
        if header is None or column is None or len(cells) <= column or cells[0] == "operation" or cells[0].startswith("---"):
            continue
        why = re.sub(r"\\([|<*_])", r"\1", cells[column])
        if why and why not in known:
            name = cells[0].replace("\\", "")
            gone.append(f"the comment of {name} in {header} has changed")
    return gone
