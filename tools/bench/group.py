"""What a group of rows is: `bench.py` runs them, each of its own module."""

from pathlib import Path
from typing import Callable, List, NamedTuple

from .row import Row


class Effort(NamedTuple):
    build: Path  # the release build
    rounds: int
    # Divides how often a round does a thing; figures of a large one mean nothing, but are there.
    haste: int = 1

    def count(self, full: int) -> int:
        return max(1, full // self.haste)


class Result(NamedTuple):
    rows: List[Row]
    notes: List[str]  # what could not be measured on this machine and why, and what took part
    failures: List[str]  # what should have worked


class Group(NamedTuple):
    name: str
    summary: str
    run: Callable[[Effort], Result]
