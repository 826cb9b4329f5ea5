#!/usr/bin/env python3
"""Measures this machine: rows of figures, each beside its baseline and its goal (docs/performance.md).

exit code 1 when something could not be measured that should have been; a goal that is missed is told in its row.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Dict, List

TREE = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TREE / "tools"))
from bench import attachments  # noqa: E402
from bench import chip  # noqa: E402
from bench import engine  # noqa: E402
from bench import fuzz, host, report, rivals  # noqa: E402
from bench.group import Effort, Group  # noqa: E402
from bench.row import Row, table, write_json  # noqa: E402
from demo.error import DemoError  # noqa: E402
from vm.error import VmError  # noqa: E402

GROUPS: List[Group] = [
    engine.GROUP,
    chip.GROUP,
    attachments.GROUP,
    rivals.GROUP,
    fuzz.GROUP,
]
ROUNDS = 9
# One round of next to nothing: to see that everything runs.
HASTE = 1000


def parse(words: List[str]) -> argparse.Namespace:
    names = [group.name for group in GROUPS]
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Figures of this machine, each beside its baseline.",
        epilog="names: " + "; ".join(f"{group.name}, {group.summary}" for group in GROUPS))
    parser.add_argument("names", nargs="*", metavar="NAME", help="rows to measure; all without one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the rows for programs")
    parser.add_argument("--page", action="store_true",
                        help="keep the figures in docs/performance.json and renew docs/performance.md")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N",
                        help=f"each figure is the median of N rounds, {ROUNDS} without it")
    parser.add_argument("--quick", action="store_true",
                        help="see that everything runs; the figures mean nothing")
    parser.add_argument("--build", type=Path, default=TREE / "build/release", help=argparse.SUPPRESS)
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    for name in options.names:
        if name not in names:
            parser.error(f"there are no rows '{name}'; there are: {', '.join(names)}")
    if options.rounds < 1:
        parser.error(f"--rounds: '{options.rounds}' is no number from 1 on")
    if options.page:
        if options.quick:
            parser.error("--page: figures of --quick mean nothing")
        try:
            report.require_places(report.BOOK.page.read_text(), options.names or names)
        except report.Problem as problem:
            parser.error(f"--page: {problem}")
    if options.json and not options.json.resolve().parent.is_dir():
        parser.error(f"--json: there is no folder {options.json.resolve().parent}")
    return options


def main(words: List[str]) -> int:
    options = parse(words)
    if options.check_arguments:
        return 0
    effort = Effort(options.build.resolve(), 1 if options.quick else options.rounds,
                    HASTE if options.quick else 1)
    rows: List[Row] = []
    failures: List[str] = []
    measured: Dict[str, Any] = {}
    for group in GROUPS:
        if options.names and group.name not in options.names:
            continue
        load = [os.getloadavg()[0]]
        result = group.run(effort)
        load.append(os.getloadavg()[0])
        print(f"{group.name}: {group.summary}; {os.cpu_count()} processors, load average {load[0]:.1f} at the "
              f"beginning and {load[1]:.1f} at the end, {effort.rounds} rounds")
        if options.quick:
            print("--quick: the figures mean nothing")
        for line in [*result.notes, *table(result.rows)]:
            print(line)
        rows.extend(result.rows)
        failures.extend(result.failures)
        # What this machine has not is no reason to lose what is kept.
        if result.rows and not result.failures:
            measured[group.name] = {"rounds": effort.rounds, "load": [round(value, 2) for value in load],
                                    "notes": result.notes, "rows": [row._asdict() for row in result.rows]}
    for failure in failures:
        print(f"FAILED: {failure}")
    goals = [row.met for row in rows if row.goal]
    print(f"{len(rows)} rows, {sum(goals)} of {len(goals)} goals met")
    if options.json:
        write_json(rows, options.json)
    if options.page and measured:
        try:
            report.keep(report.BOOK, host.describe(effort.build), measured)
        except report.Problem as problem:
            failures.append(str(problem))
            print(f"FAILED: {problem}")
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (DemoError, VmError) as error:
        sys.exit(f"error: {error}")
