"""The machines of the columns, and how the library is compiled for each of them."""
import dataclasses
import struct

from hakmem_ci.jobs.costs import words

# As cmake/HakmemLibraries.cmake compiles the library in the preset 'release'; a test compares. Objdump follows functions
# that clang has inlined only by debug information of version 4.
FLAGS = ("-std=c++20", "-O2", "-DNDEBUG", "-gdwarf-4", "-fno-exceptions", "-fno-rtti", "-ftls-model=initial-exec",
         "-fno-builtin-malloc", "-fno-builtin-calloc", "-fno-builtin-realloc", "-fno-builtin-free",
         "-fPIC", "-fvisibility=hidden", "-fvisibility-inlines-hidden")
VARIANTS = {"": (), "hardened": ("-DHAKMEM_HARDENED=1",)}  # the guards are in the hardened library alone
OTHER_FLAGS = {"new_delete": ("-fexceptions",)}  # of a source


@dataclasses.dataclass(frozen=True)
class Machine:
    """`elf`: its number in object files; `install`: the option of ci/setup that brings its compiler."""

    name: str
    says: str
    compiler: str
    flags: tuple
    objdump: tuple
    elf: int
    install: str
    instructions: object = dataclasses.field(compare=False)

    def compile(self, root, source, output, extra=()):
        """The command that compiles a source."""
        includes = (f"-I{root}/src", f"-I{root}/include")
        return [self.compiler, *self.flags, *FLAGS, *extra, *includes, "-c", str(source), "-o", str(output)]

    def disassemble(self, file):
        """The command that prints what `disassembly` reads."""
        return [*self.objdump, "-d", "-r", "-l", "--inlines", "--no-show-raw-insn", str(file)]


X86_64, AARCH64 = 62, 183
ARM64_OBJDUMP = ("aarch64-linux-gnu-objdump",)
MACHINES = (
    Machine("x86-64", "every processor of this kind", "x86_64-linux-gnu-g++", (),
            ("x86_64-linux-gnu-objdump", "-M", "intel"), X86_64, "", words.X86()),
    Machine("ARM64 v8.0", "`-march=armv8-a`: a step is two halves and a try again (LL/SC)", "aarch64-linux-gnu-g++",
            ("-march=armv8-a", "-mno-outline-atomics"), ARM64_OBJDUMP, AARCH64, "--cross", words.Arm64()),
    # Debian 12's g++ knows of no ldapr.
    Machine("ARM64 v8.3", "`-march=armv8.3-a`: steps in one instruction (LSE), and acquire loads that wait for less (RCpc)",
            "clang++-19", ("--target=aarch64-linux-gnu", "-march=armv8.3-a"), ARM64_OBJDUMP, AARCH64, "--cross", words.Arm64()),
)


class Unreadable(Exception):
    """A file that is no object file of a machine that is known."""


def machine_of(path):
    """The first machine whose instructions an object file has. Raises Unreadable with why not."""
    try:
        with open(path, "rb") as file:
            head = file.read(20)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    if len(head) < 20 or head[:4] != b"\x7fELF":
        raise Unreadable(f"{path} is no object file")
    number = struct.unpack("<H", head[18:20])[0]
    for machine in MACHINES:
        if machine.elf == number:
            return machine
    names = ", ".join(one.name for one in MACHINES)
    raise Unreadable(f"{path} is of a machine that is not known here; those that are: {names}")
