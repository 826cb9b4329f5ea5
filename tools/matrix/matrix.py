#!/usr/bin/env python3
"""The suites over every attachment, as one table: rows suites, columns attachments.

usage: matrix.py [--build DIR] [--only NAME]... [--function ADDRESS --root FILE [--offers NEEDS]]
                 [--json FILE]
exit code 2 for wrong usage, 1 when a case failed, 0 also when a column could not be run here (the table says why).
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Dict, List, Optional

TREE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(TREE / "tools"), str(TREE / "tools/conformance")]
from matrix import attachments  # noqa: E402
from matrix.cells import Cell, list_suites, run_cell  # noqa: E402


def print_table(columns: List[str], rows: Dict[str, List[Cell]]) -> None:
    cells = [["", *columns]] + [[name, *(cell.text() for cell in row)] for name, row in rows.items()]
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    for line in cells:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip())


def print_details(columns: List[str], rows: Dict[str, List[Cell]]) -> None:
    for column, cell in _unique_reasons(columns, rows):
        print(f"not run: {column}: {cell.not_run}")
    for name, row in rows.items():
        for column, cell in zip(columns, row):
            if cell.unmet:
                print(f"n/a: {name}, {column}: for want of {cell.explain_unmet()}")
    for name, row in rows.items():
        for column, cell in zip(columns, row):
            for case, outcome, places in cell.failures:
                print(f"FAILED: {name}, {column}: {case}: {outcome}")
                for place in places.splitlines():
                    print(place if len(place) <= 240 else place[:237] + "...")


def _unique_reasons(columns, rows):
    seen = {}
    for row in rows.values():
        for column, cell in zip(columns, row):
            if cell.not_run:
                seen.setdefault(column, cell)
    return seen.items()


def choose(build: Path, only: List[str], function: Optional[str], root: Optional[Path],
           offers: str) -> List[attachments.Attachment]:
    if function:
        named = {need for need in offers.split(",") if need}
        if named - attachments.FUNCTION_OFFERS:
            print(f"error: --offers takes {', '.join(sorted(attachments.FUNCTION_OFFERS))}",
                  file=sys.stderr)
            sys.exit(2)
        return [attachments.Function(build, function, root, frozenset(named))]
    found = attachments.list_attachments(build)
    names = [attachment.name for attachment in found]
    wanted = {name.lower() for name in only}
    quoted = ", ".join(f'"{name}"' for name in names)
    for name in only:
        if name.lower() not in {one.lower() for one in names}:
            print(f"error: there is no attachment \"{name}\"; there are: {quoted}", file=sys.stderr)
            sys.exit(2)
    return [attachment for attachment in found if not only or attachment.name.lower() in wanted]


def main() -> int:
    parser = argparse.ArgumentParser(prog="./dev test matrix", allow_abbrev=False,
                                     description="The suites over every attachment.")
    parser.add_argument("--build", type=Path, default=TREE / "build/release")
    parser.add_argument("--only", action="append", default=[], metavar="NAME",
                        help="this attachment, in any case; may be repeated")
    parser.add_argument("--function", metavar="ADDRESS",
                        help="only this PCI function, bound to vfio-pci, or a served device")
    parser.add_argument("--root", type=Path, help="the root of its certificates, PEM")
    parser.add_argument("--offers", default="", metavar="NEEDS",
                        help="of --function: \"power\", \"vram\" or both, which cases may need")
    parser.add_argument("--json", type=Path, metavar="FILE")
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    build = options.build.resolve()
    columns = choose(build, options.only, options.function, options.root, options.offers)
    if options.check_arguments:
        return 0
    programs = list_suites(build)
    missing = [str(path) for _, path in programs if not path.exists()]
    if missing:
        sys.exit(f"error: {missing[0]} is not built\n  mend: ./dev build release")
    rows: Dict[str, List[Cell]] = {name: [] for name, _ in programs}
    for attachment in columns:
        for name, program in programs:
            cell = run_cell(attachment, program)
            rows[name].append(cell)
            print(f"{name}, {attachment.name}: {cell.text()} ({cell.seconds:.0f} s)",
                  file=sys.stderr, flush=True)
    heads = [attachment.name for attachment in columns]
    print_table(heads, rows)
    print_details(heads, rows)
    if options.json:
        options.json.write_text(json.dumps(
            [{"suite": name, "attachment": head, **cell._asdict()}
             for name, row in rows.items() for head, cell in zip(heads, row)], indent=1) + "\n")
    cells = [cell for row in rows.values() for cell in row]
    ran = [cell for cell in cells if not cell.not_run]
    return 0 if ran and all(cell.failed == 0 and cell.passed > 0 for cell in ran) else 1


if __name__ == "__main__":
    sys.exit(main())
