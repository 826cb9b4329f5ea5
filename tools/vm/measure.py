#!/usr/bin/env python3
"""How long a guest takes from a cold boot, and restored from a snapshot, with the device in it.

A case begins before QEMU is started and ends when QEMU has ended: the guest comes up, writes and
reads a register of the device, and is done with. Only a quiet machine shows what the code costs, so
the load average stands beside the figures, and the processor time that QEMU used.

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
from vm.shell import Shell, agent
from vm.snapshot import Snapshot

ROOT = Path(__file__).resolve().parents[2]
VENDOR, DEVICE = 0x1234, 0x5747
IDENTIFIER, SCRATCH = 0x00, 0x54  # docs/spec/registers.md
EXPECTED = (int.from_bytes(b"WARD", "little"), 0x5eed)

Case = Dict[str, float]  # phase -> seconds


def find_device(machine: Machine) -> int:
    return Shell(machine).find(VENDOR, DEVICE)


def use_device(machine: Machine, registers: int) -> None:
    shell = Shell(machine)
    shell.poke(registers + SCRATCH, EXPECTED[1])
    read = (shell.peek(registers + IDENTIFIER), shell.peek(registers + SCRATCH))
    if read != EXPECTED:
        raise VmError(f"the guest read {read} where {EXPECTED} stands")


def run_case(make: Callable[[], Machine], comes_up: Callable[[Machine], int]) -> Case:
    """comes_up: waits until the guest is there, and gives the place of the device's registers."""
    start = time.monotonic()
    with make() as machine:
        started = time.monotonic()
        registers = comes_up(machine)
        up = time.monotonic()
        use_device(machine, registers)
        done = time.monotonic()
        fields = Path(f"/proc/{machine.process_id}/stat").read_text().rpartition(")")[2].split()
        worked = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    end = time.monotonic()
    return {"QEMU starts": started - start, "guest comes up": up - started,
            "guest uses the device": done - up, "QEMU ends": end - done, "all": end - start,
            "processor time of QEMU": worked}


def boot(machine: Machine) -> int:
    machine.wait_ready()
    return find_device(machine)


def measure(build: Path, cases: int) -> Dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        playback.create_identity(build / "emulator/cli/ward", Path(folder) / "identity")
        options = {**agent(build), "memory_mib": 256, "accel": "tcg",
                   "devices": [f"ward-gpu,identity={folder}/identity"],
                   "qemu_arguments": ["-plugin", str(ROOT / "build/qemu/ward-qemu.so")]}
        cold = [run_case(lambda: Machine(**options), boot) for _ in range(cases)]
        start = time.monotonic()
        registers: List[int] = []

        def prepare(machine: Machine) -> None:
            registers.append(find_device(machine))
            Shell(machine).run("true")  # from now on the agent has a shell
            Shell(machine).peek(registers[0])  # and the device mapped, and watches the port

        snapshot = Snapshot(prepare, **options)
        made = time.monotonic() - start
        try:
            restored = [run_case(snapshot.restore, lambda _: registers[0]) for _ in range(cases)]
            # As a test that uses a tool does.
            program = [run_case(snapshot.restore, start_program(registers[0]))
                       for _ in range(cases)]
        finally:
            snapshot.close()
    return {"cases": cases, "load average": os.getloadavg()[0], "processors": os.cpu_count(),
            "cold boot": summarize(cold), "snapshot made once": made,
            "restored": summarize(restored), "restored, with a program": summarize(program)}


def start_program(registers: int) -> Callable[[Machine], int]:
    def comes_up(machine: Machine) -> int:
        Shell(machine).run("busybox true")
        return registers
    return comes_up


def summarize(cases: List[Case]) -> Dict[str, Case]:
    pick = {"least": min, "median": statistics.median}
    return {name: {phase: round(function(case[phase] for case in cases), 4) for phase in cases[0]}
            for name, function in pick.items()}


def print_report(result: Dict[str, Any]) -> None:
    print(f"{result['cases']} cases of each, {result['processors']} processors, load average "
          f"{result['load average']:.1f}; seconds, the least and the median")
    for kind in ("cold boot", "restored", "restored, with a program"):
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
