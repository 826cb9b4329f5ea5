"""The ways in which the suites reach the chip, each as a column of the matrix.

A column runs a suite's program once and gives back Catch2's XML report. NotHere says why a column
can't run on this machine.
"""

import json
import re
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from demo import playback
from vm import newer_qemu
from vm.error import VmError
from vm.machine import Machine
from vm.served import ServedGpu

TREE = Path(__file__).resolve().parents[2]
PLUGIN = TREE / "build/qemu/ward-qemu.so"
LIMIT_S = 900
BOOT_S = 120


class NotHere(Exception):
    """The column's reason for "not run"."""


class Attachment:
    """One column. `build` has the programs; `name` is the column's head."""

    name = ""

    def __init__(self, build: Path) -> None:
        self.build = build
        self.ward = build / "emulator/cli/ward"

    def run(self, program: Path) -> str:
        """The report of all cases of `program`."""
        with tempfile.TemporaryDirectory(prefix="ward-matrix-") as folder:
            return self.run_in(Path(folder), program)

    def run_in(self, folder: Path, program: Path) -> str:
        raise NotImplementedError


def run_here(folder: Path, program: Path, arguments: List[str]) -> str:
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


def run_guest(program: Path, root: Path, cases: Sequence[str] = (), **machine) -> str:
    """The program, or these cases of it, on the one function of a guest that is ours."""
    command = ["sh", "-c", "mkdir -p /tmp && exec /program --reporter xml "
               f"--function $WARD_PCI_ADDRESS --root /root.pem {shlex.join(cases)}"]
    with Machine(command=command, files={"/program": program, "/root.pem": root, **openssl_files()},
                 pci_id=playback.PCI_ID, **machine) as guest:
        guest.wait_ready(BOOT_S)
        guest.wait_exit(LIMIT_S)
        guest.wait_power_off()
        lines = guest.channel.transcript
    begin = next((at for at, line in enumerate(lines) if line.startswith("<?xml")), None)
    if begin is None:
        raise VmError("the guest's program made no report: " + " / ".join(lines[-4:]))
    return "\n".join(line for line in lines[begin:] if not line.startswith("ward-guest: "))


class InProcess(Attachment):
    name = "in process"

    def run_in(self, folder: Path, program: Path) -> str:
        return run_here(folder, program, [])


class Served(Attachment):
    """Straight to `ward serve`, without a VM."""

    def __init__(self, build: Path, name: str, listen: List[str], suffix: str = "") -> None:
        super().__init__(build)
        self.name, self._listen, self._suffix = name, listen, suffix

    def run_in(self, folder: Path, program: Path) -> str:
        root = playback.create_identity(self.ward, folder / "identity")
        listen = [word.format(folder=folder) for word in self._listen]
        with ServedGpu(self.ward, [*listen, "--identity", str(folder / "identity")],
                       folder / "serve.log") as served:
            return run_here(folder, program, ["--function", served.endpoints[0] + self._suffix,
                                              "--root", str(root)])


class Plugin(Attachment):
    name = "QEMU plugin"

    def run_in(self, folder: Path, program: Path) -> str:
        if not PLUGIN.exists():
            raise NotHere("the device object is not built: ./dev build device")
        root = playback.create_identity(self.ward, folder / "identity")
        return run_guest(program, root, devices=[f"ward-gpu,identity={folder / 'identity'}"],
                         qemu_arguments=["-plugin", str(PLUGIN)])


class StockQemu(Attachment):
    """A QEMU that knows nothing of us, with its memory shared, or with all DMA by messages."""

    def __init__(self, build: Path, shares_memory: bool = True, cases: Sequence[str] = ()) -> None:
        super().__init__(build)
        self.name = "stock QEMU" if shares_memory else "stock QEMU, messages"
        self._shares_memory, self._cases = shares_memory, cases
        self.last_words = ""  # of the server, about its client

    def run_in(self, folder: Path, program: Path) -> str:
        try:
            qemu = newer_qemu.find()
        except VmError as error:
            raise NotHere(str(error).splitlines()[0]) from None
        root = playback.create_identity(self.ward, folder / "identity")
        path = folder / "gpu.sock"
        device = {"driver": "vfio-user-pci", "socket": {"type": "unix", "path": str(path)}}
        log = folder / "serve.log"
        with ServedGpu(self.ward,
                       ["--socket", str(path), "--identity", str(folder / "identity")], log):
            report = run_guest(program, root, self._cases, devices=[json.dumps(device)],
                               qemu=qemu.command, shares_memory=self._shares_memory, accel="tcg")
        self.last_words = log.read_text(errors="replace").strip().rpartition(": ")[2]
        return report


class Function(Attachment):
    """A PCI function bound to vfio-pci, silicon too, that the command line names."""

    def __init__(self, build: Path, address: str, root: Optional[Path]) -> None:
        super().__init__(build)
        self.name, self._root = address, root

    def run_in(self, folder: Path, program: Path) -> str:
        if self._root is None:
            raise NotHere("--function wants --root: the certificate that the device's chain ends in")
        return run_here(folder, program, ["--function", self.name, "--root", str(self._root)])


def list_attachments(build: Path) -> List[Attachment]:
    return [InProcess(build),
            Served(build, "vfio-user", ["--socket", "{folder}/gpu.sock"]),
            Served(build, "messages", ["--socket", "{folder}/gpu.sock"], ",messages"),
            Served(build, "TCP", ["--tcp", "127.0.0.1:0"]),
            Plugin(build), StockQemu(build), StockQemu(build, shares_memory=False)]


