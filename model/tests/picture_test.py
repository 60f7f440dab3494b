"""Pictures of failed executions: a lane for each thread, a line for each step, arrows, and what is missing."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree as ElementTree

CHECK = None
SVG = "{http://www.w3.org/2000/svg}"


def failure_of(variant):
    """The row of a broken variant that is caught."""
    with tempfile.TemporaryDirectory() as folder:
        report = pathlib.Path(folder) / "report.json"
        subprocess.run([CHECK, "run", variant, "--json", report], check=True, stdout=subprocess.DEVNULL, timeout=100)
        return json.loads(report.read_text())["results"][0]


def picture_of(token):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "failure.svg"
        done = subprocess.run([CHECK, "replay", token, "--svg", path], text=True, capture_output=True, check=False)
        return done, ElementTree.parse(path).getroot()


def of_class(root, name):
    return [element for element in root.iter() if name in element.get("class", "").split()]


def texts(elements):
    return " ".join("".join(element.itertext()) for element in elements)


class PictureOfARace(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.row = failure_of("remote_word/one_pusher~push_does_not_release")
        cls.done, cls.svg = picture_of(cls.row["replay"])

    def test_is_drawn_beside_the_trace(self):
        self.assertEqual(self.done.returncode, 1)
        self.assertEqual(self.done.stdout, self.row["trace"] + self.row["message"] + "\n")

    def test_has_a_lane_for_each_thread(self):
        self.assertEqual([lane.get("data-thread") for lane in of_class(self.svg, "lane")], ["0", "1"])

    def test_has_a_line_for_each_step_in_its_order_and_lane(self):
        steps = [(step.get("data-step"), step.get("data-thread")) for step in of_class(self.svg, "step")]
        behind_set_up = self.row["trace"].split("[BEFORE END]")[1].splitlines()[1:]
        self.assertEqual(steps, [(line[1:line.index("]")], line[line.index("]") + 2]) for line in behind_set_up])
        heights = [float(step.find(SVG + "circle").get("cy")) for step in of_class(self.svg, "step")]
        self.assertEqual(heights, sorted(heights))

    def test_names_values_and_places(self):
        drawn = texts(of_class(self.svg, "step"))
        self.assertIn("CAS awake → awake with 1 from #0", drawn)
        self.assertIn("src/lockfree/remote_word.hpp:", drawn)

    def test_marks_the_pair_that_races(self):
        guilty = of_class(self.svg, "guilty")
        self.assertEqual({step.get("data-thread") for step in guilty}, {"0", "1"})
        self.assertIn("write link", texts(guilty))
        self.assertIn("read link", texts(guilty))

    def test_states_the_missing_edge(self):
        (edge,) = of_class(self.svg, "missing")
        steps = {step.get("data-step"): texts([step]) for step in of_class(self.svg, "step")}
        self.assertIn("CAS", steps[edge.get("data-from")])
        self.assertIn("exchange", steps[edge.get("data-to")])
        stated = texts(of_class(self.svg, "stated"))
        self.assertIn("nothing orders", stated)
        self.assertIn("the write does not release", stated)


class OtherPictures(unittest.TestCase):
    def test_a_read_that_does_not_acquire_is_named(self):
        _, svg = picture_of(failure_of("remote_word/one_pusher~take_does_not_acquire")["replay"])
        self.assertIn("the read does not acquire", texts(of_class(svg, "stated")))

    def test_edges_that_synchronise_are_drawn_as_such(self):
        _, svg = picture_of(failure_of("remote_word/sleep~post_does_not_release")["replay"])
        self.assertTrue(of_class(svg, "synchronises-with"))
        self.assertTrue(of_class(svg, "reads-from"))

    def test_a_check_that_fails_is_marked(self):
        row = failure_of("shared_pool/class_affinity~hint_is_lost")
        _, svg = picture_of(row["replay"])
        self.assertEqual(len(of_class(svg, "guilty")), 1)
        self.assertEqual(texts(of_class(svg, "verdict")), row["message"])
        self.assertIn("fails at", texts(of_class(svg, "stated")))

    def test_a_file_that_cannot_be_written_is_refused(self):
        token = failure_of("remote_word/one_pusher~take_does_not_acquire")["replay"]
        done = subprocess.run([CHECK, "replay", token, "--svg", "/nonexistent/a.svg"], text=True, capture_output=True,
                              check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("cannot write /nonexistent/a.svg", done.stderr.splitlines()[0])


if __name__ == "__main__":
    CHECK = sys.argv.pop(1)
    unittest.main()
