"""C++ as far as the jobs read it: tokens without comments, functions, and the atomic operations in them.

It knows no grammar. It follows braces, which is enough for code that clang-format has laid out. What it has read is kept:
several pages depend on the same files.
"""
import collections
import dataclasses
import functools
import re

TOKEN = re.compile(r"""
    (?P<gap> \s+ | //[^\n]* | /\*.*?\*/ )
    | (?:u8|[uUL])?R"(?P<mark>[^()\s\\]*)\(.*?\)(?P=mark)"
    | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*"
    | '(?:\\.|[^'\\\n])+'
    | [A-Za-z_]\w*
    | \.?\d(?:'?[\w.])*
    | \#[^\n]*(?<=\\)(?:\n[^\n]*(?<=\\))*\n[^\n]* | \#[^\n]*
    | .""", re.DOTALL | re.VERBOSE)
OPERATIONS = re.compile(r"load|store|exchange|compare_exchange_(?:weak|strong)|fetch_\w+")
INCLUDE = re.compile(r"#\s*include\b")
BEHIND_DIRECTIVE = re.compile(r"\s*(?://.*|/\*.*?\*/)|\\\n")
SCOPES = {"class", "struct", "union", "enum", "namespace"}
NO_NAMES = {"requires", "decltype", "noexcept", "alignas", "explicit", "gnu", "sizeof", "if", "for", "while", "switch"}


@functools.lru_cache(maxsize=None)
def tokens_of(text):
    """The tokens of a text; comments, space and includes are none. A directive of the preprocessor is one."""
    found = []
    for match in TOKEN.finditer(text):
        token = match[0].strip()
        if match["gap"] is not None or INCLUDE.match(token):
            continue
        found.append(BEHIND_DIRECTIVE.sub("", token) if token.startswith("#") else token)
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class Piece:
    """A function with its head, or what stands between functions (without a name)."""

    name: str
    tokens: tuple


def name_in(head, last):
    """The function that a brace behind the tokens `head` opens, or None for a class, a namespace or a value. `last`: the
    function that was closed just before, of which this may be the rest of a list of initialisers."""
    if last and (not head or head[0] == ","):
        return last
    angle = 0
    for i, token in enumerate(head):
        angle += (token == "<") - (token == ">")
        if token == "(":
            break
        if token in SCOPES and angle <= 0:
            return None
    for i, token in enumerate(head[:-1]):
        if token == "operator":
            return "operator" + head[i + 1]
        if head[i + 1] == "(" and re.fullmatch(r"\w+", token) and token not in NO_NAMES:
            return token
    return None


@functools.lru_cache(maxsize=None)
def pieces_of(text):
    """The text as functions and what is between them, in its order."""
    pieces, between, head, body = [], [], [], []
    depth, name, last, parameters = 0, None, None, 0
    for token in tokens_of(text):
        if name is not None:
            body.append(token)
            depth += (token == "{") - (token == "}")
            if depth == 0:
                pieces.append(Piece(name, tuple(body)))
                name, last, head, body = None, name, [], []
            continue
        parameters += (token == "(") - (token == ")")
        if token == "{" and parameters <= 0:
            name = name_in(head, last)
            if name is None:
                between += [*head, token]
                head = []
            else:
                body, depth = [*head, token], 1
        elif token in ("}", ";") and parameters <= 0 or token.startswith("#"):
            between += [*head, token]
            head, last = [], None
        else:
            head.append(token)
    return (*pieces, Piece("", (*between, *head, *body)))


@dataclasses.dataclass(frozen=True)
class Operation:
    """An atomic operation in a text. `name`: "compare_exchange(acq_rel,relaxed)"; `occurrence`: 1 = the first of several
    that a function has of this name, 0 = it is alone."""

    function: str
    name: str
    occurrence: int


def call_at(tokens, at):
    """The tokens of the call that opens at `at`, without those of calls in its arguments."""
    own, depth = [], 0
    for token in tokens[at:]:
        if token == ")":
            depth -= 1
            if depth == 0:
                break
        if depth == 1:
            own.append(token)
        if token == "(":
            depth += 1
    return own


def operations_in(tokens):
    """Names of the atomic operations among the tokens of a function, in order."""
    found = []
    for i in range(1, len(tokens) - 1):
        if tokens[i - 1] not in (".", ">") or tokens[i + 1] != "(" or not OPERATIONS.fullmatch(tokens[i]):
            continue
        orders = [token.removeprefix("memory_order_") for token in call_at(tokens, i + 1)
                  if token.startswith("memory_order_")]
        if orders:
            name = "compare_exchange" if tokens[i].startswith("compare_exchange") else tokens[i]
            found.append(f"{name}({','.join(orders)})")
    return found


def operations_of(text):
    """Every atomic operation of a text."""
    found = [(piece.name, name) for piece in pieces_of(text) for name in operations_in(piece.tokens)]
    total, seen, operations = collections.Counter(found), collections.Counter(), []
    for key in found:
        seen[key] += 1
        operations.append(Operation(*key, seen[key] if total[key] > 1 else 0))
    return operations


def comments_of(text):
    """Each comment of a text as one line; lines that follow each other are one comment."""
    found, block = [], []
    for line in [*text.splitlines(), ""]:
        if line.strip().startswith("//"):
            words = line.strip().lstrip("/ ")
            block += [words] if words else []
        elif block:
            found.append(" ".join(block))
            block = []
    return found
