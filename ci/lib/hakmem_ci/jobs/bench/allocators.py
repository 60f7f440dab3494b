"""The allocators that are compared, and where their libraries are."""
import dataclasses
import os
import pathlib

HAKMEM, GLIBC = "hakmem", "glibc"
PEER_FILES = {"jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2", "tcmalloc": "libtcmalloc_minimal.so.4"}
FOLDERS = ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/local/lib")


@dataclasses.dataclass(frozen=True)
class Allocator:
    """`library` is preloaded; None stands for the malloc of the C library."""

    name: str
    library: pathlib.Path = None

    def objection(self, provider):
        """Why a run whose malloc came from the file `provider` does not count; None if it does."""
        if self.library is None:
            return None if "libc.so" in provider or "libc-" in provider else f"ran with {provider}, not the C library"
        wanted = os.path.realpath(self.library)
        return None if provider == wanted else f"ran with {provider or 'an unknown malloc'}, not with {wanted}"


def find(name):
    """The library of a peer, or None if it is not installed."""
    for folder in FOLDERS:
        path = pathlib.Path(folder) / PEER_FILES[name]
        if path.is_file():
            return path
    return None
