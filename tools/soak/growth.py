"""How fast a series of samples grows."""

import statistics
from typing import NamedTuple, Sequence

SECONDS_PER_HOUR = 3600
WINDOWS = 60  # points that a line is fitted to, at most
WINDOW_SAMPLES = 20  # of each, at least: enough to see a process between two sessions


class Sample(NamedTuple):
    """What a process held at a moment."""
    seconds: float
    rss_kib: float
    descriptors: int
    threads: int


def after_warm_up(samples: Sequence[Sample], warm_up_s: float) -> list:
    return [sample for sample in samples if sample.seconds >= warm_up_s]


def lowest_of_windows(samples: Sequence[Sample]) -> list:
    """(seconds, KiB) of the least sample of each window: what is held between two sessions, not in them."""
    windows = max(min(WINDOWS, len(samples) // WINDOW_SAMPLES), 2)
    begin, end = samples[0].seconds, samples[-1].seconds
    width = max((end - begin) / windows, 1e-9)
    lowest = {}
    for sample in samples:
        at = min(int((sample.seconds - begin) / width), windows - 1)
        if at not in lowest or sample.rss_kib < lowest[at].rss_kib:
            lowest[at] = sample
    return [(lowest[at].seconds, lowest[at].rss_kib) for at in sorted(lowest)]


def slope(points: Sequence) -> float:
    """KiB a second, by Theil and Sen: the median of all slopes between two points. A single step, such as a heap that
    gets one more arena, moves it less than it moves a least-squares line."""
    slopes = [(later[1] - earlier[1]) / (later[0] - earlier[0])
              for i, earlier in enumerate(points) for later in points[i + 1:] if later[0] > earlier[0]]
    return statistics.median(slopes) if slopes else 0.0


def kib_per_hour(samples: Sequence[Sample]) -> float:
    """Of what stays between sessions. Needs two samples."""
    return slope(lowest_of_windows(samples)) * SECONDS_PER_HOUR


def creeping(values: Sequence[int]) -> int:
    """By how much the least of the last third exceeds the most of the first third; 0 when it does not. For counts,
    which have no noise: whoever holds more at its quietest than it did at its busiest loses them."""
    third = max(len(values) // 3, 1)
    return max(min(values[-third:]) - max(values[:third]), 0)
