#!/usr/bin/env python3
"""./dev faults counts what happened: tries that cases report, programs that die, faults tried too seldom."""
import contextlib
import io
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tools/faults"))
import faults  # noqa: E402

REPORT = "import os; open(os.environ['WARD_FAULT_REPORT'], 'a').write('{}'); raise SystemExit({})"


def case(text, code=0, name="unit.x.F3_ y"):
    return faults.Case(name, faults.numbers_in(name),
                       [sys.executable, "-c", REPORT.format(text.replace("\n", "\\n"), code)])


class Faults(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def counted(self, one):
        done = faults.run(one, 0, self.folder, 0)
        (self.folder / "report0").unlink(missing_ok=True)
        return done.outcome, done.survived, done.begun

    def run_main(self, cases, *arguments):
        output = io.StringIO()
        with mock.patch.object(faults, "ctest_cases", lambda build: cases), \
                contextlib.redirect_stdout(output):
            code = faults.main(list(arguments))
        return code, output.getvalue().splitlines()

    def test_numbers_are_those_of_names(self):
        self.assertEqual(faults.numbers_in("unit.unit_x.P14_ F6_ a client"), ["F6"])
        self.assertEqual(faults.numbers_in("unit.client_deaths.F6_F18_P14_"), ["F6", "F18"])
        self.assertEqual(faults.numbers_in("unit.x.XF1_ F21_ of F1"), [])

    def test_tries_are_what_the_case_reports(self):
        self.assertEqual(self.counted(case("100 100\n20 20\n")), ("ok", 120, 120))
        self.assertEqual(self.counted(case("100 99\n")), ("FAIL", 99, 100))
        self.assertEqual(self.counted(case("")), ("ok", 1, 1))

    def test_who_dies_has_not_survived_whatever_was_reported(self):
        self.assertEqual(self.counted(case("100 100\n", code=1)), ("FAIL", 99, 100))
        self.assertEqual(self.counted(case("", code=1)), ("FAIL", 0, 1))
        self.assertEqual(self.counted(case("0 0\n", code=3)), ("FAIL", 0, 1))

    def test_who_can_not_run_here_is_skipped(self):
        self.assertEqual(self.counted(case("", code=77)), ("skip", 0, 0))
        self.assertEqual(self.counted(case("0 0\n", code=4)), ("skip", 0, 0))

    def test_the_last_line_is_the_sum(self):
        path = self.folder / "rows.json"
        code, lines = self.run_main([case("100 100\n"), case("7 7\n", name="F4_F3_ z")], "F3",
                                    "--json", str(path))
        self.assertEqual((code, lines[-1]), (0, "survived 107/107"))
        self.assertEqual(json.loads(path.read_text())["survived"], 107)

    def test_a_fault_that_is_tried_too_seldom_or_not_at_all_fails(self):
        code, lines = self.run_main([case("99 99\n")], "F3", "F4")
        self.assertEqual(code, 1)
        self.assertIn("FAIL  F3: 99 tries, and 100 are wanted", lines)
        self.assertIn("FAIL  F4: 0 tries, and 100 are wanted", lines)
        self.assertEqual(lines[-1], "survived 99/99")

    def test_one_that_falls_fails(self):
        code, lines = self.run_main([case("200 199\n")], "F3")
        self.assertEqual((code, lines[-1]), (1, "survived 199/200"))


if __name__ == "__main__":
    unittest.main()
