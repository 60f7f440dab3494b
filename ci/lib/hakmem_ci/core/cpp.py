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
BACK_OFF = ("Sync", ":", ":", "pause")
NO_NAMES = {"requires", "decltype", "noexcept", "alignas", "explicit", "gnu", "sizeof", "if", "for", "while", "switch"}


class Token(str):
    """A token, which knows the `line` that it begins on."""

    line = 0


@functools.lru_cache(maxsize=None)
def tokens_of(text):
    """The tokens of a text; comments, space and includes are none. A directive of the preprocessor is one."""
    found, line, counted = [], 1, 0
    for match in TOKEN.finditer(text):
        token = match[0].strip()
        if match["gap"] is not None or INCLUDE.match(token):
            continue
        line, counted = line + text.count("\n", counted, match.start()), match.start()
        found.append(Token(BEHIND_DIRECTIVE.sub("", token) if token.startswith("#") else token))
        found[-1].line = line
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
    """An atomic operation in a text, or the back-off of a retry loop. `name`: "compare_exchange(acq_rel,relaxed)", "pause";
    `occurrence`: 1 = the first of several that a function has of this name, 0 = it is alone; `lines`: the first and the last
    one, which say nothing of what it is."""

    function: str
    name: str
    occurrence: int
    lines: tuple = dataclasses.field(default=(0, 0), compare=False)

    def key(self, file):
        """What the audit calls it; `file`: below the folder of the sources."""
        return f"{file}/{self.function}/{self.name}" + (f"#{self.occurrence}" if self.occurrence else "")


def end_of_call(tokens, at):
    """The place of the parenthesis that closes what opens at `at`."""
    depth = 0
    for end in range(at, len(tokens)):
        depth += (tokens[end] == "(") - (tokens[end] == ")")
        if depth == 0:
            return end
    return len(tokens) - 1


def call_at(tokens, at):
    """The tokens of the call that opens at `at`, without those of calls in its arguments."""
    own, depth = [], 0
    for token in tokens[at:end_of_call(tokens, at)]:
        if token == ")":
            depth -= 1
        if depth == 1:
            own.append(token)
        if token == "(":
            depth += 1
    return own


def name_at(tokens, i):
    """The name of the atomic operation, or of the back-off, whose call's name stands at `i`; or None."""
    if tokens[i + 1] != "(":
        return None
    if tokens[i - 3:i + 1] == BACK_OFF:
        return "pause"
    if tokens[i - 1] not in (".", ">") or not OPERATIONS.fullmatch(tokens[i]):
        return None
    orders = [token.removeprefix("memory_order_") for token in call_at(tokens, i + 1) if token.startswith("memory_order_")]
    name = "compare_exchange" if tokens[i].startswith("compare_exchange") else tokens[i]
    return f"{name}({','.join(orders)})" if orders else None


def operations_in(tokens):
    """(name, lines) of the atomic operations and back-offs among the tokens of a function, in order."""
    found = [(name_at(tokens, i), i) for i in range(1, len(tokens) - 1)]
    return [(name, (tokens[i].line, tokens[end_of_call(tokens, i + 1)].line)) for name, i in found if name is not None]


def operations_of(text):
    """Every atomic operation and every back-off of a text."""
    found = [((piece.name, name), lines) for piece in pieces_of(text) for name, lines in operations_in(piece.tokens)]
    total, seen, operations = collections.Counter(key for key, _ in found), collections.Counter(), []
    for key, lines in found:
        seen[key] += 1
        operations.append(Operation(*key, seen[key] if total[key] > 1 else 0, lines))
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
