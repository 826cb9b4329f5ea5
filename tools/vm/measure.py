#!/usr/bin/env python3
"""How long a guest takes from a cold boot, and restored from a snapshot, with the device in it.

A case begins before QEMU is started and ends when QEMU has ended: the guest comes up, reads a
register of the device, and is done with. Only a quiet machine shows what the code costs, so the
load average stands beside the figures, and the processor time that QEMU used.

Run: python3 tools/vm/measure.py --build-dir build/release [--cases N] [--json]
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Callable, Dict, List

if not __package__:  # run as a program
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from demo import playback
from vm.error import VmError
from vm.machine import Machine
from vm.shell import COMMAND, Shell
from vm.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[2]
# The device's identifier register, as the guest sees it.
READ_DEVICE = ("for device in /sys/bus/pci/devices/*; do read -r model <$device/device; "
               "if [ $model = 0x5747 ]; then echo 1 >$device/enable; "
               "read -r start rest <$device/resource; busybox devmem $start 32; fi; done")
IDENTIFIER = f"0x{int.from_bytes(b'WARD', 'little'):08X}"

Case = Dict[str, float]  # phase -> seconds


def settle(machine: Machine) -> None:
    Shell(machine).run("true")


def run_case(make: Callable[[], Machine], comes_up: Callable[[Machine], None]) -> Case:
    start = time.monotonic()
    with make() as machine:
        started = time.monotonic()
        comes_up(machine)
        up = time.monotonic()
        answer = Shell(machine).run(READ_DEVICE)
        done = time.monotonic()
        if answer != [IDENTIFIER]:
            raise VmError(f"the guest read {answer} where {IDENTIFIER} stands")
        fields = Path(f"/proc/{machine.process_id}/stat").read_text().rpartition(")")[2].split()
        worked = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    end = time.monotonic()
    return {"QEMU starts": started - start, "guest comes up": up - started,
            "guest reads the device": done - up, "QEMU ends": end - done, "all": end - start,
            "processor time of QEMU": worked}


def measure(build: Path, cases: int) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        playback.create_identity(build / "emulator/cli/ward", Path(folder) / "identity")
        options = {"command": COMMAND, "memory_mib": 256, "accel": "tcg",
                   "devices": [f"ward-gpu,identity={folder}/identity"],
                   "qemu_arguments": ["-plugin", str(ROOT / "build/qemu/ward-qemu.so")]}
        cold = [run_case(lambda: Machine(**options), Machine.wait_ready) for _ in range(cases)]
        start = time.monotonic()
        snapshot = Snapshot(settle, **options)
        made = time.monotonic() - start
        try:
            restored = [run_case(snapshot.restore, lambda _: None) for _ in range(cases)]
        finally:
            snapshot.close()
    return {"cases": cases, "load average": os.getloadavg()[0], "processors": os.cpu_count(),
            "cold boot": summarize(cold), "snapshot made once": made,
            "restored": summarize(restored)}


def summarize(cases: List[Case]) -> Dict[str, Case]:
    pick = {"least": min, "median": statistics.median}
    return {name: {phase: round(function(case[phase] for case in cases), 4) for phase in cases[0]}
            for name, function in pick.items()}


def print_report(result: Dict[str, Any]) -> None:
    print(f"{result['cases']} cases of each, {result['processors']} processors, load average "
          f"{result['load average']:.1f}; seconds, the least and the median")
    for kind in ("cold boot", "restored"):
        print(kind)
        for phase, least in result[kind]["least"].items():
            print(f"  {phase:24} {least:7.3f} {result[kind]['median'][phase]:7.3f}")
    print(f"the snapshot was made in {result['snapshot made once']:.2f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description="Times cold boots and restored guests.")
    parser.add_argument("--build-dir", type=Path, default=ROOT / "build/release")
    parser.add_argument("--cases", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    try:
        result = measure(options.build_dir.resolve(), max(1, options.cases))
    except VmError as error:
        sys.exit(f"error: {error}")
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print_report(result)


if __name__ == "__main__":
    main()
