"""The ways in which the suites reach the chip, each as a column of the matrix.

A column runs a suite's program and gives back Catch2's XML report. What cases need and what a column
offers have the names of tests/integration/needs.h. NotHere says why a column can't run on this machine.
"""

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, Mapping, Optional, Sequence

from demo import playback
from vm import newer_qemu
from vm.error import VmError
from vm.machine import Machine
from vm.served import ServedGpu

TREE = Path(__file__).resolve().parents[2]
PLUGIN = TREE / "build/qemu/ward-qemu.so"
FAULTS = (TREE / "tests/integration/fault_plan.txt").read_text().strip()
LIMIT_S = 900
BOOT_S = 120
GUEST_ADDRESS = "$WARD_PCI_ADDRESS"
GUEST_LINES = r"^ward-(hand): |^ward-guest: exit"


class NotHere(Exception):
    """The column's reason for "not run"."""


class Attachment:
    """One column. `build` has the programs; `name` is the column's head."""

    name = ""
    # Needs that are always met, and those for which the device is started anew, with the words for it.
    # None: all, always.
    offers: Optional[FrozenSet[str]] = frozenset()
    set_ups: Mapping[str, Sequence[str]] = {}
    # Test specifications of Catch2: with some, no other case runs.
    cases: Sequence[str] = ()

    def __init__(self, build: Path) -> None:
        self.build = build
        self.ward = build / "emulator/cli/ward"

    def run(self, program: Path, set_up: str = "") -> str:
        """The report of all cases of `program`; with a set-up, of those that need it."""
        with tempfile.TemporaryDirectory(prefix="ward-matrix-") as folder:
            return self.run_in(Path(folder), program, set_up)

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        raise NotImplementedError

    def arguments(self, set_up: str, address: str, root: str) -> List[str]:
        """Of a program on a function: what is offered, and which cases run."""
        offered = sorted({*self.offers, *([set_up] if set_up else [])})
        chosen = [f"[needs-{set_up}]"] if set_up else self.cases
        offers = ["--offers", ",".join(offered)] if offered else []
        return [*chosen, "--function", address, "--root", root, *offers]


def run_here(folder: Path, program: Path, arguments: Sequence[str]) -> str:
    report = folder / "report.xml"
    with open(folder / "output", "wb") as output:
        try:
            subprocess.run([program, "--reporter", f"xml::out={report}", *arguments], cwd=folder,
                           stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            pass  # the report is cut off, which is told where it is read
    if not report.exists():
        raise VmError(f"{program.name} did not run: "
                      f"{(folder / 'output').read_text(errors='replace').strip()[-400:]}")
    return report.read_text(errors="replace")


def openssl_files() -> Dict[str, Path]:
    """The openssl program, which cases have as their other party, and its libraries, for a guest."""
    program = shutil.which("openssl")
    if not program:
        raise VmError("openssl not found (package openssl)\n  mend: ./dev setup")
    listing = subprocess.run(["ldd", program], stdout=subprocess.PIPE, check=True, text=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listing)
    return {"/bin/openssl": Path(program), **{name: Path(name).resolve() for name in libraries}}


def run_guest(program: Path, root: Path, arguments: Sequence[str],
              hand: Optional[Callable[[Machine, List[str]], None]] = None, **machine) -> str:
    """The program on the one function of a guest that is ours, GUEST_ADDRESS.

    hand: does what cases ask of the machine's owner (tests/integration/owner_hand.h).
    """
    words = " ".join(word if word == GUEST_ADDRESS else shlex.quote(word) for word in arguments)
    command = ["sh", "-c", f"mkdir -p /tmp; /program --reporter xml::out=/tmp/report {words}; "
               "code=$?; cat /tmp/report; exit $code"]
    with Machine(command=command, files={"/program": program, "/root.pem": root, **openssl_files()},
                 pci_id=playback.PCI_ID, **machine) as guest:
        guest.wait_ready(BOOT_S)
        while guest.channel.wait_line(GUEST_LINES, LIMIT_S).group(1) == "hand":
            request = guest.channel.transcript[-1].split()[1:]
            if hand:
                hand(guest, request)
            guest.channel.send_line("done" if hand else "nobody is there")
        guest.wait_power_off()
        lines = guest.channel.transcript
    begin = next((at for at, line in enumerate(lines) if line.startswith("<?xml")), None)
    if begin is None:
        raise VmError("the guest's program made no report: " + " / ".join(lines[-4:]))
    return "\n".join(line for line in lines[begin:] if not line.startswith("ward-guest: "))


def lay_hand_on_qemu(guest: Machine, request: List[str]) -> None:
    if request[0] == "teardown":
        guest.monitor.set_property(playback.GPU_PATH, "teardown", True)
    else:
        _, output, fault = request
        name = "link-fault" + ("" if output == "0" else output)
        guest.monitor.set_property(playback.GPU_PATH, name, fault)


class InProcess(Attachment):
    name = "in process"
    offers = None

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        return run_here(folder, program, [])


SERVER_SET_UPS = {"injection": ("--inject", FAULTS), "latency": ("--latency", "realistic"),
                  "open-decrypt": ("--open-decrypt",), "strict-iv": ("--strict-iv",)}


class Served(Attachment):
    """Straight to `ward serve`, without a VM."""

    set_ups = SERVER_SET_UPS

    def __init__(self, build: Path, name: str, listen: List[str], offers: Sequence[str],
                 suffix: str = "") -> None:
        super().__init__(build)
        self.name, self._listen, self._suffix = name, listen, suffix
        self.offers = frozenset(offers)

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        root = playback.create_identity(self.ward, folder / "identity")
        listen = [word.format(folder=folder) for word in self._listen]
        with ServedGpu(self.ward, [*listen, "--identity", str(folder / "identity"),
                                   *self.set_ups.get(set_up, ())], folder / "serve.log") as served:
            return run_here(folder, program, self.arguments(
                set_up, served.endpoints[0] + self._suffix, str(root)))


# vfio-pci lets nobody touch a function in D3hot: no "power" in a guest.
class Plugin(Attachment):
    name = "QEMU plugin"
    offers = frozenset({"hand", "vram"})
    set_ups = {"injection": ("inject=" + FAULTS.replace(",", ",,"),),
               "latency": ("realistic-latency=on",), "open-decrypt": ("open-decrypt=on",),
               "strict-iv": ("strict-iv=on",)}

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        if not PLUGIN.exists():
            raise NotHere("the device object is not built: ./dev build device")
        root = playback.create_identity(self.ward, folder / "identity")
        device = ["ward-gpu", f"id={playback.GPU}", f"identity={folder / 'identity'}", *self.set_ups.get(set_up, ())]
        return run_guest(program, root, self.arguments(set_up, GUEST_ADDRESS, "/root.pem"),
                         hand=lay_hand_on_qemu, devices=[",".join(device)],
                         qemu_arguments=["-plugin", str(PLUGIN)])


class StockQemu(Attachment):
    """A QEMU that knows nothing of us, with its memory shared, or with all DMA by messages."""

    offers = frozenset({"vram"})
    set_ups = SERVER_SET_UPS

    def __init__(self, build: Path, shares_memory: bool = True, cases: Sequence[str] = ()) -> None:
        super().__init__(build)
        self.name = "stock QEMU" if shares_memory else "stock QEMU, messages"
        self._shares_memory = shares_memory
        self.cases = cases
        self.last_words = ""  # of the server, about its client on the device as it comes

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        try:
            qemu = newer_qemu.find()
        except VmError as error:
            raise NotHere(str(error).splitlines()[0]) from None
        root = playback.create_identity(self.ward, folder / "identity")
        path = folder / "gpu.sock"
        device = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": str(path)}}
        log = folder / "serve.log"
        with ServedGpu(self.ward, ["--socket", str(path), "--identity", str(folder / "identity"),
                                   *self.set_ups.get(set_up, ())], log):
            report = run_guest(program, root, self.arguments(set_up, GUEST_ADDRESS, "/root.pem"),
                               devices=[json.dumps(device)], qemu=qemu.command,
                               shares_memory=self._shares_memory, accel="tcg")
        if not set_up:
            self.last_words = log.read_text(errors="replace").strip().rpartition(": ")[2]
        return report


# What somebody can know of a function. One that was set up otherwise runs the cases for it alone.
FUNCTION_OFFERS = frozenset({"power", "vram"})


class Function(Attachment):
    """A PCI function bound to vfio-pci, silicon too, that the command line names."""

    def __init__(self, build: Path, address: str, root: Optional[Path],
                 offers: FrozenSet[str] = frozenset()) -> None:
        super().__init__(build)
        self.name, self._root, self.offers = address, root, offers

    def run_in(self, folder: Path, program: Path, set_up: str) -> str:
        if self._root is None:
            raise NotHere("--function wants --root: the certificate that the device's chain ends in")
        return run_here(folder, program, self.arguments(set_up, self.name, str(self._root)))


def list_attachments(build: Path) -> List[Attachment]:
    return [InProcess(build),
            Served(build, "vfio-user", ["--socket", "{folder}/gpu.sock"], ("power", "vram")),
            Served(build, "messages", ["--socket", "{folder}/gpu.sock"], ("power",), ",messages"),
            Served(build, "TCP", ["--tcp", "127.0.0.1:0"], ("power",)),
            Plugin(build), StockQemu(build), StockQemu(build, shares_memory=False)]
