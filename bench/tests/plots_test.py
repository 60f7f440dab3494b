"""ci/bench draws what its tables say: results that are made up are found again in the pictures, at their places."""
import pathlib
import re
import tempfile
import unittest
import xml.etree.ElementTree
from unittest import mock

from hakmem_ci.jobs.bench import plots

NAMES = ["hakmem", "glibc", "peer"]
SVG = "{http://www.w3.org/2000/svg}"


def ratio(median, noise=1.0):
    return {"median": median, "min": median, "max": median * noise}


def entry(scenario, glibc=None, peer=None, memory=(4, 2, 8), moments=()):
    """A scenario of which the subject is so many times as fast as the others, and what each takes in MiB."""
    over_time = [{"when": when, "seconds": seconds, "bytes": mib << 20} for when, seconds, mib in moments]
    cells = {name: {"cpu_ratio": each, "peak_resident_bytes": mib << 20, "rss_over_time": over_time}
             for name, each, mib in zip(NAMES, (None, glibc, peer), memory)}
    return {"scenario": scenario, "allocators": cells}


class Values(unittest.TestCase):
    def test_speeds_are_multiples_of_the_c_librarys(self):
        self.assertEqual(plots.speeds(entry("a", ratio(2.0), ratio(0.5)), NAMES, "hakmem"), {"hakmem": 2.0, "glibc": 1.0, "peer": 4.0})

    def test_without_the_c_library_they_are_multiples_of_the_subjects(self):
        self.assertEqual(plots.speeds(entry("a", None, ratio(0.5)), ["hakmem", "peer"], "hakmem"), {"hakmem": 1.0, "peer": 2.0})

    def test_noise_and_what_was_not_measured_have_no_value(self):
        self.assertEqual(plots.speeds(entry("a", ratio(2.0), ratio(0.5, noise=4.0)), NAMES, "hakmem")["peer"], None)
        self.assertEqual(plots.speeds(entry("a", None, ratio(0.5)), NAMES, "hakmem"), dict.fromkeys(NAMES))

    def test_memory_is_a_multiple_of_the_c_librarys(self):
        self.assertEqual(plots.memories(entry("a"), NAMES, "hakmem"), {"hakmem": 2.0, "glibc": 1.0, "peer": 4.0})


class Pictures(unittest.TestCase):
    def drawn(self, *entries):
        """name of a picture -> its element."""
        with tempfile.TemporaryDirectory() as folder:
            found = plots.write(entries, NAMES, "hakmem", pathlib.Path(folder))
            return {path.stem: xml.etree.ElementTree.parse(path).getroot() for _, path in found}

    def texts(self, picture):
        return [" ".join("".join(text.itertext()).split()) for text in picture.iter(f"{SVG}text")]

    def columns(self, picture):
        """Where the points of each allocator are, from the first row to the last; the legend's, above all, is left out."""
        found = {}
        for use in picture.iter(f"{SVG}use"):
            place = re.match(r"translate\(([\d.]+),([\d.]+)\)", use.get("transform", ""))
            if place:
                colour = "#" + bytes(map(int, re.findall(r"\d+", use.get("color")))).hex()
                found.setdefault(colour, []).append((float(place[2]), float(place[1])))
        return [[x for _, x in sorted(found[colour])[1:]] for colour in plots.COLOURS[:len(NAMES)]]

    def test_each_scenario_has_a_row_and_each_allocator_a_point_where_its_value_is(self):
        picture = self.drawn(entry("first", ratio(2.0), ratio(0.5)), entry("second \\ \"", ratio(1.0), ratio(4.0)))["speed"]
        self.assertLessEqual({"first", "second \\ \"", *NAMES}, set(self.texts(picture)))
        subject, base, peer = self.columns(picture)
        self.assertEqual(base[0], base[1])
        doubling = peer[0] - subject[0]  # 4 and 2
        self.assertGreater(doubling, 10)
        self.assertAlmostEqual(subject[0] - base[0], doubling, delta=0.2)
        self.assertAlmostEqual(subject[1] - base[1], 0, delta=0.2)
        self.assertAlmostEqual(peer[1] - base[1], -2 * doubling, delta=0.4)

    def test_allocator_without_any_value_is_left_out(self):
        picture = self.drawn(entry("first", ratio(2.0), None))["speed"]
        self.assertNotIn("peer", self.texts(picture))

    def test_nothing_to_compare_is_no_picture(self):
        self.assertEqual(list(self.drawn(entry("first", memory=(4, 0, 0)))), [])

    def test_memory_over_time_is_drawn_for_each_scenario_that_has_it(self):
        pictures = self.drawn(entry("rest"), entry("peak-2", moments=(("peak", 1.0, 9), ("freed", 2.0, 5), ("trimmed", 5.0, 1))))
        self.assertEqual(sorted(pictures), ["memory", "resident-peak-2"])
        texts = self.texts(pictures["resident-peak-2"])
        self.assertLessEqual(set(NAMES), set(texts))
        self.assertIn("peak-2: resident MiB; all is freed at 0, the last point is after malloc_trim", texts)

    def test_script_that_gnuplot_refuses_is_told_with_its_words(self):
        with self.assertRaisesRegex(plots.CannotDraw, "gnuplot refuses: .*undefined"):
            plots.draw("plot nothing_of_that_name\n")

    def test_missing_gnuplot_is_told(self):
        with mock.patch.object(plots, "GNUPLOT", "no-such-gnuplot"):
            self.assertFalse(plots.is_there())
            with self.assertRaisesRegex(plots.CannotDraw, "cannot be started"):
                plots.draw("")


if __name__ == "__main__":
    unittest.main()
