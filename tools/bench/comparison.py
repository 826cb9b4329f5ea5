"""Figures of one program on this machine, each of several contestants that take turns."""

import sys
from typing import Callable, Dict, NamedTuple, Optional, Sequence

from .group import Effort, Result
from .probe import LocalProbe
from .row import Goal, make_row
from .rounds import take_turns

CHIP_PROBE = "tests/bench/chip/ward_chip_probe"
# Why the probe has not one of its kinds.
ABSENT = {
    "wide": "the processor or the build has no wider block than libcrypto's",
    "workers": "there is one processor",
    "gcrypt": "the build did not find libgcrypt20-dev",
    "nettle": "the build did not find nettle-dev",
    "libyuv": "the build did not find libyuv-dev",
}


class Entry(NamedTuple):
    name: str
    kind: str  # as the probe names them (tests/bench/chip/*_subject.h)
    figure: str
    baseline: str = ""  # name of the entry that it is held against
    goal: Optional[Goal] = None


class Comparison(NamedTuple):
    title: str
    unit: str
    count: int  # of samples in a round
    entries: Sequence[Entry]


def open_probe(effort: Effort) -> LocalProbe:
    return LocalProbe([str(effort.build / CHIP_PROBE)])


def run_comparisons(effort: Effort, probe: LocalProbe, comparisons: Sequence[Comparison],
                    result: Result) -> None:
    kinds = probe.list_kinds()
    asked = {entry.kind for comparison in comparisons for entry in comparison.entries}
    result.notes.extend(f"not run: {kind}: {ABSENT[kind]}" for kind in ABSENT
                        if kind in asked and kind not in kinds)
    for comparison in comparisons:
        entries = [entry for entry in comparison.entries if entry.kind in kinds or entry.kind not in ABSENT]
        add_rows(effort, comparison._replace(entries=entries), {
            entry.name: _question(probe, entry, effort.count(comparison.count))
            for entry in entries}, result)


def add_rows(effort: Effort, comparison: Comparison, asked: Dict[str, Callable[[], float]],
             result: Result) -> None:
    """Asks for what each entry's name gives, turn by turn."""
    print(f"{comparison.title}: {effort.rounds} rounds", file=sys.stderr, flush=True)
    medians = take_turns(effort.rounds, asked)
    result.failures.extend(f"{comparison.title}, {name}: {why}"
                           for name, why in medians.failures.items())
    result.rows.extend(
        make_row(f"{comparison.title}: {entry.name}", medians.values[entry.name], comparison.unit,
                 medians.values.get(entry.baseline), entry.goal)
        for entry in comparison.entries if entry.name in medians.values)


def _question(probe: LocalProbe, entry: Entry, count: int) -> Callable[[], float]:
    return lambda: probe.measure(entry.kind, entry.figure, count)
