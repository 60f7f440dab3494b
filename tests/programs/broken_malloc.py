"""Builds malloc libraries with a planted fault: see broken_malloc.c."""
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent / "broken_malloc.c"
FAULTS = ("none", "overlap", "dirty_calloc", "short_realloc", "null", "hang", "crash", "leak", "same")


def compiled(source, library, *options):
    """Compiles C into a shared library and returns its path."""
    command = [os.environ.get("CC", "cc"), "-O1", "-shared", "-fPIC", "-fno-builtin", *options, "-o", str(library)]
    subprocess.run([*command, "-x", "c", "-"] if source is None else [*command, str(source)], check=True, timeout=120,
                   input="int hakmem_exports_no_malloc;" if source is None else None, text=True)
    return library


def build(directory, fault):
    """The path of a library with the fault, in `directory`. The fault "absent" is a library without a malloc."""
    library = pathlib.Path(directory) / f"libbroken_{fault}.so"
    if fault == "absent":
        return compiled(None, library)
    return compiled(SOURCE, library, f"-DFAULT={FAULTS.index(fault)}")
