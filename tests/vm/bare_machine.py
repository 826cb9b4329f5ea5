"""QEMU with our device and no guest: the test itself is the processor, through the qtest protocol.

The one processor runs a firmware of one HLT, so that the machine runs (time passes, the device
works) and nothing but the test touches the device.
"""

import os
import re
import socket
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from vm.monitor import Monitor  # noqa: E402
from vm.scratch import ScratchFolder  # noqa: E402

QEMU = "qemu-system-x86_64"
PLUGIN = Path(os.environ.get("WARD_QEMU_PLUGIN", ROOT / "build/qemu/ward-qemu.so"))
# Where the test puts the device and its BARs.
SLOT = 5
REGISTERS = 0xe0000000
MSIX = 0xe0400000
VRAM = 0xe8000000
COMMAND_MEMORY, COMMAND_MASTER = 2, 4


class Function:
    """A PCI function of ours in a bare machine, and where the test puts its BARs."""

    def __init__(self, machine, slot, registers, msix, vram):
        self.machine, self.slot = machine, slot
        self.registers, self.msix, self.vram = registers, msix, vram

    # Configuration space.

    def read_config(self, offset):
        self.machine.ask(f"outl 0xcf8 {0x80000000 | self.slot << 11 | offset & 0xfc:#x}")
        return int(self.machine.ask("inl 0xcfc"), 16)

    def write_config(self, offset, value):
        self.machine.ask(f"outl 0xcf8 {0x80000000 | self.slot << 11 | offset & 0xfc:#x}")
        self.machine.ask(f"outl 0xcfc {value & 0xffffffff:#x}")

    def find_capability(self, number):
        offset = self.read_config(0x34) & 0xff
        while offset:
            header = self.read_config(offset)
            if header & 0xff == number:
                return offset
            offset = header >> 8 & 0xff
        raise AssertionError(f"there is no capability {number:#x}")

    def map_bars(self, command=COMMAND_MEMORY | COMMAND_MASTER):
        self.write_config(0x10, self.registers)
        self.write_config(0x18, self.vram & 0xffffffff)
        self.write_config(0x1c, self.vram >> 32)
        self.write_config(0x20, self.msix)
        self.write_config(0x04, command)

    def bar_size(self, bar):
        offset = 0x10 + 4 * bar
        before = self.read_config(offset)
        self.write_config(offset, 0xffffffff)
        mask = self.read_config(offset) & ~0xf
        self.write_config(offset, before)
        return -mask & 0xffffffff

    # Our registers, by their places in BAR0.

    def register(self, offset):
        return self.machine.read32(self.registers + offset)

    def set_register(self, offset, value):
        self.machine.write32(self.registers + offset, value)

    def set_register64(self, offset, value):
        self.set_register(offset, value & 0xffffffff)
        self.set_register(offset + 4, value >> 32)


class FurtherFunction(Function):
    """One beside the machine's own: memory and ports are the machine's."""

    def __getattr__(self, name):
        return getattr(self.machine, name)


class BareMachine(Function):
    """Use as a context manager: QEMU is ended and its folder removed whatever happens."""

    def __init__(self, device="", before=(), after=(), machine="q35", plugin=PLUGIN):
        super().__init__(self, SLOT, REGISTERS, MSIX, VRAM)
        self._device = f"ward-gpu,id=gpu0,addr={SLOT:#x}" + (f",{device}" if device else "")
        self._before, self._after = list(before), list(after)
        self._machine, self._plugin = machine, plugin

    def __enter__(self):
        self._scratch = ScratchFolder("ward-bare-")
        self.folder = self._scratch.path
        self.log = self.folder / "log"
        self.process = None
        self._sockets = []
        try:
            self._start()
        except BaseException as error:
            text = self.log.read_text(errors="replace") if self.log.exists() else ""
            self.__exit__()
            if not isinstance(error, Exception):
                raise
            raise RuntimeError(f"QEMU did not start: {error}\n{text}") from None
        return self

    def _start(self):
        firmware = bytearray(65536)
        firmware[-16:-12] = b"\xfa\xf4\xeb\xfd"  # cli; hlt; jump back to the hlt
        (self.folder / "firmware").write_bytes(firmware)
        monitor, monitor_fd = self._open_pair()
        self._qtest, qtest_fd = self._open_pair()
        self._partial = b""
        command = [
            QEMU, "-M", self._machine, "-accel", "tcg", "-m", "128", "-nodefaults",
            "-no-user-config", "-nic", "none", "-display", "none", "-bios", "firmware",
            "-chardev", f"socket,id=monitor,fd={monitor_fd}", "-mon", "monitor,mode=control",
            "-chardev", f"socket,id=qtest,fd={qtest_fd}", "-qtest", "chardev:qtest",
            "-qtest-log", "none", "-plugin", str(self._plugin).replace(",", ",,"), *self._before]
        if self._device:
            command += ["-device", self._device]
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                command + self._after, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log,
                stderr=log, pass_fds=(monitor_fd, qtest_fd))
        os.close(monitor_fd)
        os.close(qtest_fd)
        self.monitor = Monitor(monitor)
        self._qtest.settimeout(20)
        self.monitor.open(timeout_s=20)

    def __exit__(self, *_):
        if self.process:
            self.process.kill()
            self.process.wait(20)
        for end in self._sockets:
            end.close()
        self._scratch.remove()

    def _open_pair(self):
        ours, theirs = socket.socketpair()
        self._sockets.append(ours)
        return ours, theirs.detach()

    # Memory and ports, as the processor sees them.

    def ask(self, line):
        return self.ask_at_once(line)[0]

    def ask_at_once(self, *lines):
        """The answers to lines that QEMU takes in one turn of its main loop: nothing of its own, nor of
        the device's bottom half, comes between them."""
        data = "".join(line + "\n" for line in lines).encode()
        assert len(lines) == 1 or len(data) < 1024, "QEMU reads no more in one turn"
        self._qtest.sendall(data)
        return [self._take_answer(line) for line in lines]

    def _take_answer(self, line):
        while b"\n" not in self._partial:
            data = self._qtest.recv(1 << 20)
            if not data:
                raise RuntimeError(f"QEMU has ended at '{line[:60]}':\n{self.log.read_text()}")
            self._partial += data
        answer, self._partial = self._partial.split(b"\n", 1)
        words = answer.decode().split()
        if words[0] != "OK":
            raise RuntimeError(f"qtest '{line[:60]}': {answer.decode()}")
        return words[1] if len(words) > 1 else ""

    def read32(self, address):
        return int(self.ask(f"readl {address:#x}"), 16)

    def write32(self, address, value):
        self.ask(f"writel {address:#x} {value:#x}")

    def read64(self, address):
        return int(self.ask(f"readq {address:#x}"), 16)

    def write64(self, address, value):
        self.ask(f"writeq {address:#x} {value:#x}")

    def read(self, address, size):
        return bytes.fromhex(self.ask(f"read {address:#x} {size:#x}")[2:])

    def write(self, address, data):
        self.ask(f"write {address:#x} {len(data):#x} 0x{data.hex()}")

    def take_screenshot(self, head=0):
        """(width, height, rows of RGB bytes) of the console of one of the device's outputs."""
        path = self.folder / "screen.ppm"
        self.monitor.execute("screendump", filename=str(path), device="gpu0", head=head)
        data = path.read_bytes()
        header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", data)
        return int(header[1]), int(header[2]), data[header.end():]


def pack(layout, *values):
    return struct.pack("<" + layout, *values)
