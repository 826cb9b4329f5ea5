"""What lies between a driver and the chip: every way to it, beside the device in QEMU's own process.

All of them are up at once, and take turns figure by figure.
"""

import json
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Optional, Tuple

from demo import playback
from vm import newer_qemu
from vm.error import VmError
from vm.served import ServedGpu

from .group import Effort, Group, Result
from .probe import PROBE, GuestProbe, LocalProbe, Probe
from .row import MIB_PER_SECOND, NANOSECONDS, PER_SECOND, Goal, Row, make_row
from .rounds import CannotMeasure, take_turns

TREE = Path(__file__).resolve().parents[2]
PLUGIN_OBJECT = TREE / "build/qemu/ward-qemu.so"
IN_PROCESS_PROBE = "tests/bench/attachments/ward_in_process_probe"

PLUGIN = "QEMU plugin"
PLUGIN_EDU = "edu beside the plugin"
STOCK = "stock QEMU"
STOCK_EDU = "edu in stock QEMU"
STOCK_MESSAGES = "stock QEMU, messages"
UNIX = "vfio-user, UNIX socket"
TCP = "vfio-user, TCP"
IN_PROCESS = "in process"


class Figure(NamedTuple):
    title: str
    unit: str
    gpu: str  # as tests/bench/attachments/gpu_subject.h names it
    edu: str  # as edu_subject.h does; empty: edu has no such thing
    count: int  # of samples in a round
    goal: Optional[Goal] = None  # of the plugin


FIGURES = (
    Figure("register read", NANOSECONDS, "register_read", "register_read", 64),
    Figure("doorbell to fence", NANOSECONDS, "fence", "", 200, Goal(5000)),
    Figure("doorbell to interrupt", NANOSECONDS, "interrupt", "interrupt", 100,
           Goal(1.2, of_ratio=True)),
    Figure("commands, 64 a doorbell", PER_SECOND, "commands", "", 100,
           Goal(500e3, at_most=False)),
    Figure("copy to VRAM", MIB_PER_SECOND, "copy", "", 8),
    Figure("CPU writes VRAM", MIB_PER_SECOND, "write", "", 8),
)

# Who is held against whom; the others against the plugin.
BASELINES = {PLUGIN: PLUGIN_EDU, STOCK_EDU: PLUGIN_EDU, PLUGIN_EDU: None}


class NotHere(Exception):
    """Why this machine has no such attachment."""


class Setting(NamedTuple):
    """What an attachment is opened with."""
    build: Path
    folder: Path  # for its files, of its own
    identity: Path
    stack: ExitStack  # ends what the probe needs beside itself

    def serve(self, *listen: str) -> ServedGpu:
        return self.stack.enter_context(ServedGpu(
            self.build / "emulator/cli/ward", [*listen, "--identity", str(self.identity)],
            self.folder / "serve.log"))


def open_plugin(setting: Setting) -> Probe:
    if not PLUGIN_OBJECT.exists():
        raise NotHere("the device object is not built: ./dev build device")
    return GuestProbe(setting.build, [f"ward-gpu,identity={setting.identity}"],
                      qemu_arguments=["-plugin", str(PLUGIN_OBJECT)])


def open_stock(setting: Setting, shares_memory: bool = True) -> Probe:
    try:
        qemu = newer_qemu.find()
    except VmError as error:
        raise NotHere(str(error).splitlines()[0]) from None
    path = setting.folder / "gpu.sock"
    setting.serve("--socket", str(path))
    device = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": str(path)}}
    return GuestProbe(setting.build, [json.dumps(device)], qemu=qemu.command,
                      shares_memory=shares_memory)


def open_stock_messages(setting: Setting) -> Probe:
    return open_stock(setting, shares_memory=False)


def open_unix(setting: Setting) -> Probe:
    served = setting.serve("--socket", str(setting.folder / "gpu.sock"))
    return LocalProbe([str(setting.build / PROBE), served.endpoints[0]])


def open_tcp(setting: Setting) -> Probe:
    served = setting.serve("--tcp", "127.0.0.1:0")
    return LocalProbe([str(setting.build / PROBE), served.endpoints[0]])


def open_in_process(setting: Setting) -> Probe:
    return LocalProbe([str(setting.build / IN_PROCESS_PROBE)])


ATTACHMENTS: Tuple[Tuple[str, Callable[[Setting], Probe], str], ...] = (
    # name, how it is opened, name of the edu beside it
    (PLUGIN, open_plugin, PLUGIN_EDU),
    (STOCK, open_stock, STOCK_EDU),
    (STOCK_MESSAGES, open_stock_messages, ""),
    (UNIX, open_unix, ""),
    (TCP, open_tcp, ""),
    (IN_PROCESS, open_in_process, ""),
)


class Contestant(NamedTuple):
    probe: Probe
    kind: str  # "gpu" or "edu"


def open_all(effort: Effort, folder: Path, stack: ExitStack,
             result: Result) -> Dict[str, Contestant]:
    playback.create_identity(effort.build / "emulator/cli/ward", folder / "identity")
    contestants: Dict[str, Contestant] = {}
    for number, (name, opener, edu) in enumerate(ATTACHMENTS):
        own = folder / str(number)
        own.mkdir()
        try:
            probe = stack.enter_context(opener(
                Setting(effort.build, own, folder / "identity", stack)))
        except NotHere as reason:
            result.notes.append(f"not run: {name}: {reason}")
            continue
        except (CannotMeasure, VmError) as error:
            result.failures.append(f"{name}: {error}")
            continue
        if isinstance(probe, GuestProbe):
            result.notes.append(f"{name}: QEMU {probe.qemu_version}, TCG")
        if edu:
            contestants[edu] = Contestant(probe, "edu")
        contestants[name] = Contestant(probe, "gpu")
    return contestants


def measure_figure(effort: Effort, figure: Figure, contestants: Dict[str, Contestant],
                   result: Result) -> List[Row]:
    names = {"gpu": figure.gpu, "edu": figure.edu}
    asked = {name: _question(one.probe, one.kind, names[one.kind], effort.count(figure.count))
             for name, one in contestants.items() if names[one.kind]}
    medians = take_turns(effort.rounds, asked)
    result.failures.extend(f"{figure.title}, {name}: {why}"
                           for name, why in medians.failures.items())
    return [make_row(f"{figure.title}: {name}", value, figure.unit,
                     medians.values.get(BASELINES.get(name, PLUGIN) or ""),
                     figure.goal if name == PLUGIN else None)
            for name, value in medians.values.items()]


def _question(probe: Probe, kind: str, figure: str, count: int) -> Callable[[], float]:
    return lambda: probe.measure(kind, figure, count)


def run(effort: Effort) -> Result:
    result = Result([], [], [])
    with tempfile.TemporaryDirectory(prefix="ward-bench-") as folder, ExitStack() as stack:
        contestants = open_all(effort, Path(folder), stack, result)
        for figure in FIGURES:
            print(f"{figure.title}: {effort.rounds} rounds", file=sys.stderr, flush=True)
            result.rows.extend(measure_figure(effort, figure, contestants, result))
    return result


GROUP = Group("attachments", "every way to the chip, beside the device in QEMU's process", run)
