#!/usr/bin/env python3
"""The manual page of hakmem-check, made of what the program says itself. Usage: manual.py --write|--check PROGRAM PAGE"""
import difflib
import pathlib
import re
import subprocess
import sys

HEAD = r'''.\" The page hakmem-check(1), made of the program's command line by ci/update manual: never by hand.
.TH HAKMEM\-CHECK 1 "" hakmem "User Commands"
.SH NAME
hakmem\-check \- model checker of hakmem's lock\-free core
.SH SYNOPSIS
.B hakmem\-check
.I COMMAND
.RI [ OPTION ...]
.SH DESCRIPTION
'''
TAIL = r'''.SH EXIT STATUS
.TP
.B 0
PASSED: everything that was planned ran and holds.
.TP
.B 1
FAILED: a fault was found, and is shown with its counterexample.
.TP
.B 2
the call was wrong.
.TP
.B 3
INCOMPLETE: something was cut off, is missing or was interrupted; the last line says which command goes on.
.SH NOTES
The commands
.B audit
and
.B watch
read the sources and build: they need the tree that the program was built from, or another by
.BR \-\-source .
.SH SEE ALSO
.BR hakmem (3),
.BR hakmem\-run (1)
'''
SECTION = re.compile(r"^(\w+):$")
ROW = re.compile(r"^  (\S.*?)(?:\s{2,}(\S.*))?$")


class Fault(Exception):
    """The program says something that makes no page."""


def said(program, *words):
    """The lines of the program's help."""
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Fault(f"{' '.join([program, *words])} --help ended with {done.returncode}")
    return done.stdout.splitlines()


def rows_of(lines):
    """Section -> [(name, what it is)], of a help."""
    found, section = {}, None
    for line in lines:
        heading, row = SECTION.match(line), ROW.match(line)
        if heading:
            section = found.setdefault(heading[1], [])
        elif section is not None and line.startswith(" " * 10) and section:
            section[-1] = (section[-1][0], f"{section[-1][1]} {line.strip()}".strip())
        elif section is not None and row:
            section.append((row[1], row[2] or ""))
    return found


def plain(text):
    """Text as troff takes it: no dash is a hyphen, nothing is a request."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace('"', "\\(dq")
    return f"\\&{text}" if text.startswith((".", "\\(aq")) else text


def entry(name, says):
    """A paragraph: the first word is the option, the rest what it takes."""
    word, _, takes = name.partition(" ")
    takes = re.sub(r"\b(\w+):\1\b", r"\1", takes)  # CLI11 names the type twice where there is a range
    label = f'.BR {plain(word)} " {plain(takes)}"' if takes else f".B {plain(word)}"
    return [".TP", label, plain(says) + "."]


def page_of(program):
    """The whole page."""
    top = said(program)
    commands = rows_of(top).get("Subcommands", [])
    if not commands:
        raise Fault(f"{program} --help names no commands")
    lines = [plain(top[0].strip()), "The commands follow; each has its", ".BR \\-\\-help .", ".SH COMMANDS"]
    for command, says in commands:
        rows = rows_of(said(program, command))
        arguments = [name for name, _ in rows.get("Positionals", [])]
        lines += [f".SS {plain(command)}{''.join(' ' + plain(word.split()[0]) for word in arguments)}", plain(says) + "."]
        for name, what in [*rows.get("Positionals", []), *rows.get("Options", [])]:
            if name != "-h,--help":
                lines += entry(name, what)
    return HEAD + "\n".join(lines) + "\n" + TAIL


def main(arguments):
    if len(arguments) != 3 or arguments[0] not in ("--write", "--check"):
        print("usage: manual.py --write|--check PROGRAM PAGE", file=sys.stderr)
        return 2
    page = pathlib.Path(arguments[2])
    try:
        text = page_of(arguments[1])
        if arguments[0] == "--write":
            page.write_text(text, encoding="utf-8")
            return 0
        there = page.read_text(encoding="utf-8")
    except (Fault, OSError) as cause:
        print(f"manual.py: {cause}", file=sys.stderr)
        return 1
    if there != text:
        print(*difflib.unified_diff(there.splitlines(), text.splitlines(), str(page), "what the program says", lineterm=""),
              sep="\n", file=sys.stderr)
        print(f"{page} is not what hakmem-check says; write it by: ci/update manual", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
