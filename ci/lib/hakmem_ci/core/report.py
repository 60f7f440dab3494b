"""Rows of the table, the verdict over them, and the reports that stay: JSON for machines, text for people."""
import dataclasses
import json
import os

BUILD = "build"  # the part whose rows only say that a preset was built
STATUSES = ("pass", "fail", "not run")
TAIL_LINES = 60  # of the output of a program that failed
TRACE_LINES = 200  # of one failing check on the screen; the report and the log have all of it


@dataclasses.dataclass
class Row:
    """One check. `how` is the scheduler, sanitizer or library; `work` says what was done; `verdict` is one word."""

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

    def __post_init__(self):
        if self.status not in STATUSES:
            raise ValueError(f"unknown status {self.status!r}")
        self.seconds = round(self.seconds, 2)


def not_run(part, check, cause, how="", log=""):
    """The row of a check that could not be done."""
    return Row(part, check, how, "", 0.0, "not run", "not run", cause, log=log)


def ended_badly(part, check, outcome, message, how=""):
    """The row of a program that failed as a whole, ran out of time, or could not be run to its end."""
    if outcome.cut_off:
        return not_run(part, check, outcome.describe(), how, outcome.log)
    verdict = "TRUNCATED" if outcome.ending == "timed out" else "FAILED"
    evidence = "\n".join(outcome.output.rstrip().splitlines()[-TAIL_LINES:])
    return Row(part, check, how, "", outcome.seconds, verdict, "fail", message, evidence, outcome.log)


def verdict_of(rows, interrupted):
    """(word, sentence) over all rows. Only PASSED is green, and only if something ran and everything holds. A build
    that succeeds is no check; one that fails counts."""
    held = sum(row.status == "pass" and row.part != BUILD for row in rows)
    failing = sum(row.status == "fail" for row in rows)
    absent = sum(row.status == "not run" for row in rows)
    if interrupted:
        return "INTERRUPTED", f"of the checks, {held} hold, {failing} fail, {absent} did not run to their end"
    if failing:
        return "FAILED", f"of the checks, {failing} fail, {absent} did not run, {held} hold"
    if absent or not held:
        return "INCOMPLETE", f"of the checks, {absent} did not run, {held} hold"
    return "PASSED", f"all {held} checks hold"


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


def details(rows, trace_lines=None):
    """What there is to say about each check that does not hold: cause, trace, log."""
    lines = []
    for row in rows:
        if row.status == "pass":
            continue
        lines += ["", f"{row.part}: {row.check} {row.how}".rstrip() + f": {row.verdict}"]
        if row.message:
            lines.append(f"  {row.message}")
        evidence = row.evidence.rstrip().splitlines()
        if trace_lines is not None and len(evidence) > trace_lines:
            evidence = evidence[:trace_lines] + [f"... {len(evidence) - trace_lines} more lines"]
        lines += [f"  | {line}" for line in evidence]
        if row.log:
            lines.append(f"  whole output: {row.log}")
    return lines


def write_atomically(path, text):
    """Writes a file so that it is there whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(path)


def as_json(rows, verdict, sentence, facts):
    """The machine-readable report."""
    return json.dumps({"verdict": verdict, "summary": sentence, **facts,
                       "results": [dataclasses.asdict(row) for row in rows]}, indent=2) + "\n"


def as_text(rows, verdict, sentence, facts):
    """The report for people."""
    head = [f"{key}: {value}" for key, value in facts.items()]
    return "\n".join([*head, "", *table(rows), *details(rows), "", f"VERDICT: {verdict}: {sentence}"]) + "\n"
