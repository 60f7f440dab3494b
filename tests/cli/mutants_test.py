"""ci/mutants: where a header is changed and where not, and which verdicts are red."""
import contextlib
import io
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[2]
from hakmem_ci.jobs.mutants import bench, cli, library, operators, page, switches
from hakmem_ci.core.process import Stop

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
        self.assertIn("return a ||", changes("    return a &&"))

    def test_declarations_comments_and_what_the_compiler_decides_stay(self):
        for line in ("#if A == B", "/// n == 4", "template <class T>", "    static_assert(1 < 2);",
                     "  static constexpr int k = n + 1;", "    if constexpr (a == b) return true;"):
            self.assertEqual(changes(line), [], line)

    def test_only_the_line_changes(self):
        mutant = next(m for m in operators.mutants_of(HEADER) if "n >= 4" in m.new)
        before, after = HEADER.splitlines(), operators.apply(HEADER, mutant).splitlines()
        self.assertEqual([i + 1 for i, pair in enumerate(zip(before, after)) if pair[0] != pair[1]], [mutant.line])


class Interrupted(unittest.TestCase):
    def test_no_header_is_looked_at_any_more(self):
        stopped, rows = mock.Mock(), []
        stopped.runner.stop.is_set.return_value, stopped.seconds = True, 0.0
        with contextlib.redirect_stdout(io.StringIO()):
            found = cli.audit_all(ROOT, [ROOT / "src/heap/heap.hpp", ROOT / "src/heap/direct.hpp"], 1, stopped, rows.append)
        self.assertEqual([(row.status, row.message) for row in rows], [("incomplete", "interrupted")] * 2)
        self.assertEqual([verdicts for verdicts, _ in found.values()], [[], []])
        stopped.plan.assert_not_called()
        stopped.judge.assert_not_called()


class Switches(unittest.TestCase):
    """Many mutants in one text, which is told at its start which of them is alive."""

    def combined(self, text):
        return switches.combine(text, operators.mutants_of(text))

    def test_every_kind_of_statement_is_any_of_its_mutants(self):
        for text, expected in (
                ("  if (n > 4) {\n    add(n);\n  }\n",
                 "if (hakmem_mutant(1) ? (n >= 4) : hakmem_mutant(2) ? (false && (n > 4)) : (n > 4)) {"),
                ("  for (int i = 0; i < n; ++i) {\n  }\n",
                 "for (int i = 0; hakmem_mutant(1) ? (i <= n) : (i < n); ++i) {"),
                ("  const int m = n + 1;\n", "const int m = hakmem_mutant(1) ? (n) : (n + 1);"),
                ("  bool full() { return n == 4; }\n",
                 "bool full() { { if (hakmem_mutant(1)) { return n != 4; } else { return n == 4; } } }"),
                ("    add(n);\n", "{ if (hakmem_mutant(1)) { ; } else { add(n); } }")):
            self.assertEqual(self.combined(text)[0].splitlines()[0], expected)

    def test_statements_of_several_lines_are_taken_whole_and_lines_stay_in_place(self):
        text, contained = self.combined("  f();\n  return a &&\n         b < c;\n  // end\n")
        self.assertEqual(text.splitlines()[1], "{ if (hakmem_mutant(1)) { return a || b < c; } else if (hakmem_mutant(2)) "
                                               "{ return a && b <= c; } else { return a && b < c; } }")
        self.assertEqual((text.splitlines()[2:], contained), (["", "  // end"], {2: [1, 2]}))

    def test_of_a_statement_those_are_left_out_that_cannot_be_written_so(self):
        text, contained = self.combined("  for (int i = n + 1; i < m; ++i) {\n  }\n")
        self.assertEqual((text.splitlines()[0], contained),
                         ("for (int i = n + 1; hakmem_mutant(1) ? (i <= m) : (i < m); ++i) {", {1: [1]}))

    def test_what_cannot_be_written_so_is_left_as_it_is(self):
        for text in ("  if (int n = f(); n > 4) {\n  }\n", "  else add(n + 1);\n"):
            self.assertEqual(self.combined(text), (text, {}))


    def test_what_the_compiler_may_evaluate_is_known_by_what_encloses_it(self):
        text = ("struct Box {\n  static constexpr int one() {\n    const int n = 1;\n    return n;\n  }\n"
                "  int two(int longer,\n          int name) {\n    if constexpr (true) {\n      name = 3;\n    }\n  }\n};\n"
                "constexpr int three() { return 3; }\n")
        self.assertEqual([line for line in range(1, 14) if switches.may_be_evaluated(text, line)], [2, 3, 4, 13])


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


class Running(unittest.TestCase):
    """A tree of its own: src/box.hpp, and a program that fails when it answers wrongly."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        self.header, self.source = self.root / "src/box.hpp", self.root / "test.cpp"
        self.header.parent.mkdir()
        self.header.write_text("inline int answer() { return 1; }\n", encoding="utf-8")
        self.source.write_text('#include "box.hpp"\nint main() { return answer() == 1 ? 0 : 1; }\n', encoding="utf-8")
        self.stage = bench.Stage("unit", (self.source,), (f"-I{self.root}/src",), ())
        self.cache = bench.Cache(self.root / "verdicts.json")

    def judge(self, text, hangs=False):
        """(verdict, stage, programs that were run)"""
        with tempfile.TemporaryDirectory() as work:
            one = bench.Bench(self.root, pathlib.Path(work), Stop(), self.cache)
            return *one.judge("x", self.header, text, [self.stage], hangs), one.ran

    def test_mutant_is_judged_by_compiler_and_exit_code(self):
        self.assertEqual(self.judge(self.header.read_text()), ("survived", "", 1))
        self.assertEqual(self.judge("inline int answer() { return 2; }\n"), ("killed", "unit", 1))
        self.assertEqual(self.judge("inline int answer() { return x; }\n"), ("killed", "compiler", 1))

    def test_same_content_is_not_run_again_and_other_content_is(self):
        mutant = "inline int answer() { return 2; }\n"
        self.judge(mutant)
        self.cache.save()
        self.cache = bench.Cache(self.cache.path)
        self.assertEqual(self.judge(mutant), ("killed", "unit", 0))
        self.source.write_text('#include "box.hpp"\nint main() { return 0 * answer(); }\n', encoding="utf-8")
        self.assertEqual(self.judge(mutant), ("survived", "", 1))

    def test_what_is_included_from_afar_counts_as_content(self):
        deep = self.root / "src/deep.hpp"
        deep.write_text("", encoding="utf-8")
        (self.root / "src/near.hpp").write_text('#include "deep.hpp"\n', encoding="utf-8")
        self.source.write_text('#include "near.hpp"\n' + self.source.read_text(), encoding="utf-8")
        self.judge(self.header.read_text())
        deep.write_text("#define one 1\n", encoding="utf-8")
        self.assertEqual(self.judge(self.header.read_text())[2], 1)

    def judge_all(self, text):
        """([(changed text, verdict, stage)], number of programs that were compiled); first the header as it is."""
        self.header.write_text(text, encoding="utf-8")
        mutants = operators.mutants_of(text)
        with tempfile.TemporaryDirectory() as work:
            one = bench.Bench(self.root, pathlib.Path(work), Stop(), self.cache)
            one.plan(self.header, text, mutants)
            found = [("", *one.judge("0", self.header, text, [self.stage]))]
            for number, mutant in enumerate(mutants, 1):
                mutated = operators.apply(text, mutant)
                found.append((mutant.new.strip(),
                              *one.judge(str(number), self.header, mutated, [self.stage], number=number)))
            return found, len(list(pathlib.Path(work).glob("*-build.log")))

    def test_mutants_of_a_header_are_compiled_together_and_told_apart(self):
        self.source.write_text('#include "box.hpp"\nint main() { return less(1, 2) && !less(2, 2) ? 0 : 1; }\n')
        found, compiled = self.judge_all("inline bool less(int a, int b) {\n  if (a > 7) return false;\n"
                                         "  return a < b;\n}\n")
        self.assertEqual(found, [("", "survived", ""), ("if (a >= 7) return false;", "survived", ""),
                                 ("if (a > 7) return true;", "survived", ""),
                                 ("if (false && (a > 7)) return false;", "survived", ""),
                                 ("return a <= b;", "killed", "unit")])
        self.assertEqual(compiled, 1)

    def test_what_the_compiler_evaluates_is_judged_by_it(self):
        self.source.write_text('#include "box.hpp"\nint main() {}\n', encoding="utf-8")
        found, _ = self.judge_all("constexpr int answer() {\n  const int one = 0 + 1;\n  return one;\n}\n"
                                  "static_assert(answer() == 1);\n")
        self.assertEqual(found[1], ("const int one = 0;", "killed", "compiler"))

    def test_what_the_compiler_evaluates_is_judged_by_what_the_program_then_does(self):
        self.source.write_text('#include "box.hpp"\nint main() { return kAnswer == 1 ? 0 : 1; }\n', encoding="utf-8")
        found, _ = self.judge_all("constexpr int answer() {\n  const int one = 0 + 1;\n  return one;\n}\n"
                                  "constexpr int kAnswer = answer();\n")
        self.assertEqual(found[1], ("const int one = 0;", "killed", "unit"))

    def test_statement_that_cannot_be_switched_is_compiled_by_itself(self):
        # The branches of a conditional expression must have one type.
        found, compiled = self.judge_all("struct Odd { int n; };\ninline int operator+(Odd odd, int m) { return odd.n + m; }\n"
                                         "inline int as_int(Odd odd) { return odd.n; }\ninline int as_int(int n) { return n; }\n"
                                         "inline int answer() {\n  const auto one = Odd{0} + 1;\n  return as_int(one);\n}\n")
        self.assertEqual(found, [("", "survived", ""), ("const auto one = Odd{0};", "killed", "unit")])
        self.assertGreater(compiled, 1)

    def test_what_fails_once_and_not_again_is_no_kill(self):
        for lasts, verdict in (("", ("survived", "", 1)), ("|| true", ("killed", "unit", 1))):
            told = self.root / f"told{len(lasts)}"
            self.source.write_text(f'#include <fstream>\nint main() {{\n  const bool first = !std::ifstream("{told}");\n'
                                   f'  std::ofstream told("{told}");\n  return first {lasts} ? 1 : 0;\n}}\n', encoding="utf-8")
            self.assertEqual(self.judge(""), verdict)

    def test_what_has_used_up_its_processor_time_did_not_end_and_is_remembered(self):
        self.source.write_text("int main() { for (volatile int i = 0;;) i = i + 1; }\n", encoding="utf-8")
        saved, bench.MOST_CPU_SECONDS = bench.MOST_CPU_SECONDS, 1
        self.addCleanup(setattr, bench, "MOST_CPU_SECONDS", saved)
        self.assertEqual(self.judge(""), ("timeout", "unit: did not end", 1))
        self.assertEqual(self.judge(""), ("timeout", "unit: did not end", 0))

    def test_header_that_does_not_compile_or_hold_as_it_is_is_no_kill(self):
        saved, cli.stages_of = cli.stages_of, lambda *_: [bench.Stage("model", self.stage.sources, self.stage.flags, ())]
        self.addCleanup(setattr, cli, "stages_of", saved)
        for text, said in (("inline int answer() {\n  return x + 1;\n}\n",
                            r"src/box.hpp: as it is, the header does not compile as a model test: .*error: .*x"),
                           ("inline int answer() {\n  return 1 + 1;\n}\n",
                            r"src/box.hpp: as it is, the header does not hold as a model test: ")):
            self.header.write_text(text, encoding="utf-8")
            with tempfile.TemporaryDirectory() as work:
                one = bench.Bench(self.root, pathlib.Path(work), Stop(), self.cache)
                verdicts, problems = cli.audit_header(one, self.root, self.header, 1)
            self.assertEqual(verdicts, [])
            self.assertRegex(problems[0], said)

    def test_row_of_a_header_says_who_notices_its_mutants_and_why_the_others_live(self):
        saved, cli.stages_of = cli.stages_of, lambda *_: [self.stage]
        self.addCleanup(setattr, cli, "stages_of", saved)
        text = "inline bool less(int a, int b) {\n  return a < b && b != 7;\n}\n"
        lives = [{"line": "return a < b && b != 7;", "becomes": "return a <= b && b != 7;", "why": "No test has two of a size."}]
        self.header.write_text(text, encoding="utf-8")
        self.header.with_suffix(".mutants.json").write_text(json.dumps({"survivors": lives}), encoding="utf-8")
        self.source.write_text('#include "box.hpp"\nint main() { return less(1, 2) && !less(2, 1) && !less(1, 7) ? 0 : 1; }\n')
        with tempfile.TemporaryDirectory() as work:
            one = bench.Bench(self.root, pathlib.Path(work), Stop(), self.cache)
            verdicts, problems = cli.audit_header(one, self.root, self.header, 1)
        self.assertEqual(problems, [])
        killed = {"unit": 2, "property": 0, "model": 0, "library": 0, "compiler": 0}
        mutants = operators.mutants_of(text)
        self.assertEqual(page.row_of(verdicts, 1.25), page.Row(page.digest_of(mutants), killed, lives, 1.2))

    def test_failure_of_the_linker_is_no_verdict(self):
        self.source.write_text('#include "box.hpp"\nint gone();\nint main() { return gone(); }\n', encoding="utf-8")
        self.assertEqual(self.judge("")[:2], ("timeout", "unit: not built"))
        self.assertEqual(self.cache.endings, {})

    def test_what_hangs_is_not_killed_and_remembered_only_if_it_is_known_to(self):
        self.source.write_text("int main() { for (volatile int i = 0;;) i = i + 1; }\n", encoding="utf-8")
        saved, bench.TEST_SECONDS = bench.TEST_SECONDS, 1
        self.addCleanup(setattr, bench, "TEST_SECONDS", saved)
        self.assertEqual(self.judge(""), ("timeout", "unit: used up", 1))
        self.assertEqual(self.cache.endings, {})
        for ran in (1, 0):
            self.assertEqual(self.judge("", hangs=True), ("timeout", "unit: used up", ran))
        self.assertEqual(self.judge("")[2], 1)


class Sources(unittest.TestCase):
    """A tree with a library that is built as the release preset is: src/api/hak.cpp in a program and in libhakmem.so."""

    FILES = {
        "CMakeLists.txt": """cmake_minimum_required(VERSION 3.25)
project(tree CXX)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
enable_testing()
add_library(hakmem_api_objects OBJECT src/api/hak.cpp)
target_include_directories(hakmem_api_objects PRIVATE src)
set_target_properties(hakmem_api_objects PROPERTIES POSITION_INDEPENDENT_CODE ON)
add_library(hakmem SHARED $<TARGET_OBJECTS:hakmem_api_objects>)
add_library(hakmem_api STATIC $<TARGET_OBJECTS:hakmem_api_objects>)
add_executable(unit_api unit.cpp)
target_link_libraries(unit_api PRIVATE hakmem_api)
target_link_options(unit_api PRIVATE "LINKER:--dependency-file=tests/link.d")
add_test(NAME OptionsOfTheTree COMMAND PYTHON -B "${PROJECT_SOURCE_DIR}/check.py" --preload other.so --preload $<TARGET_FILE:hakmem>)
add_test(NAME OptionsReportFaults COMMAND PYTHON -c "exit(1)" $<TARGET_FILE:hakmem> --finds x)
set_tests_properties(OptionsOfTheTree OptionsReportFaults PROPERTIES LABELS cli ENVIRONMENT "WORD=4")
add_test(NAME OptionsOnASlowMachine COMMAND PYTHON -c "exit(1)" $<TARGET_FILE:unit_api> --preload $<TARGET_FILE:hakmem>)
set_tests_properties(OptionsOnASlowMachine PROPERTIES LABELS conformance)
""".replace("PYTHON", sys.executable),
        "src/api/hak.hpp": "#pragma once\ninline int half(int n) {\n  if (n > 10) return 5;\n  return n / 2;\n}\n",
        "src/api/hak.cpp": """#include "api/hak.hpp"
extern "C" int answer(int n) {
  if (n == 3) return 1;
  return 2;
}
extern "C" bool larger(int n) { return half(n) + 1 > 2; }
extern "C" bool odd(int n) { return n % 2 != 0 && n != 0; }
""",
        "unit.cpp": """#include <cstdio>
#include <cstring>
extern "C" int answer(int n);
int main(int, char** words) {
  if (std::strcmp(words[1], "--gtest_list_tests") == 0) return std::puts("Answers.\\n  AreRight") < 0;
  return answer(3) == 1 && answer(4) == 2 ? 0 : 1;
}
""",
        "check.py": """import ctypes, os, sys
assert sys.argv[1] == "--preload" and len(sys.argv) == 3
library = ctypes.CDLL(sys.argv[2])
library.larger.restype = ctypes.c_bool
sys.exit(not library.larger(int(os.environ["WORD"])) or library.larger(2))
""",
    }

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        for name, text in self.FILES.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        saved, library.UNIT_PROGRAMS = library.UNIT_PROGRAMS, ("unit_api",)
        self.addCleanup(setattr, library, "UNIT_PROGRAMS", saved)
        judged = {"hak.cpp": (("cli", "conformance"), "Options", ("hakmem",))}
        saved, library.JUDGES = library.JUDGES, judged
        self.addCleanup(setattr, library, "JUDGES", saved)

    def build(self):
        for words in (["-S", ".", "-B", "build/release", "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release"],
                      ["--build", "build/release"]):
            subprocess.run(["cmake", *words], cwd=self.root, check=True, capture_output=True)

    def judge(self):
        """(changed text -> (verdict, stage), problems, programs that were run)"""
        with tempfile.TemporaryDirectory() as work:
            one = bench.Bench(self.root, pathlib.Path(work), Stop(), bench.Cache(self.root / "verdicts.json"))
            # One at a time: which test comes first depends on what has noticed the mutants before.
            verdicts, problems = cli.audit_header(one, self.root, self.root / "src/api/hak.cpp", 1)
            one.cache.save()
            return {verdict.mutant.new.strip(): (verdict.verdict, verdict.by) for verdict in verdicts}, problems, one.ran

    def test_mutants_are_noticed_by_programs_and_libraries_that_are_linked_with_them(self):
        self.build()
        found, problems, _ = self.judge()
        self.assertEqual(found["if (n != 3) return 1;"], ("killed", "unit unit_api Answers"))
        self.assertEqual(found['extern "C" bool larger(int n) { return half(n) > 2; }'],
                         ("killed", "library OptionsOfTheTree"))
        self.assertEqual(found['extern "C" bool odd(int n) { return n % 2 != 0 || n != 0; }'], ("survived", ""))
        self.assertEqual(len(problems), 3, "odd has no test")

    def test_same_content_is_not_run_again_and_another_library_is(self):
        self.build()
        self.judge()
        self.assertEqual(self.judge()[2], 0)
        self.root.joinpath("src/api/hak.hpp").write_text("inline int half(int n) { return n >> 1; }\n", encoding="utf-8")
        self.build()
        self.assertGreater(self.judge()[2], 0)

    def test_a_library_whose_tests_fail_as_it_is_is_no_kill(self):
        self.root.joinpath("check.py").write_text("raise SystemExit('never holds')\n", encoding="utf-8")
        self.build()
        found, problems, _ = self.judge()
        self.assertEqual(found, {})
        self.assertRegex(problems[0], "as it is, the header does not hold as a library OptionsOfTheTree test: never holds")

    def test_what_has_to_be_built_is_said(self):
        with self.assertRaisesRegex(bench.NotBuilt, "the release preset is not built: cmake --preset release &&"):
            self.judge()

    def test_explanations_of_a_source_are_no_header_s(self):
        reasons = '{"survivors": [{"line": "a", "becomes": "b", "why": "c"}]}'
        self.root.joinpath("src/api/hak.cpp.mutants.json").write_text(reasons, encoding="utf-8")
        self.assertEqual(cli.explained(self.root / "src/api/hak.cpp"), {("a", "b"): "c"})
        self.assertEqual(cli.explained(self.root / "src/api/hak.hpp"), {})


class Program(unittest.TestCase):
    def test_wrong_calls_end_with_usage_and_2(self):
        for words in (["no/such/header"], ["--jobs", "0"], ["--unknown"]):
            done = subprocess.run([ROOT / "ci/mutants", *words], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, words)
            self.assertIn("usage: ci/mutants", done.stderr)


if __name__ == "__main__":
    unittest.main()
