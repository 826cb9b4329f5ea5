#!/usr/bin/env python3
"""A run of the demo succeeds only when every figure of its report is as it has to be."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "tools"))
from demo import report  # noqa: E402

GOOD = {"frames": 2, "bytes_decrypted": 691200, "mismatched_bytes": 0,
        "protected_reads_tried": 6, "protected_reads_refused": 6,
        "wrong_blob_result": "E_INVALIDARG", "capture_view_black": True, "cpu_view_black": True,
        "screen_largest_difference": 3, "screen_mean_difference": 0.75,
        "content_key_in_logs": False}
BAD = [("frames", 1), ("bytes_decrypted", 691199), ("mismatched_bytes", 1),
       ("protected_reads_refused", 0), ("protected_reads_refused", 5),
       ("wrong_blob_result", "S_OK"), ("capture_view_black", False), ("cpu_view_black", False),
       ("screen_largest_difference", 100), ("content_key_in_logs", True)]


class DemoReportTest(unittest.TestCase):
    def test_good_report_has_no_faults(self):
        self.assertEqual(report.find_faults(GOOD, 2), [])

    def test_each_bad_figure_is_named(self):
        for name, value in BAD:
            with self.subTest(name=name, value=value):
                faults = report.find_faults({**GOOD, name: value}, 2)
                self.assertEqual(len(faults), 1, faults)
                self.assertIn(name, faults[0])

    def test_picture_that_is_off_everywhere_is_a_fault(self):
        self.assertEqual(len(report.find_faults({**GOOD, "screen_mean_difference": 3.0}, 2)), 1)

    def test_reads_that_were_never_tried_are_a_fault(self):
        none = {"protected_reads_tried": 0, "protected_reads_refused": 0}
        self.assertEqual(len(report.find_faults({**GOOD, **none}, 2)), 1)

    def test_each_missing_figure_is_named(self):
        for name in {name for name, _ in BAD}:
            with self.subTest(name):
                rest = {key: value for key, value in GOOD.items() if key != name}
                self.assertEqual(report.find_faults(rest, 2),
                                 [f"{name} is missing from the report"])


if __name__ == "__main__":
    unittest.main()
