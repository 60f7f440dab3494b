"""Rows of results, the verdict over them, and the reports that stay: JSON for machines, JUnit XML for those who collect
tests, Markdown for the summary of a job, text for people."""
import dataclasses
import json
import os
import sys
import threading
import time
import xml.etree.ElementTree

from hakmem_ci.core import verdict as verdicts

BUILD = "build"  # the part whose rows only say that a preset was built
TAIL_LINES = 60  # of the output of a program that failed
TRACE_LINES = 200  # of one failing check on the screen; the report and the log have all of it
SAVE_SECONDS = 2.0  # between two saves while rows come in


@dataclasses.dataclass
class Row:
    """One check. `how` is the scheduler, sanitizer or library; `work` says what was done; `verdict` is one word. Of a check
    that is incomplete `message` says how far it came and `go_on` is the command that goes on from there."""

    part: str
    check: str
    how: str
    work: str
    seconds: float
    verdict: str
    status: str
    message: str = ""
    evidence: str = ""
    log: str = ""
    go_on: str = ""

    def __post_init__(self):
        if self.status not in verdicts.STATUSES:
            raise ValueError(f"unknown status {self.status!r}")
        self.seconds = round(self.seconds, 2)

    def name(self):
        """What people call the check."""
        return f"{self.check} [{self.how}]" if self.how else self.check

    def as_dict(self):
        """For JSON, where the command is called `continue`."""
        fields = dataclasses.asdict(self)
        fields["continue"] = fields.pop("go_on")
        return fields


def row_from(fields, kind=Row):
    """A row from what as_dict() made; TypeError or ValueError if it is none."""
    fields = dict(fields)
    fields["go_on"] = fields.pop("continue", "")
    return kind(**fields)


def incomplete(part, check, cause, how="", log="", go_on="", seconds=0.0, evidence=""):
    """The row of a check that could not be done, or not to its end."""
    return Row(part, check, how, "", seconds, "incomplete", "incomplete", cause, evidence, log, go_on)


def ended_badly(part, check, outcome, message, how="", go_on="", judges=False):
    """The row of a program that failed as a whole. Of one that was cut off, or that ends well and does not show what it
    has done, nothing is known to be wrong; nor of one that `judges` itself, by the exit codes of a verdict, and says so."""
    evidence = "\n".join(outcome.output.rstrip().splitlines()[-TAIL_LINES:])
    unknown = judges and verdicts.of_exit_code(outcome.code) == verdicts.INCOMPLETE
    if outcome.cut_off or outcome.clean or unknown:
        return incomplete(part, check, message, how, outcome.log, go_on, outcome.seconds, evidence)
    return Row(part, check, how, "", outcome.seconds, "FAILED", "fail", message, evidence, outcome.log)


def counted(rows):
    """status -> how many checks. A build that succeeds is no check; one that does not counts."""
    checks = [row for row in rows if not (row.part == BUILD and row.status == "pass")]
    return {status: sum(row.status == status for row in checks) for status in verdicts.STATUSES}


def verdict_of(rows, interrupted=False, over=True):
    """(word, sentence) over all rows. Only PASSED is green, and only if something ran and everything holds. `over`: all
    rows that there will be are there."""
    count = counted(rows)
    statuses = [status for status, number in count.items() if number]
    word = verdicts.worst(statuses + (["incomplete"] if interrupted or not over else []))
    if word == verdicts.PASSED:
        return word, f"all {count['pass']} checks hold"
    sentence = f"of the checks, {count['fail']} fail, {count['incomplete']} are incomplete, {count['pass']} hold"
    return word, sentence + ("; interrupted" if interrupted else "" if over else "; not at its end")


def table(rows, paint=lambda text, status: text):
    """The rows as lines of text under one heading."""
    heading = ("part", "check", "how", "work", "seconds", "verdict")
    cells = [(r.part, r.check, r.how, r.work, f"{r.seconds:.1f}", r.verdict) for r in rows]
    widths = [max(len(line[i]) for line in [heading, *cells]) for i in range(len(heading))]

    def layout(line):
        padded = [text.rjust(width) if i in (3, 4) else text.ljust(width)
                  for i, (text, width) in enumerate(zip(line, widths))]
        return "  ".join(padded)

    lines = [layout(heading), "  ".join("-" * width for width in widths)]
    for row, line in zip(rows, cells):
        text = layout(line).rstrip()
        lines.append(text[:len(text) - len(row.verdict)] + paint(row.verdict, row.status))
    return lines


def cut(text, most):
    """At most so many lines of a text (None: all)."""
    lines = text.rstrip().splitlines()
    return lines if most is None or len(lines) <= most else lines[:most] + [f"... {len(lines) - most} more lines"]


def details(rows, trace_lines=None):
    """What there is to say about each check that does not hold: cause, trace, log, how to go on."""
    lines = []
    for row in rows:
        if row.status == "pass":
            continue
        lines += ["", f"{row.part}: {row.check} {row.how}".rstrip() + f": {row.verdict}"]
        if row.message:
            lines.append(f"  {row.message}")
        lines += [f"  | {line}" for line in cut(row.evidence, trace_lines)]
        if row.log:
            lines.append(f"  whole output: {row.log}")
        if row.go_on:
            lines.append(f"  goes on with: {row.go_on}")
    return lines


def write_atomically(path, text):
    """Writes a file so that it is there whole or not at all: what was there before stays if it cannot be written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.{threading.get_ident()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def as_json(rows, word, sentence, facts):
    """The machine-readable report."""
    return json.dumps({"verdict": word, "summary": sentence, **facts, "results": [row.as_dict() for row in rows]},
                      indent=2) + "\n"


def as_text(rows, word, sentence, facts):
    """The report for people."""
    head = [f"{key}: {value}" for key, value in facts.items()]
    return "\n".join([*head, "", *table(rows), *details(rows), "", f"VERDICT: {word}: {sentence}"]) + "\n"


def as_junit(rows, word, sentence, facts):
    """JUnit XML: a fault is a failure, what is incomplete an error, which nobody shows as green."""
    root = xml.etree.ElementTree.Element("testsuites", name=f"{facts.get('command', 'hakmem')}: {word}")
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        count = {status: sum(row.status == status for row in mine) for status in verdicts.STATUSES}
        suite = xml.etree.ElementTree.SubElement(
            root, "testsuite", name=part, tests=str(len(mine)), failures=str(count["fail"]),
            errors=str(count["incomplete"]), time=f"{sum(row.seconds for row in mine):.2f}")
        for row in mine:
            case = xml.etree.ElementTree.SubElement(suite, "testcase", classname=part, name=row.name(), time=str(row.seconds))
            if row.status != "pass":
                kind = "failure" if row.status == "fail" else "error"
                bad = xml.etree.ElementTree.SubElement(case, kind, message=printable(row.message or row.verdict), type=row.verdict)
                bad.text = printable("\n".join(details([row])[2:]))
    xml.etree.ElementTree.indent(root)
    text = xml.etree.ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<!-- {sentence.replace("--", "- -")} -->\n{text}\n'


def printable(text):
    """The text without what XML cannot hold."""
    return "".join(c if c in "\n\t" or c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "\ufffe\uffff" else "?"
                   for c in text)


MARKS = {"pass": "✔", "fail": "✘", "incomplete": "…"}


def as_markdown(rows, word, sentence, facts):
    """The summary of a job: verdict, a line for each part, what does not hold, and all rows folded away."""
    lines = [f"## {facts.get('command', 'hakmem')}: {word}", "", f"{sentence[:1].upper()}{sentence[1:]}.", "",
             "| part | hold | fail | incomplete | seconds |", "|---|---:|---:|---:|---:|"]
    for part in dict.fromkeys(row.part for row in rows):
        mine = [row for row in rows if row.part == part]
        number = [sum(row.status == status for row in mine) for status in verdicts.STATUSES]
        lines.append(f"| {part} | {number[0]} | {number[1]} | {number[2]} | {sum(row.seconds for row in mine):.0f} |")
    for row in rows:
        if row.status != "pass":
            fence = "~~~"
            lines += ["", f"### {MARKS[row.status]} {row.part}: {row.name()}: {row.verdict}", "", fence,
                      *[line[2:] for line in details([row], TRACE_LINES)[2:]], fence]
    lines += ["", "<details><summary>All checks</summary>", "", "~~~", *table(rows), "~~~", "", "</details>", ""]
    lines += [f"* {key}: {value}" for key, value in facts.items() if isinstance(value, (str, int, float))]
    return "\n".join(lines) + "\n"


FORMATS = {"json": as_json, "txt": as_text, "xml": as_junit, "md": as_markdown}


class Report:
    """The rows of one run of a job, and its files report.json, .txt, .xml and .md in `folder`, which are up to date while
    rows come in: who ends the job early keeps what it has found. `copies`: format -> another file. Thread-safe."""

    def __init__(self, job, folder, facts, copies=None):
        self.job, self.folder, self.facts = job, folder, facts
        self.paths = [(kind, folder / f"report.{kind}") for kind in FORMATS] + list((copies or {}).items())
        self.formats = dict(FORMATS)
        self.rows = []
        self.lock = threading.Lock()
        self.saved_at = 0.0
        self.problem = ""  # why a report could not be written
        for _, path in self.paths:
            path.unlink(missing_ok=True)

    def add(self, row):
        """Keeps a row; writes the files unless they were written just now."""
        with self.lock:
            self.rows.append(row)
            if time.monotonic() - self.saved_at > SAVE_SECONDS:
                self.write(*verdict_of(self.rows, over=False))

    def write(self, word, sentence):
        """Writes all files; the first problem is said once."""
        self.saved_at = time.monotonic()
        for kind, path in self.paths:
            try:
                write_atomically(path, self.formats[kind](self.rows, word, sentence, self.facts))
            except OSError as error:
                if not self.problem:
                    self.problem = f"{path} cannot be written: {error.strerror}; make room or rights there"
                    print(f"ci/{self.job}: {self.problem}", file=sys.stderr, flush=True)

    def conclude(self, interrupted, remark=""):
        """The verdict over all rows, with the files written. A report that is not there is no success."""
        with self.lock:
            self.problem = ""
            word, sentence = verdict_of(self.rows, interrupted)
            self.write(word, sentence + remark)
            if self.problem:
                word = verdicts.worst([{v: k for k, v in verdicts.WORDS.items()}[word], "incomplete"])
                sentence += "; a report could not be written"
            return word, sentence + remark


def finish(report, screen, interrupted, remark="", more=()):
    """Prints table, details and verdict, writes the reports, and returns the exit code. `more`: lines before the verdict."""
    word, sentence = report.conclude(interrupted, remark)
    screen.close()
    print("\n" + "\n".join(table(report.rows, screen.paint) + details(report.rows, TRACE_LINES)))
    if more:
        print("\n" + "\n".join(more))
    print(f"\nreports: {report.folder}/report.json, .txt, .xml (JUnit), .md")
    status = {v: k for k, v in verdicts.WORDS.items()}[word]
    print("VERDICT: " + screen.paint(word, status) + f": {sentence}", flush=True)
    return verdicts.EXIT_CODES[word]
