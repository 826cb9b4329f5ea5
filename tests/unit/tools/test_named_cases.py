#!/usr/bin/env python3
"""Faults F1 to F20 and properties P1 to P17 of docs/security-model.md: each has a case of its name,
the list has the cases that there are, and the page's tables name the files that hold them. One that
is renamed or lost is noticed here.

After a change of cases: test_named_cases.py --write
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIST = Path(__file__).with_name("named_cases.txt")
LIST_HEAD = "# Cases of faults and properties; made by: python3 tests/unit/tools/test_named_cases.py --write\n"
PAGE = ROOT / "docs/security-model.md"
NUMBER = re.compile(r"(?<![A-Za-z0-9])[FP][1-9]\d?(?=_)")
CATCH_CASE = re.compile(r'TEST_CASE\(\s*"((?:[^"\\]|\\.)*(?:"\s*"[^"]*)*)"')
PYTHON_CASE = re.compile(r"^    def test_((?:[fp]\d+_)+\w+)", re.MULTILINE)
# Programs that are cases: in a CMakeLists.txt, "name.F7_ arguments" or "NAME unit.name.F7_".
PROGRAM = re.compile(r'(\w+)\.((?:[FP]\d+_)+)[ "]')
FAULTS = {f"F{number}" for number in range(1, 21)}
PROPERTIES = {f"P{number}" for number in range(1, 18)}
# "| P3: what holds | files |", "| F2: what happens | outcome | files |"
ROW = re.compile(r"^\| ([FP]\d+): (.*) \|([^|]*)\|$", re.MULTILINE)


def names_in(path):
    text = path.read_text()
    if path.suffix == ".cc":
        return [re.sub(r'"\s*"', "", name) for name in CATCH_CASE.findall(text)]
    if path.suffix == ".py":
        return [re.sub(r"^(?:[fp]\d+_)+", lambda match: match[0].upper(), name)
                for name in PYTHON_CASE.findall(text)]
    return [numbers + name for name, numbers in PROGRAM.findall(text)]


def find_cases():
    """{"F1 path: name"} of the tree; a case of two numbers is there under both."""
    found = set()
    for pattern in ("**/*.cc", "**/test_*.py", "**/CMakeLists.txt"):
        for path in (ROOT / "tests").glob(pattern):
            if path == Path(__file__):
                continue
            for name in names_in(path):
                plain = re.sub(r"(?<![A-Za-z0-9])[FP][1-9]\d?_ ?", "", name).strip()
                for number in NUMBER.findall(name):
                    if number in FAULTS | PROPERTIES:
                        found.add(f"{number} {path.relative_to(ROOT)}: {plain}")
    return found


def read_list():
    return {line for line in LIST.read_text().splitlines() if line and not line.startswith("#")}


def files_of(number, cases):
    """As a table names them: scripts by their own names."""
    files = set()
    for case in cases:
        head, _, name = case.partition(": ")
        if head.split()[0] == number:
            path = Path(head.split(maxsplit=1)[1])
            path = path.with_name(f"{name}.py") if path.name == "CMakeLists.txt" else path
            files.add(str(path.relative_to("tests")))
    return files


def table_cell(number, cases):
    return ", ".join(f"`{name}`" for name in sorted(files_of(number, cases)))


def page_with_files(page, cases):
    return ROW.sub(lambda row: f"| {row[1]}: {row[2]} | {table_cell(row[1], cases)} |", page)


def sorted_cases(cases):
    return sorted(cases, key=lambda case: (case[0], int(case.split()[0][1:]), case))


class NamedCases(unittest.TestCase):
    def test_the_list_is_what_there_is(self):
        listed, found = read_list(), find_cases()
        self.assertEqual(sorted(listed - found), [], "listed, and not there")
        self.assertEqual(sorted(found - listed), [], f"there, and not in {LIST.name}")

    def test_each_fault_and_property_has_one(self):
        missing = (FAULTS | PROPERTIES) - {case.split()[0] for case in find_cases()}
        self.assertEqual(sorted(missing), [], "no case has the number")

    def test_the_page_has_a_row_for_each_and_names_its_files(self):
        page, cases = PAGE.read_text(), find_cases()
        self.assertEqual(sorted(row[0] for row in ROW.findall(page)), sorted(FAULTS | PROPERTIES))
        for number, _, cell in ROW.findall(page):
            with self.subTest(number=number):
                self.assertEqual(cell.strip(), table_cell(number, cases), "run this file with --write")

    def test_files_that_the_page_names_exist(self):
        for number, _, cell in ROW.findall(PAGE.read_text()):
            for name in re.findall(r"`([^`]+)`", cell):
                with self.subTest(number=number, file=name):
                    self.assertTrue((ROOT / "tests" / name).is_file())

    def test_names_are_found_as_they_are_written(self):
        self.assertEqual(NUMBER.findall("V19 F6_ P14_ a client of P010_ and XF1_"), ["F6", "P14"])
        self.assertEqual(PROGRAM.findall('foreach(what "a_b.F6_F18_ 60" "c.F7_ 1")'),
                         [("a_b", "F6_F18_"), ("c", "F7_")])
        page = "| F1: a | b | old |\n| P1: c | |\n"
        self.assertEqual(page_with_files(page, {"F1 tests/unit/x_test.cc: y"}),
                         "| F1: a | b | `unit/x_test.cc` |\n| P1: c |  |\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        everything = find_cases()
        LIST.write_text(LIST_HEAD + "\n".join(sorted_cases(everything)) + "\n")
        PAGE.write_text(page_with_files(PAGE.read_text(), everything))
    else:
        unittest.main()
