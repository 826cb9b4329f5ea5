"""What the whole chip does in a process: key exchange, protected frames, two engines, start and memory."""

import json
import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import Callable, List

from demo import playback
from vm.served import ServedGpu

from .comparison import Comparison, Entry, add_rows, open_probe, run_comparisons
from .engine import at_least
from .group import Effort, Group, Result
from .probe import LocalProbe
from .row import MIB, NANOSECONDS, MIB_PER_SECOND, PER_SECOND, Goal
from .rounds import CannotMeasure

CHIP = "the chip"
SHARED = "the chip, all processors"
LIBYUV = "libyuv"
FREE = "OpenSSL and libyuv, unprotected"
FIRST = "in process, the first"
FURTHER = "in process, each further one"
SERVED = "ward serve"

COMPARISONS = (
    Comparison("key exchange", PER_SECOND, 8, [
        Entry(CHIP, "chip", "exchange", "libcrypto"),
        Entry("libcrypto", "rsa", "exchange")]),
    *(Comparison(f"NV12 to XRGB, {size}", NANOSECONDS, 8, [
        Entry(CHIP, "chip", f"convert_{size.lower()}", LIBYUV),
        Entry(SHARED, "workers", f"convert_{size.lower()}", LIBYUV),
        Entry(LIBYUV, "libyuv", f"convert_{size.lower()}")]) for size in ("1080p", "4K")),
    Comparison("NV12 to XRGB, 1080p to 720p", NANOSECONDS, 8, [
        Entry(CHIP, "chip", "scale", LIBYUV, Goal(1.3, of_ratio=True)),
        Entry(LIBYUV, "libyuv", "scale"),
        Entry("libyuv, scaled first", "libyuv", "scale_first", LIBYUV)]),
    *(Comparison(f"protected frames, {size}", PER_SECOND, 6, [
        Entry(CHIP, "chip", f"frame_{size.lower()}", FREE),
        Entry(FREE, "libyuv", f"frame_{size.lower()}")]) for size in ("1080p", "4K")),
    Comparison("decrypt on two cores", MIB_PER_SECOND, 10, [
        Entry("two chips", "chip", "two_engines", "one chip", at_least(1.9)),
        Entry("one chip", "chip", "one_engine"),
        Entry("two blocks", "wide", "two_blocks", "one block"),
        Entry("one block", "wide", "one_block")]),
)


class Served:
    """`ward serve` with one device; each call starts one anew."""

    def __init__(self, effort: Effort, folder: Path) -> None:
        self._ward = effort.build / "emulator/cli/ward"
        self._folder = folder
        playback.create_identity(self._ward, folder / "identity")

    def measure_start(self) -> float:
        """Nanoseconds from the process's start until it has answered a client."""
        start = time.monotonic_ns()
        with self._serve():
            self._greet()
            return float(time.monotonic_ns() - start)

    def measure_resident(self) -> float:
        with self._serve() as served:
            self._greet()
            return read_memory(served.process.pid)[0]

    def measure_committed(self) -> float:
        with self._serve() as served:
            self._greet()
            return read_memory(served.process.pid)[1]

    def _serve(self) -> ServedGpu:
        return ServedGpu(self._ward, ["--socket", str(self._folder / "gpu.sock"), "--identity",
                                      str(self._folder / "identity")], self._folder / "serve.log")

    def _greet(self) -> None:
        """A client's first message, and its answer (docs/spec/vfio-user.md)."""
        version = struct.pack("<HH", 0, 1) + json.dumps({"capabilities": {}}).encode() + b"\0"
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(30)
            client.connect(str(self._folder / "gpu.sock"))
            client.sendall(struct.pack("<HHIII", 1, 1, 16 + len(version), 0, 0) + version)
            header = client.recv(16, socket.MSG_WAITALL)
        if len(header) != 16 or struct.unpack("<HHIII", header)[3] != 1:
            raise CannotMeasure("ward serve does not answer VERSION")


def read_memory(pid: int) -> List[float]:
    """MiB that are resident, and that the kernel accounts for (tests/bench/chip/device_subject.h)."""
    resident = committed = size = 0
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        name, _, rest = line.partition(":")
        if name == "Size":
            size = int(rest.split()[0])
        elif name == "Rss":
            resident += int(rest.split()[0])
        elif name == "VmFlags" and "ac" in rest.split():
            committed += size
    return [resident / 1024, committed / 1024]


def _ask_new(effort: Effort, figure: str, before: int) -> Callable[[], float]:
    """Of a process of its own, after as many idle devices."""
    def measure() -> float:
        with open_probe(effort) as probe:
            for _ in range(before):
                probe.measure("device", figure, 1)
            return probe.measure("device", figure, 1)
    return measure


def _ask(probe: LocalProbe, figure: str, count: int) -> Callable[[], float]:
    return lambda: probe.measure("device", figure, count)


def measure_devices(effort: Effort, probe: LocalProbe, result: Result) -> None:
    with tempfile.TemporaryDirectory(prefix="ward-bench-") as folder:
        served = Served(effort, Path(folder))
        add_rows(effort, Comparison("start of a device", NANOSECONDS, 1, [
            Entry(name, "", "") for name in ("in process", "in process, its key checked before", SERVED)]), {
                "in process": _ask(probe, "start", 1),
                "in process, its key checked before": _ask(probe, "start_again", effort.count(10)),
                SERVED: served.measure_start}, result)
        for title, figure, measure in (
                ("resident memory of an idle device", "resident", served.measure_resident),
                ("committed memory of an idle device", "committed", served.measure_committed)):
            add_rows(effort, Comparison(title, MIB, 1, [
                Entry(name, "", "") for name in (FIRST, FURTHER, SERVED)]), {
                    FIRST: _ask_new(effort, figure, 0), FURTHER: _ask_new(effort, figure, 1),
                    SERVED: measure}, result)


def run(effort: Effort) -> Result:
    result = Result([], [], [])
    with open_probe(effort) as probe:
        run_comparisons(effort, probe, COMPARISONS, result)
        measure_devices(effort, probe, result)
    return result


GROUP = Group("chip", "key exchange, protected frames, two engines, start and memory", run)
