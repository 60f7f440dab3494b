"""ci/costs: which instructions are taken for an atomic operation, that another order shows, and what it says of bad input."""
import collections
import contextlib
import io
import json
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

from fake_tree import FakeTree
from hakmem_ci.core import cpp
from hakmem_ci.jobs.costs import cli, disassembly, machines, page, places, prices, words

SOURCE = pathlib.Path(__file__).resolve().parents[2]
ROOT = pathlib.Path("/tree")
X86, ARM = words.X86(), words.Arm64()
WORD = "src/lockfree/word.hpp"
HEADER = """#pragma once
template <class Sync>
class Word {
 public:
  void wait() noexcept {
    while (!take()) Sync::pause();
  }
  bool take() noexcept {
    return word_.exchange(0, std::memory_order_acquire) != 0;
  }
  void add() noexcept {
    word_.store(word_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  bool swap(std::uint64_t seen) noexcept {
    return word_.compare_exchange_weak(
        seen, 1, std::memory_order_acq_rel, std::memory_order_relaxed);
  }
 private:
  typename Sync::template Atomic<std::uint64_t> word_{};
};
"""
BASE = "/usr/include/c++/12/bits/atomic_base.h"
CALLS = {"load": "_ZNKSt13__atomic_baseImE4loadESt12memory_order", "store": "_ZNSt13__atomic_baseImE5storeEmSt12memory_order",
         "exchange": "_ZNSt13__atomic_baseImE8exchangeEmSt12memory_order",
         "swap": "_ZNSt13__atomic_baseImE21compare_exchange_weakERmmSt12memory_orderS2_"}


def line_of(text):
    """The line of the header that has this text."""
    return next(number for number, line in enumerate(HEADER.splitlines(), 1) if text in line)


def block(call, text, *instructions):
    """Instructions of an operation that is inlined into a function of the header from the line with that text."""
    frame = f"inlined by {ROOT}/{WORD}:{line_of(text)} (_ZN4WordI7StdSyncE4someEv)\n"
    return f"{CALLS[call]}():\n{BASE}:500 (discriminator 2)\n" + "".join(f"{frame}{one}\n" for one in instructions)


def disassembled(*blocks):
    return "\nDisassembly of section .text:\n\n0000000000000000 <f>:\n" + "".join(blocks)


def words_of(machine, *blocks, lost=None):
    """operation -> its words, in the order of the text."""
    finder = places.Finder(ROOT, {WORD: places_of_header()})
    found = collections.defaultdict(list)
    for function in disassembly.functions_of(disassembled(*blocks)):
        for place, word in words.words_in(machine, function, finder):
            found[place.key.removeprefix("lockfree/word.hpp/")].append(word)
        if lost is not None:
            lost += finder.lost(machine, function)
    return dict(found)


def places_of_header():
    return places.places_in(HEADER, WORD.removeprefix("src/"))


class Instructions(unittest.TestCase):
    """What is read from text as objdump prints it."""

    def test_operations_of_a_line_are_told_apart_by_what_they_call(self):
        self.assertEqual(words_of(ARM, block("load", "word_.load", "   0:\tldr\tx0, [x1]"),
                                  block("store", "word_.load", "   4:\tstlr\tx0, [x1]")),
                         {"add/load(relaxed)": ["ldr"], "add/store(release)": ["stlr"]})
        self.assertEqual(words_of(X86, block("load", "word_.load", "   0:\tmov    rax,QWORD PTR [rdi+0x8]"),
                                  block("store", "word_.load", "   4:\tmov    QWORD PTR [rdi+0x8],rax")),
                         {"add/load(relaxed)": ["mov"], "add/store(release)": ["mov"]})

    def test_step_in_one_instruction(self):
        x86, arm = ["   0:\txor    eax,eax", "   2:\txchg   QWORD PTR [rdi],rax"], ["   0:\tmov\tx1, #0x0", "   4:\tswpa\tx1, x0, [x0]"]
        self.assertEqual(words_of(X86, block("exchange", "exchange(0", *x86)), {"take/exchange(acquire)": ["xchg"]})
        self.assertEqual(words_of(ARM, block("exchange", "exchange(0", *arm)), {"take/exchange(acquire)": ["swpa"]})
        for name in ("cas", "casa", "casl", "casal", "casab", "ldaddal", "ldclrl", "stset"):
            self.assertEqual(words_of(ARM, block("swap", "compare_exchange", f"   0:\t{name}\tx1, x2, [x0]")),
                             {"swap/compare_exchange(acq_rel,relaxed)": [name]})
        self.assertEqual(words_of(X86, block("swap", "compare_exchange", "   0:\tmov    rax,QWORD PTR [rsi]",
                                             "   3:\tlock cmpxchg QWORD PTR [rdi],rdx", "   8:\tmov    QWORD PTR [rsi],rax")),
                         {"swap/compare_exchange(acq_rel,relaxed)": ["lock cmpxchg"]})

    def test_step_in_halves_has_the_branch_that_tries_again(self):
        halves = ["   0:\tldaxr\tx3, [x0]", "   4:\tstxr\tw2, x1, [x0]"]
        self.assertEqual(words_of(ARM, block("exchange", "exchange(0", *halves, "   8:\tcbnz\tw2, 0 <f>")),
                         {"take/exchange(acquire)": ["ldaxr, stxr, cbnz"]})
        self.assertEqual(words_of(ARM, block("exchange", "exchange(0", *halves, "   8:\tcbnz\tw2, 20 <f+0x20>")),
                         {"take/exchange(acquire)": ["ldaxr, stxr"]})

    def test_name_that_tells_of_a_distance_alone_is_no_other_instruction(self):
        for name, plain in (("ldur", "ldr"), ("ldurb", "ldrb"), ("ldapur", "ldapr"), ("ldar", "ldar")):
            self.assertEqual(words_of(ARM, block("load", "word_.load", f"   0:\t{name}\tx0, [x1, #-8]")),
                             {"add/load(relaxed)": [plain]})
        self.assertEqual(words_of(ARM, block("store", "word_.load", "   0:\tstlur\tx0, [x1, #-8]")), {"add/store(release)": ["stlr"]})

    def test_halves_of_two_operations_are_not_mixed(self):
        self.assertEqual(words_of(ARM, block("exchange", "exchange(0", "   0:\tldaxr\tx3, [x0]"),
                                  block("swap", "compare_exchange", "   4:\tldxr\tx3, [x0]", "   8:\tstlxr\tw2, x1, [x0]"),
                                  block("exchange", "exchange(0", "   c:\tstxr\tw2, x1, [x0]")),
                         {"take/exchange(acquire)": ["ldaxr, stxr"], "swap/compare_exchange(acq_rel,relaxed)": ["ldxr, stlxr"]})

    def test_operands_addresses_and_the_stack_are_no_operation(self):
        got = "   4:\tldr\tx1, [x1]\n\t\t\t4: R_AARCH64_LD64_GOT_LO12_NC\tword"
        self.assertEqual(words_of(ARM, block("load", "word_.load", "   0:\tldr\tx0, [sp, #16]", got, "   8:\tldar\tx0, [x1]")),
                         {"add/load(relaxed)": ["ldar"]})
        self.assertEqual(words_of(X86, block("load", "word_.load", "   0:\tlea    rdi,[rip+0x0]        # 7 <f+0x7>",
                                             "   7:\tmov    rsi,QWORD PTR [rsp+0x8]", "   c:\tmov    QWORD PTR [rdi],rsi",
                                             "  10:\tmov    rax,QWORD PTR [rdi]")), {"add/load(relaxed)": ["mov"]})

    def test_fence_is_part_of_what_an_order_costs(self):
        self.assertEqual(words_of(ARM, block("store", "word_.load", "   0:\tstr\tx0, [x1]", "   4:\tdmb\tish")),
                         {"add/store(release)": ["str", "dmb ish"]})

    def test_back_off_shows_its_hint(self):
        frames = (f"_ZN6hakmem7machine5pauseEv():\n{ROOT}/src/machine/aarch64.hpp:15\n"
                  f"inlined by {ROOT}/src/sync/std_sync.hpp:68 (_ZN6hakmem7StdSync5pauseEv)\n"
                  f"inlined by {ROOT}/{WORD}:{line_of('pause')} (_ZN4WordE4waitEv)\n")
        self.assertEqual(words_of(ARM, f"{frames}   0:\tisb\n"), {"wait/pause": ["isb"]})
        self.assertEqual(words_of(X86, f"{frames}   0:\tpause\n"), {"wait/pause": ["pause"]})

    def test_line_stays_until_another_is_named(self):
        text = block("exchange", "exchange(0", "   0:\tmov\tx1, #0x0", "   4:\tswpa\tx1, x0, [x0]")
        self.assertEqual(text.count(BASE), 1)
        frames = disassembly.functions_of(disassembled(text))[0][1].frames
        self.assertEqual([(frame.file, frame.line) for frame in frames], [(BASE, 500), (f"{ROOT}/{WORD}", line_of("exchange(0"))])

    def test_atomic_instruction_without_an_operation_is_lost_and_makes_the_job_red(self):
        lost = []
        self.assertEqual(words_of(ARM, block("exchange", "bool take", "   0:\tswpa\tx1, x0, [x0]"), lost=lost), {})
        self.assertEqual(lost, [f"{WORD}:{line_of('bool take')}: swpa"])
        tally = cli.Tally(machines.MACHINES[1], ROOT, {WORD: places_of_header()})
        tally.take(disassembly.functions_of(disassembled(block("exchange", "bool take", "   0:\tswpa\tx1, x0, [x0]"))))
        row = cli.row_of(tally)
        self.assertEqual((row.status, row.evidence), ("fail", lost[0]))

    def test_nothing_found_is_no_success(self):
        self.assertEqual(cli.row_of(cli.Tally(machines.MACHINES[0], ROOT, {})).status, "incomplete")

    def test_text_without_lines_has_no_debug_information(self):
        with self.assertRaises(disassembly.NoDebugInformation):
            disassembly.functions_of(disassembled("   0:\tret\n"))
        self.assertEqual(disassembly.functions_of("\na.o:     file format elf64-x86-64\n\n"), [], "a source of which nothing is left")


class Names(unittest.TestCase):
    """The keys of the data."""

    def test_operations_have_the_names_and_the_lines_of_the_audit(self):
        found = {place.key: place.lines for place in places_of_header()}
        swap = line_of("compare_exchange")
        self.assertEqual(found["lockfree/word.hpp/swap/compare_exchange(acq_rel,relaxed)"], (swap, swap + 1))
        self.assertEqual(found["lockfree/word.hpp/wait/pause"], (line_of("pause"),) * 2)
        self.assertEqual(len(found), 5)

    def test_operations_that_differ_by_their_place_alone_are_numbered(self):
        text = "void f() { a_.store(1, std::memory_order_relaxed);\n b_.store(2, std::memory_order_relaxed); }\n"
        self.assertEqual([one.key("x.hpp") for one in cpp.operations_of(text)],
                         ["x.hpp/f/store(relaxed)#1", "x.hpp/f/store(relaxed)#2"])

    def test_operations_that_lines_do_not_tell_apart_have_the_same_instructions(self):
        both = "bool f() { return a_.load(std::memory_order_relaxed) == 1 && b_.load(std::memory_order_relaxed) == 2; }\n"
        found = places.places_in(both, "x.hpp")
        self.assertEqual({place.counted_as for place in found}, {"x.hpp/f/load(relaxed)#1"})
        counts = {machine.name: {"x.hpp/f/load(relaxed)#1": {"mov": 1}} for machine in machines.MACHINES}
        operations = json.loads(page.data_of(counts, {"src/x.hpp": found}))["operations"]
        self.assertEqual(operations["x.hpp/f/load(relaxed)#2"], operations["x.hpp/f/load(relaxed)#1"])

    def test_every_row_of_the_ledger_is_an_operation_that_is_looked_for(self):
        known = {re.sub(r"#\d+$", "", place.key) for inside in places.places_of(SOURCE).values() for place in inside}
        header, rows = None, set()
        for line in (SOURCE / "docs/reports/ledger.md").read_text(encoding="utf-8").replace("\\", "").splitlines():
            if line.startswith("## "):
                header = line.removeprefix("## src/") if line.startswith("## src/") else None
            elif header and (row := re.match(r"\| (\S+) (\w+)(?: #\d+)? \| (\S+) \|", line)):
                orders = "" if row[2] == "pause" else f"({row[3].replace('/', ',')})"
                rows.add(f"{header}/{row[1]}/{row[2]}{orders}")
        self.assertGreater(len(rows), 60)
        self.assertEqual(rows - known, set(), "or docs/reports/ledger.md is out of date: run ci/update ledger")

    def test_data_keeps_what_differs_the_most_frequent_first(self):
        place = places_of_header()[0]
        found = {machine.name: {place.key: collections.Counter({"a": 1, "b": 2})} for machine in machines.MACHINES}
        data = json.loads(page.data_of(found, {WORD: [place]}))
        self.assertEqual(data["machines"], [machine.name for machine in machines.MACHINES])
        self.assertEqual(data["operations"], {place.key: [["b", "a"]] * len(machines.MACHINES)})

    def test_page_names_operations_that_are_in_no_library(self):
        first, *rest = machines.MACHINES
        found = {machine.name: {} for machine in rest} | {first.name: {places_of_header()[0].key: {"mov": 1}}}
        text = page.text_of(found, {WORD: places_of_header()[:2]}, {machine.name: {} for machine in machines.MACHINES},
                            {machine.compiler: "a compiler" for machine in machines.MACHINES})
        self.assertIn(f"| `{places_of_header()[0].key}` | {', '.join(machine.name for machine in rest)} |", text)
        self.assertIn(f"| `{places_of_header()[1].key}` | any |", text)

    def test_library_is_compiled_here_as_it_is_built(self):
        text = (SOURCE / "cmake/HakmemLibraries.cmake").read_text(encoding="utf-8")
        options = re.search(r"target_compile_options\(\$\{target\} PRIVATE\s+(.*?)\)", text, re.DOTALL)[1].split()
        self.assertGreater(len(options), 5)
        self.assertEqual([option for option in options if option not in machines.FLAGS], [])
        preset = json.loads((SOURCE / "CMakePresets.json").read_text(encoding="utf-8"))["configurePresets"]
        release = next(one for one in preset if one["name"] == "release")["cacheVariables"]["CMAKE_CXX_FLAGS_RELEASE"].split()
        self.assertEqual([flag for flag in release if flag not in machines.FLAGS and not flag.startswith("-g")], [])


PLANT = """#include "lockfree/bitmap_word.hpp"
#include "lockfree/remote_word.hpp"
#include "sync/std_sync.hpp"
using namespace hakmem;
std::uint64_t marks(BitmapWord<StdSync>& word) { return word.load(); }
void empty(RemoteWord<StdSync, 4>& word) { word.reset(); }
"""


class Planted(unittest.TestCase):
    """The shipping headers, compiled as they are and with an order that is stronger."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-costs-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        shutil.copytree(SOURCE / "src", self.root / "src")
        (self.root / "plant.cpp").write_text(PLANT, encoding="utf-8")

    def strengthen(self, name, old, new):
        path = self.root / "src/lockfree" / name
        text = path.read_text(encoding="utf-8")
        self.assertIn(old, text)
        path.write_text(text.replace(old, new), encoding="utf-8")

    def words(self, machine):
        if problem := cli.missing_tool(machine):
            self.skipTest(problem)
        output = self.root / "plant.o"
        subprocess.run(machine.compile(self.root, self.root / "plant.cpp", output), check=True)
        tally = cli.Tally(machine, self.root, places.places_of(self.root))
        tally.take(cli.functions_in(machine, output))
        self.assertEqual(tally.lost, {})
        return {key.removeprefix("lockfree/"): page.words_of(counts) for key, counts in tally.words.items()}

    def test_stronger_store_is_another_instruction_on_x86_64(self):
        self.assertEqual(self.words(machines.MACHINES[0])["remote_word.hpp/reset/store(relaxed)"], ["mov"])
        self.strengthen("remote_word.hpp", "store(0, std::memory_order_relaxed)", "store(0, std::memory_order_seq_cst)")
        self.assertEqual(self.words(machines.MACHINES[0])["remote_word.hpp/reset/store(seq_cst)"], ["xchg"])

    def test_stronger_load_is_another_instruction_on_arm64(self):
        self.assertEqual([self.words(machine)["bitmap_word.hpp/load/load(relaxed)"] for machine in machines.MACHINES[1:]],
                         [["ldr"], ["ldr"]])
        self.strengthen("bitmap_word.hpp", "word_.load(std::memory_order_relaxed)", "word_.load(std::memory_order_acquire)")
        self.assertEqual([self.words(machine)["bitmap_word.hpp/load/load(acquire)"] for machine in machines.MACHINES[1:]],
                         [["ldar"], ["ldapr"]])

    def test_each_operation_has_a_price_with_each_order(self):
        source, output = self.root / "prices.cpp", self.root / "prices.o"
        source.write_text(prices.source(), encoding="utf-8")
        for machine in machines.MACHINES:
            if cli.missing_tool(machine):
                continue
            subprocess.run(machine.compile(self.root, source, output), check=True)
            found = prices.read(machine, cli.functions_in(machine, output))
            self.assertEqual(set(found), {f"{kind}({order})" for kind, order in prices.OPERATIONS}, machine.name)
            self.assertEqual({key: word for key, word in found.items() if ";" in word}, {}, machine.name)


class Answers(unittest.TestCase):
    """What it says."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-costs-")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def show(self, path):
        """The exit code and the lines that are said about an object file."""
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = cli.main(SOURCE, ["--object", str(path)])
        return code, output.getvalue().splitlines()

    def compiled(self, text, *flags):
        machine = machines.MACHINES[0]
        if problem := cli.missing_tool(machine):
            self.skipTest(problem)
        source = self.work / "a.cpp"
        source.write_text(text, encoding="utf-8")
        subprocess.run([*machine.compile(SOURCE, source, self.work / "a.o"), *flags], check=True)
        return self.work / "a.o"

    def test_object_file_is_shown(self):
        code, lines = self.show(self.compiled(PLANT))
        self.assertEqual((code, lines), (0, ["lockfree/bitmap_word.hpp/load/load(relaxed): mov (1)",
                                             "lockfree/remote_word.hpp/reset/store(relaxed): mov (1)"]))

    def test_bad_input_is_one_clear_line(self):
        text, other = self.work / "text.o", self.work / "other.o"
        text.write_text("no object file, but long enough for one", encoding="utf-8")
        other.write_bytes(b"\x7fELF" + bytes(14) + struct.pack("<H", 243))
        for path, says in ((self.work / "none.o", "none.o: No such file or directory"), (text, "is no object file"),
                           (other, "is of a machine that is not known here"),
                           (self.compiled("int f() { return 1; }\n", "-g0"), "a.o has no debug information: compile it with -g")):
            code, lines = self.show(path)
            self.assertEqual((code, len(lines)), (2, 1), lines)
            self.assertIn(says, lines[0])
        code, lines = self.show(self.compiled("int f(int a) { return a + 1; }\n"))
        self.assertEqual((code, lines), (2, [f"ci/costs: {self.work}/a.o has no code of {SOURCE}/src"]))

    def test_damaged_object_file_is_one_clear_line(self):
        path = self.compiled(PLANT)
        path.write_bytes(path.read_bytes()[:100])
        code, lines = self.show(path)
        self.assertEqual((code, len(lines)), (2, 1), lines)
        self.assertIn("a.o cannot be read", lines[0])

    def test_missing_compiler_is_incomplete_and_leaves_the_old_columns(self):
        tree = FakeTree()
        self.addCleanup(tree.close)
        few = tree.root / "few"
        few.mkdir()
        for name in ("bash", "dirname", "env", "git"):
            (few / name).symlink_to(shutil.which(name))
        (few / "python3").symlink_to(sys.executable)
        (tree.root / "docs/reports").mkdir(parents=True)
        for name in ("costs.json", "costs.md"):
            (tree.root / "docs/reports" / name).write_text("as before", encoding="utf-8")
        for command, says in (("ci/costs", "{} is not installed"), ("ci/update", "{} is not installed; install it by: ci/setup")):
            code, output = tree.run([command, *(["costs"] if command == "ci/update" else [])], {"PATH": str(few)})
            self.assertEqual(code, 3, output)
            self.assertIn(says.format(machines.MACHINES[0].compiler), output)
            for name in ("costs.json", "costs.md"):
                self.assertEqual((tree.root / "docs/reports" / name).read_text(encoding="utf-8"), "as before")

    def test_wrong_calls_end_with_usage_and_2(self):
        for arguments in (["--bogus"], ["--object"], ["--jobs", "0"], ["src/api"]):
            done = subprocess.run([SOURCE / "ci/costs", *arguments], text=True, capture_output=True, check=False)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertIn("usage: ci/costs", done.stderr)


if __name__ == "__main__":
    unittest.main()
