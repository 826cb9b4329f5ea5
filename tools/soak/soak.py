#!/usr/bin/env python3
"""./dev soak: the whole stack for an hour, in one process and served; what its processes hold must not grow.

Two players open sessions, exchange keys, decrypt, present, read back and compare, are refused what they may not have,
reset the function and connect anew, again and again. Memory, descriptors and threads of each process are sampled four
times a second. After a warm-up a line is fitted to the least memory of each window. Exit code 0: none grows faster than the
limit, no descriptor or thread is lost, and nothing went wrong.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from soak import growth, process  # noqa: E402
from soak.stack import SoakError, Stack, Tally  # noqa: E402

LIMIT_KIB_PER_HOUR = 1024
SAMPLE_S = 0.25
TELL_S = 30.0
LEAST_MINUTES = 5  # in less, sessions that come and go outweigh what is lost


class Growth(NamedTuple):
    """Of one process, after the warm-up."""
    name: str
    kib_per_hour: float
    descriptors: int
    threads: int
    rss_kib: float  # the last

    def is_within(self, limit: float) -> bool:
        return self.kib_per_hour <= limit and self.descriptors == 0 and self.threads == 0


def judge(name: str, samples: list, warm_up_s: float) -> Growth:
    kept = growth.after_warm_up(samples, warm_up_s)
    if len(kept) < 2:
        raise SoakError(f"{name} was seen too seldom to say whether it grows; give it more minutes")
    return Growth(name, growth.kib_per_hour(kept), growth.creeping([sample.descriptors for sample in kept]),
                  growth.creeping([sample.threads for sample in kept]), kept[-1].rss_kib)


def watch(stack: Stack, seconds: float, tell) -> tuple:
    """(samples of each process by its name, faults). Ends early when a process is gone."""
    samples: dict = {each.name: [] for each in stack.processes()}
    start = time.monotonic()
    told = start
    while True:
        now = time.monotonic()
        for each in stack.processes():
            sample = process.read_sample(each.pid, now - start)
            if sample is None:
                return samples, [f"{each.name} was gone after {now - start:.0f} s"]
            samples[each.name].append(sample)
        if now - start >= seconds:
            return samples, []
        if now - told >= TELL_S:
            told = now
            tell(now - start, samples)
        time.sleep(max(0.0, SAMPLE_S - (time.monotonic() - now)))


def find_faults(stack: Stack) -> list:
    """What went wrong, a line each; the stack has ended."""
    faults = []
    for player in stack.players:
        complaints = player.complaints()
        if player.process.returncode != 0 and not complaints:
            complaints = [f"it ended with {player.process.returncode}"]
        faults += [f"{player.name}: {line}" for line in complaints]
    if stack.server_code != 0:
        faults.append(f"{stack.server.name} ended with {stack.server_code}: {' '.join(stack.server.lines()[-3:])}")
    return faults


def summary(minutes: float, tally: Tally, worst: float, limit: float, faults: int) -> str:
    return (f"soak: {minutes:.3g} min, {tally.sessions} sessions, {tally.frames} frames, "
            f"growth {worst:.0f} KiB/h (limit {limit:.0f}), faults {faults}")


def write_json(path: str, minutes: float, tally: Tally, growths: list, limit: float, faults: list, samples: dict) -> None:
    document = {
        "minutes": minutes, **tally._asdict(), "limit_kib_per_hour": limit, "faults": faults,
        "processes": [{**each._asdict(), "within": each.is_within(limit)} for each in growths],
        "samples": {name: [list(sample) for sample in series] for name, series in samples.items()},
        "sample_fields": list(growth.Sample._fields),
    }
    Path(path).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def read_arguments(arguments: list) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev soak", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--limit", type=float, default=LIMIT_KIB_PER_HOUR, metavar="KIB",
                        help=f"growth in KiB an hour that is too much (default: {LIMIT_KIB_PER_HOUR})")
    parser.add_argument("--json", metavar="FILE", help="figures and all samples")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build/release", help=argparse.SUPPRESS)
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.json and not Path(options.json).parent.is_dir():
        parser.error(f"--json: there is no folder {Path(options.json).parent}")
    if not LEAST_MINUTES <= options.minutes <= 7 * 24 * 60:
        parser.error(f"--minutes: {options.minutes:g} is not from {LEAST_MINUTES:g} to {7 * 24 * 60} (a week)")
    if not 0 <= options.limit < 1e9:
        parser.error("--limit: it is a number of KiB an hour, 0 or more")
    return options


def run(options: argparse.Namespace) -> int:
    seconds = options.minutes * 60
    # Heaps, caches and blinding have their size by then: a fifth of the run, at most ten minutes.
    warm_up_s = min(seconds / 5, 600)

    def tell(elapsed: float, samples: dict) -> None:
        held = ", ".join(f"{name} {series[-1].rss_kib / 1024:.1f} MiB" for name, series in samples.items())
        tally = stack.tally()
        print(f"...   {elapsed / 60:6.1f} of {options.minutes:g} min  {tally.sessions} sessions, {tally.frames} frames, "
              f"{tally.faults} faults; {held}", flush=True)

    with tempfile.TemporaryDirectory(prefix="ward-soak-") as name:
        with Stack(options.build_dir.resolve(), Path(name)) as stack:
            start = time.monotonic()
            samples, faults = watch(stack, seconds, tell)
            minutes = (time.monotonic() - start) / 60
        tally = stack.tally()
        faults += find_faults(stack)
    growths = [judge(each, series, warm_up_s) for each, series in samples.items()] if not faults else []
    for each in growths:
        verdict = "ok" if each.is_within(options.limit) else "FAIL"
        print(f"{verdict:4}  {each.name:12} {each.kib_per_hour:8.0f} KiB/h  {each.rss_kib / 1024:6.1f} MiB at the end, "
              f"{each.descriptors} descriptors and {each.threads} threads more")
    for line in faults[:20]:
        print(f"FAIL  {line}")
    if options.json:
        write_json(options.json, minutes, tally, growths, options.limit, faults, samples)
    worst = max((each.kib_per_hour for each in growths), default=0.0)
    print(summary(minutes, tally, worst, options.limit, max(len(faults), tally.faults)))
    is_well = not faults and tally.frames > 0 and all(each.is_within(options.limit) for each in growths)
    return 0 if is_well else 1


def main(arguments: list) -> int:
    options = read_arguments(arguments)
    if options.check_arguments:
        return 0
    try:
        return run(options)
    except SoakError as error:
        print(f"soak: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
