#!/usr/bin/env python3
"""docs/performance.md's tables and picture, from the figures that are kept in docs/performance.json.

`./dev bench --page` measures, keeps the figures and renders them; this renders what is kept.

usage: report.py [--check]      --check: exit code 1 when the page is not what the figures make
"""

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Sequence

TREE = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(TREE / "tools"))
from bench.picture import draw  # noqa: E402
from bench.row import Row, ratio_text, show  # noqa: E402

# What lies between the marks is this program's.
PLACE = re.compile(r"(<!-- figures: (\S+) -->\n).*?(<!-- end of figures -->\n)", re.DOTALL)
MEND = "python3 tools/bench/report.py"


class Book(NamedTuple):
    """Where page, figures and picture are."""
    page: Path
    figures: Path
    picture: Path


BOOK = Book(TREE / "docs/performance.md", TREE / "docs/performance.json",
            TREE / "docs/images/decrypt.svg")


class Problem(Exception):
    """Of page or figures; for people."""


def read_rows(group: Dict[str, Any]) -> List[Row]:
    return [Row(**row) for row in group["rows"]]


def list_places(page: str) -> List[str]:
    return [place[1] for place in PLACE.findall(page)]


def require_places(page: str, groups: Sequence[str]) -> None:
    """Before anything is measured for them."""
    places = list_places(page)
    for group in groups:
        if group not in places:
            raise Problem(f"docs/performance.md has no place for '{group}'; where its table is to stand, add the "
                          f"lines <!-- figures: {group} --> and <!-- end of figures -->")


def render_page(page: str, kept: Dict[str, Any]) -> str:
    groups = kept["groups"]
    require_places(page, list(groups))

    def fill(match: "re.Match[str]") -> str:
        name = match[2]
        if name == "machine":
            lines = [describe_machine(kept["machine"])]
        elif name == "goals":
            lines = goal_table([groups[place] for place in list_places(page) if place in groups])
        elif name in groups:
            group = groups[name]
            lines = [f"{group['rounds']} rounds, load average {group['load'][0]:.1f} at the beginning and "
                     f"{group['load'][1]:.1f} at the end.", *[f"* {note}" for note in group["notes"]],
                     "", *group_table(read_rows(group))]
        else:
            lines = ["Not measured."]
        return match[1] + "\n" + "\n".join(lines) + "\n\n" + match[3]

    return PLACE.sub(fill, page)


def describe_machine(machine: Dict[str, Any]) -> str:
    return (f"{machine['processors']} processors ({machine['processor']}; {machine['widest']}), "
            f"{machine['system']}, {machine['compiler']}, {machine['libcrypto']}. {machine['when']}.")


def goal_table(groups: Sequence[Dict[str, Any]]) -> List[str]:
    rows = [row for group in groups for row in read_rows(group) if row.goal]
    lines = [f"{sum(bool(row.met) for row in rows)} of {len(rows)} goals are met.", ""]
    return lines + _table(["row", "value", "baseline", "ratio", "goal", "met"],
                          [_cells(row) for row in rows])


def group_table(rows: Sequence[Row]) -> List[str]:
    """Who against what, where most of that has a figure; else a line for each row."""
    split = [row.name.partition(": ") for row in rows]
    titles = list(dict.fromkeys(title for title, _, _ in split))
    names = list(dict.fromkeys(name for _, _, name in split))
    if len(rows) * 2 > len(titles) * len(names) and len(names) > 1:
        return _matrix(rows, titles, names)
    return _table(["row", "value", "baseline", "ratio", "goal", "met"], [_cells(row) for row in rows])


def _matrix(rows: Sequence[Row], titles: Sequence[str], names: Sequence[str]) -> List[str]:
    by_name = {row.name: row for row in rows}
    lines = []
    for title in titles:
        found = [by_name.get(f"{title}: {name}") for name in names]
        goals = [f"{name if name != names[0] else ''} {row.goal}: {_met(row)}".strip()
                 for name, row in zip(names, found) if row and row.goal]
        lines.append([title, *[_cell(row) for row in found], "; ".join(goals)])
    return _table(["", *names, "goal"], lines)


def _cell(row: Optional[Row]) -> str:
    if row is None:
        return ""
    value = show(row.value, row.unit)
    return value if row.ratio is None else f"{value} ({ratio_text(row.ratio)}x)"


def _met(row: Row) -> str:
    return "met" if row.met else "**missed**"


def _cells(row: Row) -> List[str]:
    return [row.name, show(row.value, row.unit),
            "" if row.baseline is None else show(row.baseline, row.unit),
            "" if row.ratio is None else f"{ratio_text(row.ratio)}x", row.goal or "",
            "" if row.met is None else _met(row)]


def _table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> List[str]:
    return ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head),
            *["| " + " | ".join(line) + " |" for line in lines]]


def render(book: Book) -> Dict[Path, str]:
    """What the files are to hold."""
    kept = json.loads(book.figures.read_text())
    made = {book.page: render_page(book.page.read_text(), kept)}
    if "engine" in kept["groups"]:
        made[book.picture] = draw(read_rows(kept["groups"]["engine"]))
    return made


def is_same_machine(one: Dict[str, Any], other: Dict[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in (one.keys() | other.keys()) - {"when"})


def keep(book: Book, machine: Dict[str, Any], groups: Dict[str, Any]) -> None:
    """Figures of groups that were not measured stay."""
    kept = json.loads(book.figures.read_text()) if book.figures.is_file() else {"groups": {}}
    others = kept["groups"].keys() - groups.keys()
    if others and not is_same_machine(kept.get("machine", machine), machine):
        raise Problem(f"{book.figures.name} holds {', '.join(sorted(others))} of another machine: measure all, "
                      "with: ./dev bench --page")
    kept["machine"] = machine
    kept["groups"].update(groups)
    book.figures.write_text(json.dumps(kept, indent=1) + "\n")
    write(book)


def write(book: Book) -> None:
    for path, text in render(book).items():
        path.write_text(text)


def check(book: Book) -> int:
    stale = [path.name for path, text in render(book).items()
             if not path.is_file() or path.read_text() != text]
    for name in stale:
        print(f"{name} is not what {book.figures.name} makes; mend it with: {MEND}")
    return 1 if stale else 0


def main(words: List[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="whether page and picture are what the figures make")
    options = parser.parse_args(words)
    try:
        if options.check:
            return check(BOOK)
        write(BOOK)
        return 0
    except Problem as problem:
        print(problem)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
