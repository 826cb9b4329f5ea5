"""What else decrypts in a guest: virtio-crypto, the kernel and OpenSSL, all in one guest with the device.

They take turns size by size, over the same message, and each result is compared with the plaintext.
Then what the guest's driver does about its own costs, beside what it would cost otherwise.
"""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from demo import playback
from vm import kernel
from vm.error import VmError

from .attachments import PLUGIN_OBJECT, NotHere
from .group import Effort, Group, Result
from .probe import GuestProbe
from .row import NANOSECONDS, PER_SECOND, Goal, Row, make_row
from .rounds import CannotMeasure, Medians, take_turns

PROBE = "tests/bench/rivals/ward_rivals_probe"
# virtio-crypto is in no cloud's kernel.
MODULES = ("virtio_pci", "virtio_crypto", "algif_skcipher", "aesni-intel", "cbc", "ctr")
MEMORY_MIB = 768

KIB = 1024
MIB = 1024 * KIB
SIZES = {16: "16 B", KIB: "1 KiB", 4 * KIB: "4 KiB", 64 * KIB: "64 KiB", MIB: "1 MiB",
         32 * MIB: "32 MiB"}
SAMPLES = {16: 200, KIB: 200, 4 * KIB: 200, 64 * KIB: 50, MIB: 10, 32 * MIB: 2}

VIRTIO = "virtio-crypto, CBC by AF_ALG"
KERNEL = "kernel ctr(aes) by AF_ALG"
OPENSSL = "OpenSSL CTR in the guest"
POLLED = "ours, polled"
INTERRUPT = "ours, interrupt"
OPEN_POLLED = "ours, open, polled"
OPEN_INTERRUPT = "ours, open, interrupt"
# As tests/bench/rivals/rivals_probe.cc names them.
KINDS = {POLLED: "gpu_polled", INTERRUPT: "gpu_interrupt", OPEN_POLLED: "gpu_open_polled",
         OPEN_INTERRUPT: "gpu_open_interrupt", VIRTIO: "virtio", KERNEL: "kernel",
         OPENSSL: "libcrypto"}


class Match(NamedTuple):
    """One of ours held against one of them: `goals` by size, of the times' ratio."""
    ours: str
    rival: str
    goals: Dict[int, float]


# Latency at the small sizes, throughput from 64 KiB on.
POLLED_VIRTIO = {16: 1 / 10, KIB: 1 / 10, 4 * KIB: 1 / 10, 64 * KIB: 1 / 20}
INTERRUPT_VIRTIO = {16: 1 / 2, KIB: 1 / 2, 4 * KIB: 1 / 2}
POLLED_OPENSSL = {KIB: 1, MIB: 1 / 40}
MATCHES = (
    Match(POLLED, VIRTIO, POLLED_VIRTIO),
    Match(POLLED, OPENSSL, POLLED_OPENSSL),
    Match(INTERRUPT, VIRTIO, INTERRUPT_VIRTIO),
    Match(OPEN_POLLED, VIRTIO, POLLED_VIRTIO),
    Match(OPEN_POLLED, OPENSSL, POLLED_OPENSSL),
    Match(OPEN_INTERRUPT, VIRTIO, INTERRUPT_VIRTIO),
    Match(KERNEL, OPENSSL, {}),
)



class DriverFigure(NamedTuple):
    title: str
    unit: str
    kind: str  # both as tests/bench/rivals/ has them
    figures: Tuple[Tuple[str, str], ...]  # name of a row, figure; the first is the others' baseline
    count: int
    goal: Optional[Goal] = None  # of the last


DRIVER_FIGURES = (
    DriverFigure("driver: submit a NOOP and wait", NANOSECONDS, "driver",
                 (("by interrupt", "sleep"), ("looks first", "wait")), 200),
    DriverFigure("driver: commands, 64 a submission", PER_SECOND, "driver",
                 (("no system call", "strict"),), 5, Goal(500e3, at_most=False)),
    DriverFigure("driver: map 1 MiB for the device", NANOSECONDS, "mapping",
                 (("pages of 4 KiB", "small"), ("pages of 2 MiB", "large")), 8),
)


def open_guest(effort: Effort, folder: Path, stack: ExitStack) -> GuestProbe:
    if not PLUGIN_OBJECT.exists():
        raise NotHere("the device object is not built: ./dev build device")
    try:
        kernel.prepare(kernel.STANDARD)
    except VmError as error:
        raise NotHere(str(error).splitlines()[0]) from None
    playback.create_identity(effort.build / "emulator/cli/ward", folder / "identity")
    return stack.enter_context(GuestProbe(
        effort.build,
        [f"ward-gpu,identity={folder / 'identity'},open-decrypt=on", "virtio-crypto-pci,cryptodev=rival"],
        command=["sh", "-c", "exec /probe $WARD_PCI_ADDRESS /device.pem"], pci_id=playback.PCI_ID,
        files={"/probe": effort.build / PROBE, "/device.pem": folder / "identity/device.pem"},
        memory_mib=MEMORY_MIB, kernel_package=kernel.STANDARD, modules=MODULES,
        qemu_arguments=["-plugin", str(PLUGIN_OBJECT), "-object", "cryptodev-backend-builtin,id=rival"]))


def measure_size(effort: Effort, probe: GuestProbe, size: int) -> Medians:
    count = effort.count(SAMPLES[size])
    return take_turns(effort.rounds, {name: _question(probe, kind, str(size), count)
                                      for name, kind in KINDS.items()})


def _question(probe: GuestProbe, kind: str, figure: str, count: int) -> Callable[[], float]:
    return lambda: probe.measure(kind, figure, count)


def measure_driver(effort: Effort, probe: GuestProbe, figure: DriverFigure, result: Result) -> None:
    medians = take_turns(effort.rounds, {
        name: _question(probe, figure.kind, asked, effort.count(figure.count))
        for name, asked in figure.figures})
    result.failures.extend(f"{figure.title}, {name}: {why}"
                           for name, why in medians.failures.items())
    first, last = figure.figures[0][0], figure.figures[-1][0]
    result.rows.extend(
        make_row(f"{figure.title}: {name}", value, figure.unit,
                 medians.values.get(first) if name != first else None,
                 figure.goal if name == last else None)
        for name, value in medians.values.items())


def make_rows(size: int, times: Dict[str, float]) -> List[Row]:
    """Those of the rivals alone first; a match has no row when one of the two gave nothing."""
    title = f"decrypt {SIZES[size]}"
    rows = [make_row(f"{title}: {name}", times[name], NANOSECONDS) for name in (VIRTIO, OPENSSL)
            if name in times]
    for match in MATCHES:
        if match.ours not in times:
            continue
        limit = match.goals.get(size)
        goal = Goal(limit, of_ratio=True) if limit else None
        if match.rival in times:
            rows.append(make_row(f"{title}: {match.ours}, against {match.rival}", times[match.ours],
                                 NANOSECONDS, times[match.rival], goal))
    return rows


def run(effort: Effort) -> Result:
    result = Result([], [], [])
    with tempfile.TemporaryDirectory(prefix="ward-bench-") as folder, ExitStack() as stack:
        try:
            probe = open_guest(effort, Path(folder), stack)
        except NotHere as reason:
            result.notes.append(f"not run: {reason}")
            return result
        except (CannotMeasure, VmError) as error:
            result.failures.append(f"rivals: {error}")
            return result
        result.notes.append(f"QEMU {probe.qemu_version}, TCG")
        for size, name in SIZES.items():
            print(f"decrypt {name}: {effort.rounds} rounds", file=sys.stderr, flush=True)
            medians = measure_size(effort, probe, size)
            result.rows.extend(make_rows(size, medians.values))
            for who, why in medians.failures.items():
                if who == VIRTIO:  # it takes what fits into its queue; the device has to take all
                    result.notes.append(f"fails: decrypt {name}: {who}: {why}")
                else:
                    result.failures.append(f"decrypt {name}, {who}: {why}")
        for figure in DRIVER_FIGURES:
            print(f"{figure.title}: {effort.rounds} rounds", file=sys.stderr, flush=True)
            measure_driver(effort, probe, figure, result)
    return result


GROUP = Group("rivals", "the device beside what else decrypts in a guest", run)
