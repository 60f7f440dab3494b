"""What `objdump -d -r -l --inlines` says: instructions, and for each where in the sources it comes from.

Before an instruction stand the function and the line that it comes from, each only where it is another than before, and
every time the calls by which that function has been inlined.
"""
import dataclasses
import re

SYMBOL = re.compile(r"^([0-9a-f]+) <(.+)>:$")
INSTRUCTION = re.compile(r"^\s+([0-9a-f]+):\t(.+)$")
RELOCATION = re.compile(r"^\s+[0-9a-f]+: (R_\w+)\t")
INLINED_BY = re.compile(r"^inlined by (.+):(\d+)(?: \(discriminator \d+\))? \((.+)\)$")
FUNCTION = re.compile(r"^(\S.*)\(\):$")
LINE = re.compile(r"^(\S.*):(\d+)(?: \(discriminator \d+\))?$")
TARGET = re.compile(r"\b([0-9a-f]+) <")


class NoDebugInformation(Exception):
    """The object file does not say from which lines its instructions come."""


@dataclasses.dataclass(frozen=True)
class Frame:
    """A line, and the function that it is in, by the name that the linker knows."""

    file: str
    line: int
    function: str


@dataclasses.dataclass
class Instruction:
    """`frames`: where it comes from, the innermost function first. `relocation`: what the linker puts in, "" if nothing."""

    address: int
    mnemonic: str
    operands: str
    frames: tuple
    relocation: str = ""

    @property
    def target(self):
        """The address that a branch goes to, or None."""
        found = TARGET.search(self.operands)
        return int(found[1], 16) if found else None


def instruction_of(match, frames):
    """An instruction from its line. A prefix belongs to the mnemonic: "lock cmpxchg"."""
    text = re.split(r"\s+(?:#|//) ", match[2].strip())[0]
    words = re.fullmatch(r"((?:lock |rep\w* |bnd |notrack )?\S+)\s*(.*)", text)
    return Instruction(int(match[1], 16), words[1], words[2].strip(), frames)


def functions_of(text):
    """The functions of a disassembly, each a list of instructions. Raises NoDebugInformation where there are some, and no line
    is named."""
    found, inlined, own, name, named = [], [], None, "", False
    for line in text.splitlines():
        if match := INSTRUCTION.match(line):
            frames = (Frame(*own, name), *inlined) if own else ()
            found[-1].append(instruction_of(match, frames))
            inlined = []
        elif match := RELOCATION.match(line):
            found[-1][-1].relocation = match[1]
        elif SYMBOL.match(line):
            found.append([])
        elif match := INLINED_BY.match(line):
            inlined.append(Frame(match[1], int(match[2]), match[3]))
        elif match := FUNCTION.match(line):
            name = match[1]
        elif match := LINE.match(line):
            own, named = (match[1], int(match[2])), True
    if found and not named:
        raise NoDebugInformation()
    return found
