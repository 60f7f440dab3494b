#!/usr/bin/env python3
"""What field_test.py says of a malloc that a debugger calls: a debugger that can call nothing says nothing of a malloc.

The debugger is a fake one, which says what it was told for the call with a library and for that without one."""
import os
import pathlib
import tempfile
import unittest

import field_test

CALLED, REFUSED = '$1 = 0x1234 "abc"', "Couldn't write extended state status: Bad address."
LIBRARY = "libfake.so"
FAKE = f"""#!/bin/sh
case "$*" in *'$rdi'*) how=registers ;; *) how=itself ;; esac
case "$*" in *{LIBRARY}*) how=$how-with ;; esac
cat "$(dirname "$0")/$how"
"""


class Debugger(unittest.TestCase):
    def judged(self, **says):
        """What is made of a debugger that says this, by itself and by registers, with the library and without."""
        with tempfile.TemporaryDirectory() as folder:
            gdb = pathlib.Path(folder, "gdb")
            gdb.write_text(FAKE, encoding="utf-8")
            gdb.chmod(0o755)
            for name in ("itself_with", "itself", "registers_with", "registers"):
                gdb.with_name(name.replace("_", "-")).write_text(says.get(name, REFUSED), encoding="utf-8")
            path, os.environ["PATH"] = os.environ["PATH"], f"{folder}:{os.environ['PATH']}"
            try:
                return field_test.judge_debugger("program", LIBRARY)
            finally:
                os.environ["PATH"] = path

    def test_call_that_returns_holds(self):
        self.assertEqual(self.judged(itself_with=CALLED)[0], field_test.HOLDS)

    def test_call_that_only_the_c_librarys_malloc_survives_is_a_fault(self):
        self.assertEqual(self.judged(itself=CALLED, registers_with=CALLED), (field_test.FAILS, REFUSED))

    def test_call_register_by_register_takes_its_place_where_the_debugger_can_make_none(self):
        self.assertEqual(self.judged(registers_with=CALLED, registers=CALLED)[0], field_test.HOLDS)
        self.assertEqual(self.judged(registers=CALLED), (field_test.FAILS, REFUSED))

    def test_debugger_that_can_call_nothing_shows_nothing_and_says_why(self):
        self.assertEqual(self.judged(), (field_test.SHOWS_NOTHING, f"gdb can call nothing here: {REFUSED}"))


if __name__ == "__main__":
    unittest.main()
