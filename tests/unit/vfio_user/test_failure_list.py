#!/usr/bin/env python3
"""The list V1.. of docs/spec/vfio-user.md against the tests: each has a case of its name, or a reason
why it can't happen here; and the page names no case that there is not."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs/spec/vfio-user.md"
NUMBERS = range(1, 69)
ROW = re.compile(r"^\| V(\d+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
# Names of Catch2 cases and of Python's test methods.
CASE = re.compile(r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*)"|def (test_\w+)\(')


def case_numbers(sources):
    """The numbers that cases have in their names: 'V22 a stale socket', 'test_v22_a_stale'."""
    names = ["".join(groups) for text in sources for groups in CASE.findall(text)]
    return {int(number) for name in names for number in re.findall(r"(?:\b|_)[Vv](\d+)(?=\b|_)", name)}


class FailureList(unittest.TestCase):
    def setUp(self):
        files = [*(ROOT / "tests/unit").glob("vfio_user/*_test.cc"),
                 *(ROOT / "tests/unit").glob("vfio_user/test_serve*.py")]
        self.tested = case_numbers([path.read_text() for path in files])
        self.rows = ROW.findall(PAGE.read_text())

    def test_every_failure_has_one_row(self):
        self.assertEqual([int(number) for number, _, _ in self.rows], list(NUMBERS))

    def test_rows_say_tested_exactly_where_there_is_a_case(self):
        says = {int(number) for number, _, answer in self.rows if answer.startswith("tested")}
        self.assertEqual(says - self.tested, set(), "the page says tested, and no case has the name")
        self.assertEqual(self.tested - says, set(), "a case has the name, and the page does not know")

    def test_every_other_row_has_a_reason(self):
        for number, _, answer in self.rows:
            with self.subTest(number=number):
                self.assertTrue(answer.startswith("tested") or len(answer.split()) >= 5, answer)

    def test_files_that_rows_name_exist(self):
        for name in re.findall(r"`((?:tests|tools|docs)/[\w./]+)`", PAGE.read_text()):
            self.assertTrue((ROOT / name).exists(), name)

    def test_names_are_found_as_they_are_written(self):
        self.assertEqual(case_numbers(['TEST_CASE("P14_ V29 V30 windows")', "def test_v4_v13_x(self):",
                                       'TEST_CASE("a VRAM of 5")']), {29, 30, 4, 13})


class Clock(unittest.TestCase):
    # F12: a clock that jumps is not seen by who never looks at it.
    WALL = re.compile(r"system_clock|high_resolution_clock|CLOCK_REALTIME|gettimeofday|\btime\(|"
                      r"deadline_timer|system_timer")

    def test_f12_served_devices_know_the_monotonic_clock_only(self):
        files = sorted((ROOT / "emulator/vfio_user").glob("*.cc"))
        self.assertGreater(len(files), 10)
        text = "".join(path.read_text() for path in files)
        self.assertEqual(self.WALL.findall(text), [])
        self.assertIn("steady_clock", text)
        self.assertIn("steady_timer", text)
        self.assertTrue(self.WALL.search("asio::system_timer") and self.WALL.search("= time(nullptr)"))


if __name__ == "__main__":
    unittest.main()
