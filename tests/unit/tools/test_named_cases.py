#!/usr/bin/env python3
"""Faults and properties (docs/security-model.md) have the cases that the list names, and no others:
one that is renamed or lost is noticed here.
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LIST = Path(__file__).with_name("named_cases.txt")
CASES = (("**/*.cc", re.compile(r'TEST_CASE\(\s*"([FP]\d+)_((?:[^"\\]|\\.)*(?:"\s*"[^"]*)*)"')),
         ("**/test_*.py", re.compile(r"^    def test_([fp]\d+)_(\w+)", re.MULTILINE)))
# What has to have a case whatever the list says.
FAULTS = {"F1", "F2", "F3", "F4", "F5", "F8", "F9", "F10", "F15", "F17"}
PROPERTIES = {"P3", "P6", "P10", "P12", "P15", "P16", "P17"}


def find_cases():
    """{"F1 path: name"} of the tree."""
    found = set()
    for pattern, case in CASES:
        for path in (ROOT / "tests").glob(pattern):
            if path == Path(__file__):
                continue
            for match in case.finditer(path.read_text()):
                name = re.sub(r'"\s*"', "", match[2]).strip()
                found.add(f"{match[1].upper()} {path.relative_to(ROOT)}: {name}")
    return found


def read_list():
    return {line for line in LIST.read_text().splitlines() if line and not line.startswith("#")}


class NamedCases(unittest.TestCase):
    def test_the_list_is_what_there_is(self):
        listed, found = read_list(), find_cases()
        self.assertEqual(sorted(listed - found), [], "listed, and not there")
        self.assertEqual(sorted(found - listed), [], f"there, and not in {LIST.name}")

    def test_each_fault_and_property_has_one(self):
        self.assertEqual((FAULTS | PROPERTIES) - {line.split()[0] for line in read_list()}, set())

    def test_the_page_names_files_that_hold_its_faults(self):
        rows = re.findall(r"^\| (F\d+): .*\| (.*) \|$",
                          (ROOT / "docs/security-model.md").read_text(), re.MULTILINE)
        self.assertGreater(len(rows), 5)
        files = []
        for fault, text in rows:
            if text != "the same":
                files = [Path(name).name for name in re.findall(r"`([\w/]+\.\w+)`", text)]
            self.assertNotEqual(files, [], fault)
            for name in files:
                with self.subTest(fault=fault, file=name):
                    self.assertTrue(any(line.startswith(f"{fault} ") and f"/{name}: " in line
                                        for line in read_list()))


if __name__ == "__main__":
    if sys.argv[1:] == ["--list"]:
        print("\n".join(sorted(find_cases(), key=lambda c: (c[0], int(c.split()[0][1:]), c))))
    else:
        unittest.main()
