#!/usr/bin/env python3
"""Instructions that hot commands take, counted by callgrind and held against what is kept.

Only our own code counts: what libraries do depends on the processor, and what ours does not. So two
machines with one compiler give the same figures, whatever else they do.

exit code 1: a command takes more than is kept; 77: nothing can be compared on this machine
"""

import argparse
import json
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple

TREE = Path(__file__).resolve().parents[2]
PROGRAM = "tests/bench/chip/ward_hot_commands"
KEPT = TREE / "tests/bench/instructions.json"
UPDATE = "python3 tools/bench/instructions.py --update"
# A compiler's patch level or a harmless change may move a figure by a little.
TOLERANCE = 0.03
NOT_HERE = 77

TRIGGER = re.compile(r"desc: Trigger: Client Request: (\S+) (\d+)")


class Count(NamedTuple):
    name: str
    each: float  # instructions of our own code for one command


def read_dump(text: str, own_object: str) -> Count:
    """One dump of callgrind, without compressed names or positions: `own_object`'s self cost alone."""
    trigger = TRIGGER.search(text)
    if not trigger:
        raise ValueError("a dump without its name")
    total = 0
    current = ""
    is_call = False  # the line behind "calls=" is what the called function takes
    for line in text.splitlines():
        if line.startswith("ob="):
            current = line[3:]
        elif line.startswith("calls="):
            is_call = True
        elif line[:1].isdigit():
            if not is_call and current == own_object:
                total += int(line.split()[1])
            is_call = False
    return Count(trigger[1], round(total / int(trigger[2]), 1))


def count_all(build: Path) -> Dict[str, float]:
    program = build / PROGRAM
    valgrind = shutil.which("valgrind")
    if not valgrind:
        raise SystemExit("error: valgrind is not installed: ./dev setup")
    if not program.is_file():
        raise SystemExit(f"error: {PROGRAM} is not built: ./dev build release")
    with tempfile.TemporaryDirectory(prefix="ward-callgrind-") as folder:
        run = subprocess.run(
            [valgrind, "--tool=callgrind", "--instr-atstart=no", "--compress-strings=no",
             "--compress-pos=no", f"--callgrind-out-file={folder}/dump", str(program)],
            capture_output=True, text=True, timeout=600, check=False)
        if run.returncode != 0:
            raise SystemExit(f"error: {PROGRAM} under callgrind: {run.stderr.strip()[-2000:]}")
        dumps = sorted(Path(folder).glob("dump.*"))
        counts = [read_dump(path.read_text(errors="replace"), str(program.resolve()))
                  for path in dumps]
    if not counts or any(count.each == 0 for count in counts):
        raise SystemExit(f"error: callgrind counted nothing of {PROGRAM}")
    return dict(counts)


def describe_build(build: Path) -> str:
    """What figures depend on: architecture, compiler, its library, and the way to the AES block."""
    program = build / PROGRAM
    if not program.is_file():
        raise SystemExit(f"error: {PROGRAM} is not built: ./dev setup, then ./dev build release (it wants valgrind's "
                         "headers)")
    said = dict(line.split(" ", 1) for line in subprocess.run(
        [str(program)], capture_output=True, text=True, check=True).stdout.splitlines())
    compiler = re.match(r"\w+ \d+", said["compiler"])[0]  # whatever its patch level is
    block = "wide block" if said["wide"] == "1" else "libcrypto block"
    return f"{platform.machine()}, {compiler}, libstdc++ {said['libstdc++']}, {block}"


def compare(kept: Dict[str, float], counted: Dict[str, float]) -> List[str]:
    """What is worse than what is kept; empty when nothing is."""
    wrong = [f"{name}: {counted[name]:g} instructions, {kept[name]:g} are kept "
             f"({(counted[name] / kept[name] - 1) * 100:+.1f} %)"
             for name in kept if name in counted
             and counted[name] > kept[name] * (1 + TOLERANCE)]
    wrong += [f"{name}: there is no figure any more" for name in kept if name not in counted]
    wrong += [f"{name}: {counted[name]:g} instructions, and nothing is kept"
              for name in counted if name not in kept]
    return wrong


def list_better(kept: Dict[str, float], counted: Dict[str, float]) -> List[str]:
    return [f"{name} takes {(1 - counted[name] / kept[name]) * 100:.0f} % less"
            for name in kept if name in counted and counted[name] < kept[name] * (1 - TOLERANCE)]


def check(build: Path) -> int:
    name = describe_build(build)
    kept = json.loads(KEPT.read_text()).get(name)
    if kept is None:
        print(f"no figures for this compiler ({name}); keep some with: {UPDATE}")
        return NOT_HERE
    counted = count_all(build)
    wrong = compare(kept, counted)
    for line in wrong:
        print(line)
    if wrong:
        print(f"more instructions than are kept ({name}); if they are wanted: {UPDATE}")
        return 1
    better = list_better(kept, counted)
    summary = ", ".join(f"{name} {each:g}" for name, each in counted.items())
    print("; ".join(better) + f": keep that with: {UPDATE}" if better else
          f"instructions of each: {summary}")
    return 0


def update(build: Path) -> int:
    name, counted = describe_build(build), count_all(build)
    figures = json.loads(KEPT.read_text()) if KEPT.is_file() else {}
    figures[name] = counted
    KEPT.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    print(f"{name}: " + ", ".join(f"{name} {each:g}" for name, each in counted.items()))
    return 0


def main(words: List[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=TREE / "build/release")
    parser.add_argument("--update", action="store_true",
                        help="keep the release build's figures (build it before: ./dev build release)")
    options = parser.parse_args(words)
    return (update if options.update else check)(options.build.resolve())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
