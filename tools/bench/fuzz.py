"""How fast the fuzz target of the device is: inputs that its mutator makes of the corpus in the tree, with every oracle; with
and without sanitizers."""

import json
import subprocess
from pathlib import Path
from statistics import median
from typing import Any, Dict, List

from .group import Effort, Group, Result
from .row import NANOSECONDS, PER_SECOND, Goal, Row, make_row

TREE = Path(__file__).resolve().parents[2]
CORPUS = TREE / "tests/fuzz/device_corpus"
SANITIZED = "fuzz"
FAST = "fuzz-fast"
SECONDS = 4
TIMEOUT_S = 300
MICROSECOND = 1000.0
PERCENT = "%"
MOVES = "moves"


def program_of(preset: str) -> Path:
    return TREE / "build" / preset / "tests/fuzz/device_measure"


def measure_once(preset: str, seconds: float) -> Dict[str, Any]:
    done = subprocess.run([str(program_of(preset)), str(CORPUS), str(seconds)], capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=True)
    return json.loads(done.stdout)


def run(effort: Effort) -> Result:
    for preset in (SANITIZED, FAST):
        if not program_of(preset).is_file():
            return Result([], [], [f"fuzz: {program_of(preset).name} is not built; mend it with: "
                                   f"bash tools/dev/build_preset.sh {preset} device_measure"])
    try:
        rounds: Dict[str, List[Dict[str, Any]]] = {SANITIZED: [], FAST: []}
        for _ in range(effort.rounds):
            for preset, figures in rounds.items():
                figures.append(measure_once(preset, SECONDS / effort.haste))
    except (subprocess.SubprocessError, ValueError) as error:
        return Result([], [], [f"fuzz: {error}"])

    def middle(field: str, preset: str = FAST) -> float:
        return median(one[field] for one in rounds[preset])

    rows: List[Row] = [
        make_row("fuzzing the device, inputs, every oracle", middle("runs_per_s"), PER_SECOND,
                 goal=Goal(50_000, at_most=False)),
        make_row("fuzzing the device, inputs, every oracle, ASan and UBSan", middle("runs_per_s", SANITIZED), PER_SECOND,
                 goal=Goal(50_000, at_most=False)),
        make_row("fuzzing, inputs that complete a decryption", 100 * middle("decrypt_share"), PERCENT,
                 goal=Goal(25, at_most=False)),
        make_row("fuzzing, moves of an input on average", middle("moves_per_run"), MOVES,
                 goal=Goal(8, at_most=False)),
        make_row("fuzzing, back to the base, median", MICROSECOND * middle("reset_us_median"), NANOSECONDS,
                 goal=Goal(5_000)),
        make_row("fuzzing, back to the base, of 100 the slowest but one",
                 MICROSECOND * middle("reset_us_p99"), NANOSECONDS, goal=Goal(20_000)),
        make_row("fuzzing, back to the base, median, ASan and UBSan", MICROSECOND * middle("reset_us_median", SANITIZED),
                 NANOSECONDS, goal=Goal(5_000)),
    ]
    return Result(rows, [f"{int(middle('inputs'))} inputs, 16 MiB of VRAM, one core"], [])


GROUP = Group("fuzz", "inputs of the device's fuzz target", run)
