#!/usr/bin/env python3
"""Writes the table of docs/guide/planted-bugs.md from the list in base/planted_bug.h.

usage: planted_page.py [--check]     (--check changes nothing; exit code 1 when the page differs)
"""

import argparse
import re
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional

ROOT = Path(__file__).resolve().parents[2]
HEADER = ROOT / "base/planted_bug.h"
PAGE = ROOT / "docs/guide/planted-bugs.md"
BEGIN = "<!-- made by tools/fuzz/planted_page.py: -->"
END = "<!-- end -->"
ROW = re.compile(r'\bX\((\w+), (\w+), (\w+), (\w+), "([^"]*)"\)')


class Bug(NamedTuple):
    name: str
    target: str
    kind: str
    oracle: str
    sentence: str


def read_bugs(header: str) -> List[Bug]:
    """The rows of the list, which may be broken anywhere between two words."""
    text = header.split("#define WARD_LIST_PLANTED_BUGS(X)", 1)[1].split("\n\n", 1)[0]
    text = re.sub(r"\s*\\?\n\s*", " ", text)
    bugs = [Bug(*found.groups()) for found in ROW.finditer(text)]
    if not bugs or len(bugs) != text.count("X("):
        raise ValueError(f"{HEADER}: a row of WARD_LIST_PLANTED_BUGS is not X(Name, target, kind, oracle, \"sentence\")")
    return bugs


def render(bugs: List[Bug]) -> str:
    rows = ["| bug | target | kind | oracle | what is wrong |", "| --- | --- | --- | --- | --- |"]
    rows += [f"| `{bug.name}` | `{bug.target}` | {bug.kind.replace('_', ' ')} | `{bug.oracle}` | {bug.sentence} |"
             for bug in bugs]
    return "\n".join([BEGIN, f"{len(bugs)} bugs:", "", *rows, END])


def renew(page: str, bugs: List[Bug]) -> str:
    before, rest = page.split(BEGIN, 1)
    return before + render(bugs) + rest.split(END, 1)[1]


def main(arguments: Optional[List[str]] = None, header: Path = HEADER, page: Path = PAGE) -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="change nothing")
    options = parser.parse_args(arguments)
    old = page.read_text(encoding="utf-8")
    new = renew(old, read_bugs(header.read_text(encoding="utf-8")))
    if old == new:
        return 0
    if options.check:
        print(f"{page} differs from {header}; mend it with: ./dev check --fix generated")
        return 1
    page.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
