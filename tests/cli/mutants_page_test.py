"""ci/mutants --changed: which rows of the page of mutants are renewed and which stay, and when none may stay."""
import contextlib
import io
import json
import pathlib
import re
import subprocess
import tempfile
import unittest
from unittest import mock

from hakmem_ci.jobs.mutants import cli, operators, page
from hakmem_ci.pages import stamps
from hakmem_ci.pages.catalogue import BY_NAME

ROOT = pathlib.Path(__file__).resolve().parents[2]
BOX, LID, WORD = "src/heap/box.hpp", "src/heap/lid.hpp", "src/lockfree/word.hpp"
TEXTS = {
    BOX: "inline int least = 7;\ninline bool full(int n) {\n  return n == 4;\n}\n"
         "inline int more(int n) {\n  return n + 1;\n}\n",
    LID: "inline bool open(int n) {\n  return n < 2;\n}\n",
    WORD: "inline bool less(int a, int b) {\n  return a < b;\n}\n",
    "src/heap/names.hpp": "inline int name();\n",  # has nothing to mutate
}
LIVES = "return a <= b;"  # which is explained
EXPLANATIONS = "src/lockfree/word.mutants.json"


class Renewal(unittest.TestCase):
    """Over a tree of a few headers. What judges the mutants is a fake: it says which test notices them and how long that
    takes, and knows what it was asked for."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="hakmem-mutants-")
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name).resolve()
        for name, text in TEXTS.items():
            self.write(name, text)
        self.explain("Equivalent.")
        self.asked, self.killer, self.seconds, self.problems = [], "unit", 10.0, []
        self.meanwhile = lambda: None
        for patch in (mock.patch.object(cli, "audit_header", self.judge), mock.patch.object(cli.Stop, "install")):
            patch.start()
            self.addCleanup(patch.stop)
        self.assertEqual(self.mutants()[0], 0)
        self.assertEqual(self.asked, [WORD, BOX, LID])

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def explain(self, why):
        lives = [{"line": "return a < b;", "becomes": LIVES, "why": why}]
        self.write(EXPLANATIONS, json.dumps({"survivors": lives}))

    def judge(self, bench, root, header, _):
        self.asked.append(str(header.relative_to(root)))
        bench.seconds += self.seconds
        self.meanwhile()
        verdicts, reasons = [], cli.explained(header)
        for mutant in operators.mutants_of(header.read_text(encoding="utf-8")):
            one = cli.Verdict(mutant, "killed", f"{self.killer} box_test")
            one.why = reasons.get(one.key(), "")
            if one.why:
                one.verdict, one.by = "survived", ""
            verdicts.append(one)
        return verdicts, self.problems

    def mutants(self, *words):
        """(exit code, output) of ci/mutants."""
        self.asked.clear()
        output = io.StringIO()
        with contextlib.redirect_stdout(output), contextlib.redirect_stderr(output):
            code = cli.main(self.root, [*words])
        return code, output.getvalue()

    def renewed(self, says):
        """The files that are run for the page; the run must say so and succeed."""
        code, output = self.mutants("--changed")
        self.assertEqual((code, output.splitlines()[0]), (0, says), output)
        self.assertEqual(self.owed(), "")
        return list(self.asked)

    def owed(self):
        return stamps.why_owed(self.root, BY_NAME[page.NAME], stamps.read(self.root))

    def rows(self):
        """file -> cells, as the page has them."""
        text = (self.root / page.PATH).read_text(encoding="utf-8")
        return {name: cells.split(" | ") for name, cells in re.findall(r"^\| `(\S+)` \| (.*) \|$", text, re.MULTILINE)}

    def totals(self):
        """What the page says above its rows: mutants, killed, explained, seconds."""
        text = (self.root / page.PATH).read_text(encoding="utf-8")
        return re.search(r"(\d+) mutants, (\d+) killed, (\d+) explained;.*\ntook (\d+) s", text).groups()

    def published(self):
        return [(self.root / name).read_bytes() for name in (page.PATH, page.ROWS, stamps.FILE)]

    def test_only_the_file_that_has_changed_is_run_and_the_other_rows_stay(self):
        before = self.rows()
        self.killer, self.seconds = "property", 100.0
        self.write(BOX, TEXTS[BOX].replace("n == 4", "n == 4 && n > 0"))
        self.assertIn("src/heap/box.hpp full has changed", self.owed())
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {BOX}"), [BOX])
        rows = self.rows()
        self.assertEqual((rows[LID], rows[WORD]), (before[LID], before[WORD]))
        self.assertEqual(list(rows), list(before))

    def test_row_of_a_file_that_has_changed_does_not_survive(self):
        self.assertEqual(self.rows()[BOX], ["2", "2", "0", "0", "0", "0", "0"])
        self.killer = "property"
        self.write(BOX, TEXTS[BOX].replace("n == 4", "n == 5"))
        self.renewed(f"1 of 3 files has changed: {BOX}")
        self.assertEqual(self.rows()[BOX], ["2", "0", "2", "0", "0", "0", "0"])

    def test_change_that_makes_no_other_mutants_renews_the_row_all_the_same(self):
        self.killer = "property"
        self.write(BOX, TEXTS[BOX].replace("7", "8"))
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {BOX}"), [BOX])
        self.assertEqual(self.rows()[BOX], ["2", "0", "2", "0", "0", "0", "0"])

    def test_totals_are_sums_over_all_rows(self):
        self.assertEqual(self.totals(), ("4", "3", "1", "30"))
        self.seconds = 100.0
        self.write(LID, TEXTS[LID].replace("n < 2", "n < 2 && n > 0"))
        self.renewed(f"1 of 3 files has changed: {LID}")
        self.assertEqual(self.rows()[LID][0], "3")
        self.assertEqual(self.totals(), ("6", "5", "1", "120"))

    def test_explanation_that_changes_renews_the_row_of_its_file(self):
        self.explain("Performance only.")
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {WORD}"), [WORD])
        text = (self.root / page.PATH).read_text(encoding="utf-8")
        self.assertIn(f"* `{WORD}`: `return a < b;  =>  {LIVES}`  \n  Performance only.\n", text)

    def test_new_file_gets_a_row_and_one_that_is_gone_loses_it(self):
        self.write("src/heap/new.hpp", TEXTS[LID].replace("open", "shut"))
        (self.root / LID).unlink()
        self.assertEqual(self.renewed(f"1 of 3 files has changed: src/heap/new.hpp; gone: {LID}"), ["src/heap/new.hpp"])
        self.assertEqual(list(self.rows()), [WORD, BOX, "src/heap/new.hpp"])
        self.write(BOX, "inline int more();\n")
        self.assertEqual(self.renewed(f"0 of 2 files have changed; gone: {BOX}"), [])
        self.assertEqual(self.totals(), ("2", "1", "1", "20"))

    def test_comment_and_a_file_without_mutants_renew_no_row(self):
        before = self.rows()
        self.write(BOX, "// A comment.\n" + TEXTS[BOX])
        self.write("src/heap/names.hpp", "inline int another_name();\n")
        self.assertIn("src/heap/names.hpp has changed", self.owed())
        self.assertEqual(self.renewed("0 of 3 files have changed"), [])
        self.assertEqual(self.rows(), before)

    def test_lines_that_are_broken_anew_make_other_mutants(self):
        self.write(LID, TEXTS[LID].replace("return n < 2;", "return n <\n         2;"))
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {LID}"), [LID])

    def test_page_that_is_not_what_was_written_last_is_run_whole(self):
        edited = f"all 3 files are run; {page.PATH}: is not what was written last: "
        for name, text, why in (
                (page.ROWS, None, edited),
                (page.PATH, None, f"all 3 files are run; {page.PATH}: is not there"),
                (page.ROWS, ('"unit": 2', '"unit": 3'), edited), (page.ROWS, ("{", "<<<<<<< HEAD\n{"), edited),
                (page.PATH, ("| 2 |", "| 3 |"), edited), (stamps.FILE, ('"mutants"', '"another"'), "nobody has noted")):
            with self.subTest(name, edit=text):
                path = self.root / name
                if text is None:
                    path.unlink()
                else:
                    path.write_text(path.read_text(encoding="utf-8").replace(*text, 1), encoding="utf-8")
                self.assertNotEqual(self.owed(), "")
                code, output = self.mutants("--changed")
                self.assertEqual((code, self.asked), (0, [WORD, BOX, LID]), output)
                self.assertIn(why, output.splitlines()[0])
                self.assertEqual((self.owed(), self.rows()[BOX][:2]), ("", ["2", "2"]))

    def test_rows_of_another_form_are_run_anew_although_nobody_has_edited_them(self):
        for text in ("[]\n", '{"src/heap/box.hpp": {}}\n', '{"src/heap/box.hpp": 1}\n',
                     (self.root / page.ROWS).read_text(encoding="utf-8").replace('"unit"', '"units"')):
            self.write(page.ROWS, text)
            stamps.record(self.root, page.NAME)
            code, output = self.mutants("--changed")
            self.assertEqual((code, self.asked), (0, [WORD, BOX, LID]), output)
            self.assertIn(f"{page.PATH}: {page.ROWS} cannot be read: ", output.splitlines()[0])

    def test_run_that_fails_or_is_incomplete_writes_nothing(self):
        self.write(BOX, TEXTS[BOX].replace("n == 4", "n == 5"))
        before, owed = self.published(), self.owed()
        for problem, expected in ((f"{BOX}:2 survived without an explanation: x", 1), (f"{BOX}:2{cli.NOT_RUN}x", 3)):
            self.problems = [problem]
            self.assertEqual((self.mutants("--changed")[0], self.asked), (expected, [BOX]))
            self.assertEqual((self.published(), self.owed()), (before, owed))

    def change_all(self):
        """Each file gets other mutants, which a property notices; Box's are not all noticed or explained."""
        self.killer = "property"
        for name, old, new in ((BOX, "n == 4", "n == 5"), (LID, "n < 2", "n < 3"), (WORD, "a < b", "b < a")):
            self.write(name, TEXTS[name].replace(old, new))
        self.write(EXPLANATIONS, json.dumps({"survivors": []}))
        self.meanwhile = lambda: setattr(self, "problems", ["x survived"] if self.asked[-1] == BOX else [])

    def test_rows_of_green_files_are_kept_though_another_fails_and_only_that_one_is_owed(self):
        self.change_all()
        self.assertEqual((self.mutants("--changed")[0], self.asked), (1, [WORD, BOX, LID]))
        self.assertEqual(self.owed(), f"{BOX} full has changed")
        self.assertEqual({name: row[1:3] for name, row in self.rows().items()},
                         {WORD: ["0", "1"], BOX: ["2", "0"], LID: ["0", "1"]})
        self.meanwhile, self.problems = lambda: None, []
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {BOX}"), [BOX])
        self.assertEqual(self.rows()[BOX][1:3], ["0", "2"])

    def test_rows_are_kept_while_others_are_still_run(self):
        self.change_all()
        seen = []
        self.meanwhile = lambda: seen.append((self.asked[-1], self.owed()))
        self.mutants("--changed")
        self.assertEqual(seen[2], (LID, f"{LID} open has changed"))

    def test_new_file_that_fails_has_no_row_and_is_owed(self):
        self.change_all()
        self.write("src/heap/new.hpp", TEXTS[LID].replace("open", "shut"))
        self.meanwhile = lambda: setattr(self, "problems", ["x survived"] if "new" in self.asked[-1] else [])
        self.assertEqual(self.mutants("--changed")[0], 1)
        self.assertEqual((list(self.rows()), self.owed()), ([WORD, BOX, LID], "src/heap/new.hpp is new, src/heap/new.hpp shut is new"))

    def test_page_that_was_edited_is_replaced_as_a_whole_or_not_at_all(self):
        (self.root / page.PATH).write_text("edited", encoding="utf-8")
        before = self.published()
        self.change_all()
        self.assertEqual((self.mutants("--changed")[0], self.published()), (1, before))

    def test_file_that_changes_while_others_are_run_is_owed_afterwards(self):
        self.write(BOX, TEXTS[BOX].replace("n == 4", "n == 5"))
        self.meanwhile = lambda: self.write(LID, TEXTS[LID].replace("n < 2", "n < 3"))
        self.assertEqual((self.mutants("--changed")[0], self.asked), (0, [BOX]))
        self.assertEqual(self.owed(), f"{LID} open has changed")
        self.assertEqual(self.renewed(f"1 of 3 files has changed: {LID}"), [LID])

    def test_without_the_option_all_files_are_run(self):
        self.killer = "model"
        self.assertEqual((self.mutants()[0], self.asked), (0, [WORD, BOX, LID]))
        self.assertEqual([row[3] for row in self.rows().values()], ["0", "2", "1"])

    def test_page_elsewhere_is_whole_and_leaves_the_rows_alone(self):
        self.write(BOX, TEXTS[BOX].replace("n == 4", "n == 5"))
        before, other = self.published(), self.root / "page.md"
        self.assertEqual(self.mutants("--changed", "--page", str(other))[0], 0)
        self.assertEqual((self.published(), self.asked), (before, [BOX]))
        self.assertEqual(other.read_text(encoding="utf-8"), (self.root / page.PATH).read_text(encoding="utf-8"))

    def test_listed_are_the_mutants_that_would_be_run(self):
        self.write(LID, TEXTS[LID].replace("n < 2", "n < 3"))
        self.assertEqual(self.mutants("--changed", "--list"), (0, f"{LID}:2  return n < 3;  =>  return n <= 3;\n"))

    def test_stamps_that_cannot_be_read_are_one_clear_line(self):
        self.write(stamps.FILE, "<<<<<<< HEAD\n")
        code, output = self.mutants("--changed")
        self.assertEqual((code, len(output.splitlines()), self.asked), (2, 1, []), output)
        self.assertIn("docs/reports/inputs.json cannot be read", output)


class Page(unittest.TestCase):
    def test_page_of_the_tree_says_what_its_rows_say(self):
        self.assertEqual(page.text_of(page.read(ROOT)), (ROOT / page.PATH).read_text(encoding="utf-8"))

    def test_pattern_beside_it_is_a_wrong_call(self):
        done = subprocess.run([ROOT / "ci/mutants", "--changed", "heap"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--changed is about the page of all files", done.stderr)


if __name__ == "__main__":
    unittest.main()
