"""Throughput by size as an SVG, from the rows of the group engine."""

import math
from typing import Dict, List, NamedTuple, Sequence

from .row import Row

WIDTH, HEIGHT = 760, 430
LEFT, RIGHT, TOP, BOTTOM = 64, 590, 44, 380
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20}
MIB_OF_A_GIB = 1024
# In the order of the legend; colours that the colour-blind tell apart.
LINES = (("through the ring", "#d55e00", 3.0), ("block", "#0072b2", 2.0), ("libcrypto block", "#56b4e9", 2.0),
         ("EVP", "#000000", 2.0), ("libgcrypt", "#009e73", 1.5), ("nettle", "#cc79a7", 1.5))


class Scale(NamedTuple):
    """Logarithmic, from `low` at `begin` to `high` at `end`."""
    low: float
    high: float
    begin: float
    end: float

    def place(self, value: float) -> float:
        return self.begin + (self.end - self.begin) * math.log(value / self.low) / math.log(self.high / self.low)


def read_lines(rows: Sequence[Row]) -> Dict[str, Dict[int, float]]:
    """Who -> size in bytes -> GiB/s, of the rows "decrypt <size>: <who>"."""
    lines: Dict[str, Dict[int, float]] = {}
    for row in rows:
        title, _, name = row.name.partition(": ")
        words = title.split()
        if len(words) == 3 and words[0] == "decrypt" and words[2] in UNITS:
            lines.setdefault(name, {})[int(words[1]) * UNITS[words[2]]] = row.value / MIB_OF_A_GIB
    return lines


def draw(rows: Sequence[Row]) -> str:
    lines = read_lines(rows)
    values = [value for line in lines.values() for value in line.values()]
    sizes = sorted({size for line in lines.values() for size in line})
    across = Scale(sizes[0], sizes[-1], LEFT, RIGHT)
    steps = _list_steps(min(values), max(values))
    up = Scale(steps[0], steps[-1], BOTTOM, TOP)
    shapes = [_text(LEFT, 24, "AES-128-CTR, GiB/s on one core, by bytes of a command or call", 15)]
    shapes += _grid(sizes, steps, across, up)
    for at, (name, colour, width) in enumerate(line for line in LINES if line[0] in lines):
        points = [(across.place(size), up.place(value)) for size, value in sorted(lines[name].items())]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        shapes.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width:g}"/>')
        shapes += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points]
        y = TOP + 12 + 24 * at
        shapes.append(f'<line x1="{RIGHT + 20}" y1="{y}" x2="{RIGHT + 44}" y2="{y}" stroke="{colour}" '
                      f'stroke-width="{width:g}"/>')
        shapes.append(_text(RIGHT + 50, y + 4, name))
    body = "\n".join(shapes)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
            f'viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif">\n'
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#ffffff"/>\n{body}\n</svg>\n')


def _list_steps(low: float, high: float) -> List[float]:
    """1, 2, 5, 10, ... from the last one below `low` to the first above `high`."""
    steps = [10.0 ** power * factor
             for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
             for factor in (1, 2, 5)]
    return ([step for step in steps if step <= low][-1:] +
            [step for step in steps if low < step < high] + [step for step in steps if step >= high][:1])


def _grid(sizes: Sequence[int], steps: Sequence[float], across: Scale, up: Scale) -> List[str]:
    shapes = []
    for size in sizes:
        x = across.place(size)
        shapes.append(_rule(x, TOP, x, BOTTOM))
        shapes.append(_text(x, BOTTOM + 20, _name_size(size), anchor="middle"))
    for step in steps:
        y = up.place(step)
        shapes.append(_rule(LEFT, y, RIGHT, y))
        shapes.append(_text(LEFT - 8, y + 4, f"{step:g}", anchor="end"))
    return shapes


def _name_size(size: int) -> str:
    unit = max((name for name in UNITS if UNITS[name] <= size), key=lambda name: UNITS[name])
    return f"{size // UNITS[unit]} {unit}"


def _rule(x1: float, y1: float, x2: float, y2: float) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="#dddddd"/>'


def _text(x: float, y: float, text: str, size: int = 12, anchor: str = "start") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" fill="#222222">{text}</text>'
