"""One text of a header with many mutants in it: which of them is alive is said when the program starts, so that they
are compiled together. What cannot be written so is left out, and is for the caller to compile by itself."""
import re

VARIABLE = "HAKMEM_MUTANT"  # of the environment: the number of the mutant that is alive; none: the header as it is

# What the compiler evaluates by itself is always as it is, and so is what runs before there is an environment. It is asked
# for when it is first needed: a malloc is called before any constructor has run.
PRELUDE = f"""#pragma once
#include <cstdlib>
#include <type_traits>
#include <unistd.h>
inline int hakmem_mutant_alive = -1;
[[gnu::noinline]] inline bool hakmem_mutant_is(int number) {{
  if (hakmem_mutant_alive < 0 && ::environ != nullptr) {{
    const char* const said = std::getenv("{VARIABLE}");
    hakmem_mutant_alive = said == nullptr ? 0 : std::atoi(said);
  }}
  return hakmem_mutant_alive == number;
}}
constexpr bool hakmem_mutant(int number) {{ return std::is_constant_evaluated() ? false : hakmem_mutant_is(number); }}
"""

BLOCK = re.compile(r"^((?:\} )?(?:else )?(?:if|while) \()(.*)(\)(?: \[\[\w+\]\])?(?: \{|;))$")
LOOP = re.compile(r"^(for \([^;]*; )([^;]*)(;.*)$")
DECLARATION = re.compile(r"^((?!return |else )(?:const |static )*[\w:<>,]+[&*]* \w+ = )(.*)(;)$")
FUNCTION = re.compile(r"^([^;{}]*\)[\w ]* \{ )(.*;)( \})$")
STATEMENT = re.compile(r"^()((?!else\b|case |default|for |do |using |\}).*;)()$")
PAIRS = {")": "(", "]": "[", "}": "{"}


def balanced(text):
    """Whether every bracket of `text` is closed in it."""
    open_ = []
    for sign in text:
        if sign in "([{":
            open_.append(sign)
        elif sign in PAIRS and (not open_ or open_.pop() != PAIRS[sign]):
            return False
    return not open_


def chosen(original, variants):
    """An expression: that of the mutant that is alive."""
    return "".join(f"hakmem_mutant({number}) ? ({text}) : " for number, text in variants) + f"({original})"


def branched(original, variants):
    """A statement: that of the mutant that is alive."""
    return "{ " + "".join(f"if (hakmem_mutant({number})) {{ {text} }} else "
                          for number, text in variants) + f"{{ {original} }} }}"


EVALUATED = re.compile(r"\b(constexpr|consteval)\b")
FORMS = ((BLOCK, chosen), (LOOP, chosen), (DECLARATION, chosen), (FUNCTION, branched), (STATEMENT, branched))


def switched(original, variants):
    """(a statement that is any of several, their numbers), or None. `variants`: [(number, text)]; an empty text is no
    statement. Those that cannot be written so are left out."""
    best = None
    for form, choose in FORMS:
        found = form.match(original)
        if found is None or not balanced(found[2]) or (choose is chosen and re.search(r" = |^$", found[2])):
            continue
        parts = [(number, form.match(text or ";")) for number, text in variants]
        fitting = [(number, part[2]) for number, part in parts if part is not None and part[1] == found[1]
                   and part[3] == found[3] and balanced(part[2])]
        if fitting and (best is None or len(fitting) > len(best[1])):
            best = found[1] + choose(found[2], fitting) + found[3], [number for number, _ in fitting]
    return best


def code_of(line):
    """A line without its comment and its margins."""
    at = line.find("//")
    return (line if at < 0 else line[:at]).strip()


def bounds(lines, index):
    """(first, last) of the lines of the statement that a line belongs to."""
    first = last = index
    while first > 0 and code_of(lines[first - 1]) and not code_of(lines[first - 1]).endswith((";", "{", "}", ":")) \
            and not lines[first - 1].lstrip().startswith("#"):
        first -= 1
    while last + 1 < len(lines) and not code_of(lines[last]).endswith((";", "{", "}")):
        last += 1
    return first, last


def may_be_evaluated(text, line):
    """Whether a line lies in a function or a constant that the compiler may evaluate. `line` counts from 1."""
    lines = text.splitlines()[:line]
    margin = len(lines[-1]) + 1
    for one in reversed(lines):
        indented = len(one) - len(one.lstrip())
        if not code_of(one) or indented >= margin:
            continue
        margin = indented  # what encloses the line begins further left than what it encloses
        if EVALUATED.search(one.replace("if constexpr", "")):
            return True
    return False


def joined(lines, first, last):
    return " ".join(filter(None, (code_of(line) for line in lines[first:last + 1])))


def combine(text, mutants, without=()):
    """(text with mutants in it, line -> numbers of the mutants there). Lines stay where they are. Numbers are the
    places in `mutants`, from 1; statements that begin in one of the lines `without` are left as they are."""
    lines = text.splitlines()
    statements = {}
    for number, mutant in enumerate(mutants, 1):
        place = bounds(lines, mutant.line - 1)
        changed = list(lines)
        changed[mutant.line - 1] = mutant.new
        statements.setdefault(place, []).append((number, joined(changed, *place)))
    contained = {}
    for (first, last), variants in statements.items():
        if first + 1 in without:
            continue
        new = switched(joined(lines, first, last), variants)
        if new is None:
            continue
        lines[first:last + 1] = [new[0]] + [""] * (last - first)
        contained[first + 1] = new[1]
    return "\n".join(lines) + "\n", contained
