#!/usr/bin/env python3
"""A cell of the matrix: what its numbers mean, and that cases are left out for their tags alone."""

import os
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells

# A suite's program: lists its cases, and tells the attachment's story of them.
PROGRAM = """#!/bin/sh
cat <<'XML'
<?xml version="1.0"?>
<MatchingTests>
  <TestCase><Name>plain</Name><Tags/></TestCase>
  <TestCase><Name>seen</Name><Tags>[negative][needs-screen]</Tags></TestCase>
  <TestCase><Name>strict</Name><Tags>[needs-strict-iv]</Tags></TestCase>
  <TestCase><Name>cut</Name><Tags>[needs-hand][needs-time]</Tags></TestCase>
</MatchingTests>
XML
"""


def make_report(**outcomes: str) -> str:
    attributes = {"passed": 'success="true" skips="0"', "skipped": 'success="true" skips="1"',
                  "failed": 'success="false" skips="0"'}
    cases = "".join(f'<TestCase name="{name}"><OverallResult {attributes[outcome]}/></TestCase>'
                    for name, outcome in outcomes.items())
    return f"<Catch2TestRun>{cases}</Catch2TestRun>"


class Fake(attachments.Attachment):
    name = "fake"
    offers = frozenset({"vram"})
    set_ups = {"strict-iv": ("--strict-iv",), "latency": ("--latency", "realistic")}

    def __init__(self, **reports: str) -> None:
        super().__init__(Path("/nowhere"))
        self._reports = reports
        self.asked = []

    def run(self, program: Path, set_up: str = "") -> str:
        self.asked.append(set_up)
        return self._reports[set_up.replace("-", "_") or "default"]


class MatrixCell(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.program = Path(folder.name) / "suite"
        self.program.write_text(PROGRAM)
        os.chmod(self.program, 0o755)

    def test_a_need_of_a_set_up_is_met_by_a_run_of_its_own(self) -> None:
        fake = Fake(default=make_report(plain="passed", seen="skipped", strict="skipped",
                                        cut="skipped"), strict_iv=make_report(strict="passed"))
        cell = cells.run_cell(fake, self.program)
        self.assertEqual(fake.asked, ["", "strict-iv"])  # no case needs latency
        self.assertEqual((cell.passed, cell.failed, cell.not_applicable), (2, 0, 2))
        self.assertEqual(cell.unmet, (("hand", 1), ("screen", 1), ("time", 1)))
        self.assertEqual(cell.text(), "2 passed 2 n/a")

    def test_a_case_that_is_left_out_without_a_need_fails(self) -> None:
        cell = cells.run_cell(Fake(
            default=make_report(plain="skipped", seen="skipped", strict="skipped", cut="skipped"),
            strict_iv=make_report(strict="passed")), self.program)
        self.assertEqual([failure[0] for failure in cell.failures], ["plain"])

    def test_a_case_that_runs_against_its_tags_fails(self) -> None:
        cell = cells.run_cell(Fake(
            default=make_report(plain="passed", seen="passed", strict="skipped", cut="skipped"),
            strict_iv=make_report(strict="passed")), self.program)
        self.assertEqual([failure[0] for failure in cell.failures], ["seen"])

    def test_a_case_that_did_not_run_fails(self) -> None:
        cell = cells.run_cell(Fake(
            default=make_report(plain="passed", seen="skipped", strict="skipped"),
            strict_iv=make_report(strict="failed")), self.program)
        self.assertEqual(sorted(failure[:2] for failure in cell.failures),
                         [("cut", "did not run"), ("strict", "threw an exception")])

    def test_where_all_is_offered_nothing_is_left_out(self) -> None:
        fake = Fake(default=make_report(plain="passed", seen="passed", strict="passed",
                                        cut="skipped"))
        fake.offers, fake.set_ups = None, {}
        cell = cells.run_cell(fake, self.program)
        self.assertEqual([failure[0] for failure in cell.failures], ["cut"])

    def test_a_program_on_a_function_is_told_what_is_offered(self) -> None:
        fake = Fake()
        self.assertEqual(fake.arguments("", "tcp:1", "/root.pem"),
                         ["--function", "tcp:1", "--root", "/root.pem", "--offers", "vram"])
        self.assertEqual(fake.arguments("strict-iv", "tcp:1", "/root.pem"),
                         ["[needs-strict-iv]", "--function", "tcp:1", "--root", "/root.pem",
                          "--offers", "strict-iv,vram"])


if __name__ == "__main__":
    unittest.main()
