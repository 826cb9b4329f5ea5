"""Takes turns: every round asks each contestant once, so that what else the machine does hits all alike."""

import statistics
from typing import Callable, Dict, List, NamedTuple


class CannotMeasure(Exception):
    """What is measured, or what measures it, does not do its part."""


class Medians(NamedTuple):
    values: Dict[str, float]  # of those that gave one in every round
    failures: Dict[str, str]  # why the others did not


def take_turns(rounds: int, contestants: Dict[str, Callable[[], float]]) -> Medians:
    """The median of what each gave, over the rounds. Who fails once is left out from then on."""
    given: Dict[str, List[float]] = {name: [] for name in contestants}
    failures: Dict[str, str] = {}
    for _ in range(rounds):
        for name, measure in contestants.items():
            if name in failures:
                continue
            try:
                given[name].append(measure())
            except CannotMeasure as error:
                failures[name] = str(error)
    return Medians({name: statistics.median(values) for name, values in given.items()
                    if name not in failures}, failures)
