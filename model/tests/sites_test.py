"""Site coverage: every atomic operation of the shipping headers is met by some suite, or it is said why not."""
import json
import pathlib
import re
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "ci/lib"))
from hakmem_ci.core import cpp

CHECK = ROOT = None

OPERATION = re.compile(r"(?:\.|->)(load|store|exchange|compare_exchange_\w+|fetch_\w+)\(")
ORDER_SOON = 1  # an operation that is broken over lines names its order on the next one


def operations(header):
    """(line, text) of each line with an atomic operation."""
    lines = [line.split("//")[0].strip() for line in header.read_text().splitlines()]
    for i, line in enumerate(lines):
        if OPERATION.search(line) and "memory_order" in " ".join(lines[i:i + 1 + ORDER_SOON]):
            yield i + 1, line


def explained():
    """Names of the operations that no suite reaches, from the reviewed files beside the headers."""
    return [entry["operation"] for path in sorted((ROOT / "src").rglob("*.survivors.json"))
            for entry in json.loads(path.read_text(encoding="utf-8")).get("unreached", [])]


def names(header):
    """The names of a header's operations, "heap/heap.hpp/check/load(relaxed)", in the order of the text."""
    for one in cpp.operations_of(header.read_text(encoding="utf-8")):
        yield one.key(header.relative_to(ROOT / "src"))


def shipping_headers():
    """Headers that use the policy; the policies themselves use the processor's atomics."""
    policies = {ROOT / "src/sync/std_sync.hpp", ROOT / "src/sync/sync_concept.hpp", ROOT / "src/sync/valgrind_sync.hpp"}
    return [path for path in sorted((ROOT / "src").rglob("*.hpp"))
            if path not in policies and path.parent.name not in ("os", "api")]


class Coverage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run([CHECK, "sites"], text=True, capture_output=True, check=True)
        cls.reached = {tuple(line.split()[0].rsplit(":", 1)) for line in done.stdout.splitlines()}

    def is_reached(self, header, line):
        name = str(header.relative_to(ROOT))
        return any((name, str(line + i)) in self.reached for i in range(1 + ORDER_SOON))

    def test_every_operation_is_reached_or_explained(self):
        for header in shipping_headers():
            missing = [f"{header.relative_to(ROOT)}:{line}: {text}" for line, text in operations(header)
                       if not self.is_reached(header, line)]
            known = [name for name in explained() if name.startswith(f"{header.relative_to(ROOT / 'src')}/")]
            self.assertEqual(len(missing), len(known), "\n".join([*missing, *known]))

    def test_every_site_is_an_operation_that_this_test_knows(self):
        known = {(str(header.relative_to(ROOT)), str(line + i)) for header in shipping_headers()
                 for line, _ in operations(header) for i in range(1 + ORDER_SOON)}
        self.assertEqual(self.reached - known, set())
        self.assertGreater(len(self.reached), 40)

    def test_every_explanation_is_needed(self):
        there = {name for header in shipping_headers() for name in names(header)}
        self.assertGreater(len(there), 70)
        self.assertEqual(set(explained()) - there, set())


if __name__ == "__main__":
    CHECK, ROOT = sys.argv.pop(1), pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
