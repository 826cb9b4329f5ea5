"""One figure with what it is held against, and how rows are shown."""

import json
from pathlib import Path
from typing import List, NamedTuple, Optional, Sequence

NANOSECONDS = "ns"
MIB_PER_SECOND = "MiB/s"
PER_SECOND = "/s"
MIB = "MiB"
LARGER_UNITS = {NANOSECONDS: (("s", 1e9), ("ms", 1e6), ("us", 1e3)),
                PER_SECOND: (("M/s", 1e6), ("k/s", 1e3))}


class Goal(NamedTuple):
    """A limit of the value itself, or of its ratio to the baseline."""
    limit: float
    of_ratio: bool = False
    at_most: bool = True

    def text(self, unit: str) -> str:
        sign = "<=" if self.at_most else ">="
        return f"{sign} {self.limit:g}x" if self.of_ratio else f"{sign} {show(self.limit, unit)}"

    def is_met(self, value: float, ratio: Optional[float]) -> bool:
        """A limit of the ratio is not met without a baseline."""
        held = ratio if self.of_ratio else value
        if held is None:
            return False
        return held <= self.limit if self.at_most else held >= self.limit


class Row(NamedTuple):
    """`./dev bench --json` writes these fields; baseline, ratio, goal and met are null where there is none."""
    name: str
    value: float
    unit: str
    baseline: Optional[float] = None  # in the same unit, of the same run
    ratio: Optional[float] = None  # value / baseline
    goal: Optional[str] = None
    met: Optional[bool] = None


def make_row(name: str, value: float, unit: str, baseline: Optional[float] = None,
             goal: Optional[Goal] = None) -> Row:
    ratio = value / baseline if baseline else None
    return Row(name, value, unit, baseline, ratio, goal.text(unit) if goal else None,
               goal.is_met(value, ratio) if goal else None)


def show(value: float, unit: str) -> str:
    """For people: in the unit in which the digits are few."""
    for name, size in LARGER_UNITS.get(unit, ()):
        if value >= size:
            return f"{_digits(value / size)} {name}"
    return f"{_digits(value)} {unit}"


def ratio_text(ratio: float) -> str:
    return _digits(ratio)


def _digits(value: float) -> str:
    if value >= 100:
        return f"{value:,.0f}"
    if value >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def table(rows: Sequence[Row]) -> List[str]:
    """Lines, the head first."""
    cells = [["", "value", "baseline", "ratio", "goal", "met"]]
    for row in rows:
        cells.append([row.name, show(row.value, row.unit),
                      "-" if row.baseline is None else show(row.baseline, row.unit),
                      "-" if row.ratio is None else ratio_text(row.ratio), row.goal or "-",
                      "-" if row.met is None else "yes" if row.met else "NO"])
    widths = [max(len(line[at]) for line in cells) for at in range(len(cells[0]))]
    return ["  ".join(text.ljust(width) if at == 0 else text.rjust(width)
                      for at, (text, width) in enumerate(zip(line, widths))).rstrip()
            for line in cells]


def write_json(rows: Sequence[Row], path: Path) -> None:
    path.write_text(json.dumps([row._asdict() for row in rows], indent=1) + "\n")
