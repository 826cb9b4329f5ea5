#!/usr/bin/env python3
"""docs/performance.md: what its tables and its picture say of the figures that are kept."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools"))
from bench import host, picture, report
from bench.row import Goal, make_row

MACHINE = {"processors": 2, "processor": "a processor", "widest": "VAES", "system": "a system",
           "compiler": "clang 1.2.3", "libcrypto": "OpenSSL 3", "when": "2026-01-02"}
AT_LEAST_TWICE = Goal(2, of_ratio=True, at_most=False)
ENGINE = [make_row("decrypt 64 B: through the ring", 1024, "MiB/s", 2048, AT_LEAST_TWICE),
          make_row("decrypt 64 B: EVP", 2048, "MiB/s"),
          make_row("decrypt 1 MiB: through the ring", 10240, "MiB/s", 5120, AT_LEAST_TWICE),
          make_row("decrypt 1 MiB: EVP", 5120, "MiB/s")]
LONE = [make_row("start: here", 33, "ns", 30), make_row("memory: there", 2, "MiB")]
PAGE = """# Page
<!-- figures: machine -->
<!-- end of figures -->
<!-- figures: goals -->
<!-- end of figures -->
between
<!-- figures: engine -->
old
<!-- end of figures -->
<!-- figures: lone -->
<!-- end of figures -->
end
"""


def group_of(rows):
    return {"rounds": 9, "load": [0.25, 1], "notes": ["a note"], "rows": [row._asdict() for row in rows]}


class ReportTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        folder = pathlib.Path(self.folder.name)
        self.book = report.Book(folder / "page.md", folder / "figures.json", folder / "picture.svg")
        self.book.page.write_text(PAGE)

    def keep(self, **groups):
        report.keep(self.book, MACHINE, {name: group_of(rows) for name, rows in groups.items()})
        return self.book.page.read_text()

    def check(self):
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            return report.check(self.book), output.getvalue()

    def test_a_group_whose_names_return_is_what_by_who(self):
        page = self.keep(engine=ENGINE)
        self.assertIn("|  | through the ring | EVP | goal |\n", page)
        self.assertIn("| decrypt 64 B | 1,024 MiB/s (0.50x) | 2,048 MiB/s | >= 2x: **missed** |\n", page)
        self.assertIn("| decrypt 1 MiB | 10,240 MiB/s (2.00x) | 5,120 MiB/s | >= 2x: met |\n", page)
        self.assertNotIn("old", page)
        self.assertIn("\nbetween\n", page)
        self.assertTrue(page.endswith("end\n"))

    def test_any_other_group_is_a_line_for_each_row(self):
        page = self.keep(lone=LONE)
        self.assertIn("| start: here | 33.0 ns | 30.0 ns | 1.10x |  |  |\n", page)
        self.assertIn("| memory: there | 2.00 MiB |  |  |  |  |\n", page)

    def test_machine_rounds_load_and_notes_are_told(self):
        page = self.keep(lone=LONE)
        self.assertIn("\n2 processors (a processor; VAES), a system, clang 1.2.3, OpenSSL 3. 2026-01-02.\n", page)
        self.assertIn("\n9 rounds, load average 0.2 at the beginning and 1.0 at the end.\n* a note\n", page)

    def test_goals_of_all_groups_are_counted(self):
        page = self.keep(lone=LONE, engine=ENGINE)
        self.assertIn("\n1 of 2 goals are met.\n", page)
        self.assertIn("| decrypt 64 B: through the ring | 1,024 MiB/s | 2,048 MiB/s | 0.50x | >= 2x | **missed** |\n",
                      page)

    def test_what_was_not_measured_keeps_its_figures_or_says_so(self):
        self.assertIn("Not measured.", self.keep(lone=LONE))
        page = self.keep(engine=ENGINE)
        self.assertIn("start: here", page)
        self.assertNotIn("Not measured.", page)

    def test_figures_of_another_machine_are_not_taken_for_this_ones(self):
        self.keep(engine=ENGINE, lone=LONE)
        other = {**MACHINE, "processors": 64}
        with self.assertRaisesRegex(report.Problem, "lone of another machine.*./dev bench --page"):
            report.keep(self.book, other, {"engine": group_of(ENGINE)})
        report.keep(self.book, {**MACHINE, "when": "2026-02-03"}, {"engine": group_of(ENGINE)})
        report.keep(self.book, other, {"engine": group_of(ENGINE), "lone": group_of(LONE)})
        self.assertIn("64 processors", self.book.page.read_text())

    def test_a_group_without_a_place_is_refused(self):
        with self.assertRaisesRegex(report.Problem, "no place for 'other'.*<!-- figures: other -->"):
            report.require_places(PAGE, ["engine", "other"])
        report.require_places(PAGE, ["engine", "lone"])

    def test_check_tells_what_is_stale(self):
        self.keep(engine=ENGINE)
        self.assertEqual(self.check(), (0, ""))
        self.book.page.write_text(self.book.page.read_text().replace("0.50x", "0.60x"))
        code, output = self.check()
        self.assertEqual(code, 1)
        self.assertIn("page.md is not what figures.json makes", output)
        self.assertIn(report.MEND, output)
        report.write(self.book)
        self.book.picture.write_text("<svg/>")
        self.assertIn("picture.svg", self.check()[1])

    def test_the_page_of_the_tree_is_what_its_figures_make(self):
        self.book = report.BOOK
        self.assertEqual(self.check(), (0, ""))


class PictureTest(unittest.TestCase):
    def test_a_line_for_each_with_a_point_for_each_size(self):
        root = xml.fromstring(picture.draw(ENGINE))
        space = "{http://www.w3.org/2000/svg}"
        lines = root.findall(space + "polyline")
        self.assertEqual(len(lines), 2)
        points = [[tuple(float(part) for part in point.split(",")) for point in line.get("points").split()]
                  for line in lines]
        ring, evp = points
        # Sizes go from edge to edge; more is higher, and both ends of the scale are steps of it.
        self.assertEqual([point[0] for point in ring], [picture.LEFT, picture.RIGHT])
        self.assertEqual(ring[1][1], picture.TOP)
        self.assertEqual(ring[0][1], picture.BOTTOM)
        self.assertLess(ring[1][1], evp[1][1])
        self.assertGreater(ring[0][1], evp[0][1])
        texts = {text.text for text in root.findall(space + "text")}
        self.assertLessEqual({"through the ring", "EVP", "64 B", "1 MiB", "1", "2", "5", "10"}, texts)

    def test_steps_enclose_the_values(self):
        self.assertEqual(picture._list_steps(0.3, 18), [0.2, 0.5, 1, 2, 5, 10, 20])
        self.assertEqual(picture._list_steps(1, 10), [1, 2, 5, 10])


class HostTest(unittest.TestCase):
    def test_every_part_is_told(self):
        told = host.describe(pathlib.Path("/nowhere"))
        self.assertEqual(set(told), set(MACHINE))
        self.assertEqual(told["compiler"], "unknown compiler")
        self.assertRegex(told["when"], r"^\d{4}-\d\d-\d\d$")
        json.dumps(told)


if __name__ == "__main__":
    unittest.main()
