"""Where a header can be changed by one place, and to what. Works on clang-formatted code, line by line."""
import dataclasses
import re

SWAPS = (  # operator, its replacement
    (" == ", " != "), (" != ", " == "), (" < ", " <= "), (" <= ", " < "), (" > ", " >= "), (" >= ", " > "),
    (" && ", " || "), (" || ", " && "), (" + 1", ""), (" - 1", ""), (" | ", " & "),
    ("return true;", "return false;"), ("return false;", "return true;"),
)
# No run-time logic: declarations, and what the compiler decides by itself.
NOT_LOGIC = re.compile(r"^\s*(#|template|using|static_assert|requires|///|//|namespace|struct|class|enum|static constexpr "
                       r"|constexpr |typename |explicit )|if constexpr|operator|&&\)|&& \w+\)|assert\(")
STATEMENT = re.compile(r"^\s{4,}((\(void\))?[\w.\[\]*>()-]+\(.*\)|[\w.\[\]>-]+ [|&+-]?= .*|(\+\+|--)\w+);$")
CONDITION = re.compile(r"^(\s*(?:\} else )?(?:if|while) \()(.*)(\)(?: \{| return.*;| continue;| break;|)(?: \[\[\w+\]\])?)$")


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One change of one line. `line` counts from 1."""

    line: int
    old: str
    new: str

    def name(self):
        return name_of(self.old.strip(), self.new.strip())


def name_of(old, new):
    """What people call a change."""
    return f"{old}  =>  {new or '(nothing)'}"


def split_comment(text):
    """The code of a line and the comment behind it."""
    at = text.find("//")
    return (text, "") if at < 0 else (text[:at].rstrip(), text[at:])


def changes_of(code):
    """Every changed form of a line of code."""
    spaced = code + " "  # an operator may end the line
    for old, new in SWAPS:
        at = spaced.find(old)
        while at >= 0:
            yield (spaced[:at] + new + spaced[at + len(old):]).rstrip()
            at = spaced.find(old, at + len(old))
    condition = CONDITION.match(code)
    if condition and " = " not in condition[2]:
        yield f"{condition[1]}false && ({condition[2]}){condition[3]}"
    if STATEMENT.match(code) and not code.lstrip().startswith(("return", "for ", "const ")):
        yield ""


def mutants_of(text):
    """All mutants of a header."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        code, _ = split_comment(line)
        if not code.strip() or NOT_LOGIC.search(code):
            continue
        for changed in dict.fromkeys(changes_of(code)):
            found.append(Mutant(number, code, changed))
    return found


def apply(text, mutant):
    """The header with the mutant in it."""
    lines = text.splitlines()
    lines[mutant.line - 1] = mutant.new
    return "\n".join(lines) + "\n"
