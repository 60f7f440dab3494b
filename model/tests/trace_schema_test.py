#!/usr/bin/env python3
"""What `replay --picture FILE.json` writes, and what a report has of a counterexample, is what the schema says.

  trace_schema_test.py FAULTY_CHECK SCHEMA

By jsonschema where that is installed; the part of the language that the schema uses is judged here as well."""
import copy
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
except ImportError:
    jsonschema = None

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool}
FAULTS = ("race_on_link", "use_after_free_of_atomic", "deadlock", "lock_holder_vanishes")


def is_of(value, name):
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, TYPES[name])


def problems_of_members(value, schema, root, place):
    """What is wrong with the members of an object."""
    properties = schema.get("properties", {})
    for name in schema.get("required", []):
        if name not in value:
            yield f"{place}: {name} is missing"
    for name, member in value.items():
        if name in properties:
            yield from problems_of(member, properties[name], root, f"{place}.{name}")
        elif schema.get("additionalProperties") is False:
            yield f"{place}: {name} is not known"


def problems_of(value, schema, root, place="trace"):
    """What of a value is not as the schema says."""
    if "$ref" in schema:
        yield from problems_of(value, root["$defs"][schema["$ref"].rpartition("/")[2]], root, place)
    if "type" in schema and not is_of(value, schema["type"]):
        yield f"{place} is no {schema['type']}"
        return
    if "const" in schema and value != schema["const"] or "enum" in schema and value not in schema["enum"]:
        yield f"{place} is {value!r}"
    if value < schema["minimum"] if "minimum" in schema else False:
        yield f"{place} is too small"
    if value > schema["maximum"] if "maximum" in schema else False:
        yield f"{place} is too large"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{place} is {value!r}"
    if isinstance(value, dict):
        yield from problems_of_members(value, schema, root, place)
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from problems_of(item, schema.get("items", {}), root, f"{place}[{i}]")
    for part in schema.get("allOf", []):
        holds = not list(problems_of(value, part["if"], root, place))
        yield from problems_of(value, part["then" if holds else "else"] if holds or "else" in part else {}, root, place)
    if "not" in schema and not list(problems_of(value, schema["not"], root, place)):
        yield f"{place} is what it must not be"


def of_any_process(event):
    """An event without what is computed and without what differs from process to process: addresses that are not simulated."""
    real = ("address",) if not event.get("address", "0x5eed").startswith("0x5eed") else ()
    values = ("before", "after", "expected", "operand") if event.get("type") == "pointer" else ()
    return {name: member for name, member in event.items() if name not in ("meaning", *real, *values)}


class TraceInJson(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.schema = json.loads(SCHEMA.read_text(encoding="utf-8"))
        cls.rows, cls.traces = {}, {}
        with tempfile.TemporaryDirectory() as folder:
            for fault in FAULTS:
                report, picture = pathlib.Path(folder, "report.json"), pathlib.Path(folder, "trace.json")
                subprocess.run([CHECK, "run", f"faults/{fault}", "--exact", "--json", report], capture_output=True, check=False)
                [cls.rows[fault]] = json.loads(report.read_text(encoding="utf-8"))["results"]
                subprocess.run([CHECK, "replay", cls.rows[fault]["replay"], "--picture", picture], capture_output=True,
                               check=False)
                cls.traces[fault] = json.loads(picture.read_text(encoding="utf-8"))

    def check(self, trace):
        self.assertEqual(list(problems_of(trace, self.schema, self.schema)), [])
        if jsonschema is not None:
            jsonschema.validate(trace, self.schema)

    def test_is_as_the_schema_says(self):
        for fault, trace in self.traces.items():
            with self.subTest(fault):
                self.check(trace)
                self.assertTrue(trace["explanation"])
                self.assertEqual(trace["events"][-1]["kind"], "fault")

    def test_reports_have_the_same_events(self):
        for fault, row in self.rows.items():
            with self.subTest(fault):
                self.check(row["record"])
                self.assertEqual(len(row["record"]["events"]), len(row["trace"].splitlines()))
                self.assertNotIn("meaning", str(row["record"]))
                self.assertEqual(*([of_any_process(event) for event in record["events"]]
                                   for record in (row["record"], self.traces[fault])))

    def test_whatever_else_is_refused(self):
        def changed(change):
            trace = copy.deepcopy(self.traces["use_after_free_of_atomic"])
            change(trace)
            return trace

        def no_order(trace):
            next(event for event in trace["events"] if "order" in event).pop("order")

        for change in (lambda trace: trace.update(version=2), lambda trace: trace.pop("events"),
                       lambda trace: trace["events"][0].update(kind="glance"), lambda trace: trace["events"][0].update(more=1),
                       lambda trace: trace["events"][0].update(thread=-1), lambda trace: trace["events"][-1].pop("ending"),
                       lambda trace: trace["events"][0].update(ending="DATA RACE"), no_order):
            self.assertTrue(list(problems_of(changed(change), self.schema, self.schema)))
            if jsonschema is not None:
                with self.assertRaises(jsonschema.ValidationError):
                    jsonschema.validate(changed(change), self.schema)


if __name__ == "__main__":
    SCHEMA = pathlib.Path(sys.argv.pop())
    CHECK = sys.argv.pop()
    unittest.main()
