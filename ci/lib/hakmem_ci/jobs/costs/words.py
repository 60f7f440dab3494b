"""Which of the instructions that an atomic operation has left are the operation itself.

Beside it, its lines have left operands that are fetched, comparisons, addresses. What counts is told by the kind of the
operation: a load reads, a store writes, the others are what the machine does in one step, or tries until it has.
"""
import re

LOAD, STORE, STEP, PAUSE = "load", "store", "step", "pause"
NEAR = 4  # instructions behind a store that says whether it was made, among which is the branch that tries again


def kind_of(name):
    """The kind of an operation by its name, "fetch_or(release)"."""
    word = name.partition("(")[0]
    return word if word in (LOAD, STORE, PAUSE) else STEP


def fetches_an_operand(instruction):
    """Whether it fetches an address from the linker's tables, or something from the stack: never an atomic of the heap."""
    stack = r"\[(?:sp|rsp)\b"
    return "GOT" in instruction.relocation or "TLS" in instruction.relocation or bool(re.search(stack, instruction.operands))


class X86:
    """x86-64, in the syntax of Intel."""

    FENCE = re.compile(r"[lsm]fence")

    @staticmethod
    def is_atomic(instruction):
        """Whether nothing but an atomic operation becomes such an instruction."""
        return instruction.mnemonic.startswith("lock ") or instruction.mnemonic == "xchg" and "[" in instruction.operands

    def matches(self, kind, instruction):
        """Whether an instruction is one of this kind by itself."""
        first, _, second = instruction.operands.partition(",")
        if kind == PAUSE:
            return instruction.mnemonic == "pause"
        if kind == STEP or self.is_atomic(instruction):
            return self.is_atomic(instruction) and kind in (STEP, STORE)
        if instruction.mnemonic == "lea" or fetches_an_operand(instruction):
            return False
        return "[" in (second if kind == LOAD else first)

    @staticmethod
    def begins(_):
        """Whether an instruction is the first half of a step: this machine has none in halves."""
        return False

    ends = begins

    @staticmethod
    def word(instruction):
        """What an instruction is called."""
        return instruction.mnemonic


class Arm64:
    """ARM64."""

    LOADS = re.compile(r"ld(?:u?r|ar|apu?r)(?:s?[bhw])?")
    STORES = re.compile(r"st(?:u?r|lu?r)[bh]?")
    STEPS = re.compile(r"(?:casp?|swp|(?:ld|st)(?:add|clr|set|eor|[su](?:max|min)))(?:a|l|al)?[bh]?")
    BEGINS = re.compile(r"lda?xr[bh]?")
    ENDS = re.compile(r"stl?xr[bh]?")
    ORDERED = re.compile(r"(?:ldar|ldapu?r|stlu?r)(?:s?[bhw])?")
    HINTS = {"isb", "yield", "wfe"}
    FENCE = re.compile(r"dmb")

    def is_atomic(self, instruction):
        """Whether nothing but an atomic operation becomes such an instruction."""
        return any(pattern.fullmatch(instruction.mnemonic) for pattern in (self.STEPS, self.BEGINS, self.ENDS, self.ORDERED))

    def matches(self, kind, instruction):
        """Whether an instruction is one of this kind by itself."""
        if kind == PAUSE:
            return instruction.mnemonic in self.HINTS
        if self.STEPS.fullmatch(instruction.mnemonic):
            return kind in (STEP, STORE)
        pattern = {LOAD: self.LOADS, STORE: self.STORES}.get(kind)
        return (pattern is not None and bool(pattern.fullmatch(instruction.mnemonic)) and "[" in instruction.operands
                and not fetches_an_operand(instruction))

    def word(self, instruction):
        """What an instruction is called: the same for all distances from its address, some of which have a name of their own."""
        plain = re.sub(r"^(ld|st|stl|ldap)ur", r"\1r", instruction.mnemonic)
        return plain if self.LOADS.fullmatch(plain) or self.STORES.fullmatch(plain) else instruction.mnemonic

    def begins(self, instruction):
        """Whether an instruction is the first half of a step: it reads, and watches what it has read."""
        return bool(self.BEGINS.fullmatch(instruction.mnemonic))

    def ends(self, instruction):
        """Whether it is the second half: it writes if nobody else has written meanwhile."""
        return bool(self.ENDS.fullmatch(instruction.mnemonic))


def step_in_halves(machine, function, at, place_of):
    """The step whose first half stands at `at`: both halves, and the branch that tries again if there is one."""
    first = function[at]
    for end in range(at + 1, len(function)):
        if machine.begins(function[end]) and place_of(function[end]) == place_of(first):
            break
        if not machine.ends(function[end]) or place_of(function[end]) != place_of(first):
            continue
        again = [one.mnemonic for one in function[end + 1:end + 1 + NEAR] if one.target == first.address]
        return ", ".join([first.mnemonic, function[end].mnemonic, *again[:1]])
    return first.mnemonic


def words_in(machine, function, place_of):
    """(place, word) of each copy of an atomic operation in a function. `place_of` says of an instruction what its
    operation is: something with a `kind`, or None."""
    for at, instruction in enumerate(function):
        place = place_of(instruction)
        if place is None:
            continue
        if place.kind == STEP and machine.begins(instruction):
            yield place, step_in_halves(machine, function, at, place_of)
        elif machine.matches(place.kind, instruction):
            yield place, machine.word(instruction)
        elif machine.FENCE.fullmatch(instruction.mnemonic):
            yield place, f"{instruction.mnemonic} {instruction.operands}".strip()
