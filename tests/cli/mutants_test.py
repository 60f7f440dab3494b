"""ci/mutants: where a header is changed and where not, and which verdicts are red."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "ci/lib"))
from hakmem_mutants import cli, operators  # noqa: E402
from hakmem_verify.process import Stop  # noqa: E402

HEADER = """#pragma once
template <class T>
struct Box {
  /// At most four.
  bool put(int n) {
    if (n > 4) return false;  // full
    add(n + 1);
    return true;
  }
    static_assert(1 < 2);
  int held = 0;
};
"""


def changes(line):
    return [mutant.new.strip() for mutant in operators.mutants_of(line)]


class Operators(unittest.TestCase):
    def test_every_kind_of_change_is_made(self):
        self.assertIn("if (n >= 4) return false;", changes("    if (n > 4) return false;"))
        self.assertIn("if (n > 4) return true;", changes("    if (n > 4) return false;"))
        self.assertIn("if (false && (n > 4)) return false;", changes("    if (n > 4) return false;"))
        self.assertIn("add(n);", changes("    add(n + 1);"))
        self.assertIn("", changes("    add(n + 1);"))
        self.assertIn("a || b;", changes("    a && b;"))

    def test_declarations_comments_and_what_the_compiler_decides_stay(self):
        for line in ("#if A == B", "/// n == 4", "template <class T>", "    static_assert(1 < 2);",
                     "  static constexpr int k = n + 1;", "    if constexpr (a == b) return true;"):
            self.assertEqual(changes(line), [], line)

    def test_only_the_line_changes(self):
        mutant = next(m for m in operators.mutants_of(HEADER) if "n >= 4" in m.new)
        before, after = HEADER.splitlines(), operators.apply(HEADER, mutant).splitlines()
        self.assertEqual([i + 1 for i, pair in enumerate(zip(before, after)) if pair[0] != pair[1]], [mutant.line])


class Judgement(unittest.TestCase):
    MUTANT = operators.Mutant(6, "    if (a) b();", "")
    KEY = ("if (a) b();", "")

    def problems(self, verdict, reasons):
        return cli.problems_of("x.hpp", [cli.Verdict(self.MUTANT, verdict)], reasons)

    def test_what_lives_needs_a_reason_and_a_reason_needs_what_lives(self):
        self.assertEqual(self.problems("killed", {}), [])
        self.assertEqual(self.problems("survived", {self.KEY: "why"}), [])
        self.assertIn("survived without an explanation", self.problems("survived", {})[0])
        self.assertIn("timeout without an explanation", self.problems("timeout", {})[0])
        self.assertIn("was not run", self.problems("not run", {self.KEY: "why"})[0])
        self.assertIn("no such mutant lives", self.problems("killed", {self.KEY: "why"})[0])

    def test_stage_judges_by_compiler_exit_code_and_time(self):
        with tempfile.TemporaryDirectory() as folder:
            work = pathlib.Path(folder)
            bench = cli.Bench(ROOT, work, Stop())
            for name, code, ending in (("ok", "int main() {}", "passed"), ("red", "int main() { return 1; }", "killed"),
                                       ("bad", "int main() { x; }", "does not compile")):
                source = work / f"{name}.cpp"
                source.write_text(code, encoding="utf-8")
                self.assertEqual(bench.run_stage(name, cli.Stage("unit", (source,), (), ()), work), ending)


class Program(unittest.TestCase):
    def test_wrong_calls_end_with_usage_and_2(self):
        for words in (["no/such/header"], ["--jobs", "0"], ["--unknown"]):
            done = subprocess.run([ROOT / "ci/mutants", *words], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage: ci/mutants", done.stderr)


if __name__ == "__main__":
    unittest.main()
