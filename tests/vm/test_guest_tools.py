"""The tools that people have in a Linux guest, on the device: pciutils, the kernel's resets, its
error reporting and its recovery. The kernel's log says nothing bad about the device.

A guest is booted once for each driver and restored for each case.

Run: python3 tests/vm/test_guest_tools.py --build-dir DIR
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Dict, List

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from demo import playback
from vm.error import VmError
from vm.shell import Shell, agent
from vm.snapshot import Snapshot

PCI_ID = "1234:5747"
BUILD = Path()
IDENTITY = ""  # property of the device; making one takes QEMU a while
SCRATCH, KEY_EPOCH = 0x54, 0x48  # docs/spec/registers.md
POWER_STATE = "CAP_PM+4.w"
# How a kernel complains; "no" and "not" alone would be too much.
COMPLAINT = re.compile(r"error|fail|invalid|can't|cannot|unable|no space|conflict|timed? ?out|bogus|"
                       r"unknown|bug|warn|broken|quirk|disabled", re.IGNORECASE)
SNAPSHOTS: Dict[str, Snapshot] = {}


def make_identity(build: Path, folder: str) -> str:
    """The property for an identity in `folder`."""
    playback.create_identity(build.resolve() / "emulator/cli/ward", Path(folder) / "identity")
    return f",identity={folder}/identity"


def with_libraries(program: str) -> Dict[str, Path]:
    """What a program of this system needs in a guest, under the same paths."""
    path = shutil.which(program, path="/usr/bin:/bin:/usr/sbin:/sbin")
    if not path:
        raise VmError(f"{program} not found (package pciutils)\n  mend: ./dev setup")
    listed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
    libraries = re.findall(r"(/\S+) \(0x", listed)
    return {f"/bin/{program}": Path(path), **{name: Path(name) for name in libraries}}


def make_snapshot(pci_id: str) -> Snapshot:
    """The device behind a root port, as a plug-in card is; with `pci_id`, in the hands of vfio-pci.

    The slot is the port's own (pciehp). By ACPI, QEMU's default, the port's link is never active
    for the kernel, which then can't reset it.
    """
    # What every case uses is read once before, so that the guest has it at hand.
    def prepare(machine) -> None:
        shell = Shell(machine)
        shell.run(f"lspci -D -d {PCI_ID}; setpci -s 0:0.0 VENDOR_ID")

    options = agent(BUILD)
    options["files"].update({**with_libraries("lspci"), **with_libraries("setpci")})
    return Snapshot(
        prepare, pci_id=pci_id, memory_mib=256, **options,
        devices=["pcie-root-port,id=port1,chassis=1", f"ward-gpu,id=gpu0,bus=port1{IDENTITY}"],
        qemu_arguments=["-plugin", str(ROOT / "build/qemu/ward-qemu.so"),
                        "-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"])


def tearDownModule() -> None:
    for snapshot in SNAPSHOTS.values():
        snapshot.close()


class Guest(Shell):
    """A guest of its own, as it stood when it had booted."""

    PORT, ADDRESS = "0000:00:01.0", "0000:01:00.0"

    def __init__(self, pci_id: str = "") -> None:
        if pci_id not in SNAPSHOTS:
            SNAPSHOTS[pci_id] = make_snapshot(pci_id)
        super().__init__(SNAPSHOTS[pci_id].restore())
        self.address = self.ADDRESS
        self.folder = f"/sys/bus/pci/devices/{self.address}"

    def __enter__(self) -> "Guest":
        self.machine.__enter__()
        return self

    def __exit__(self, kind, value, trace) -> None:
        self.machine.__exit__(kind, value, trace)

    def read(self, name: str) -> List[str]:
        return self.run(f"cat {self.folder}/{name}")

    def config(self, register: str) -> int:
        return int(self.run(f"setpci -s {self.address} {register}")[0], 16)

    def set_config(self, assignment: str) -> None:
        self.run(f"setpci -s {self.address} {assignment}")

    def register_address(self, offset: int) -> int:
        return int(self.read("resource")[0].split()[0], 16) + offset

    def register(self, offset: int) -> int:
        self.set_config("COMMAND=2:2")  # a reset, and who gives the function up, clear it
        return self.peek(self.register_address(offset))

    def set_register(self, offset: int, value: int) -> None:
        self.set_config("COMMAND=2:2")
        self.poke(self.register_address(offset), value)

    def log_of_device(self) -> List[str]:
        return [line for line in self.run("dmesg") if self.address in line]

    def inject(self, arguments: str) -> None:
        answer = self.machine.monitor.execute(
            "human-monitor-command", **{"command-line": f"pcie_aer_inject_error {arguments}"})
        if not answer.startswith("OK"):
            raise AssertionError(f"pcie_aer_inject_error {arguments}: {answer}")


class Tools(unittest.TestCase):
    def assert_no_complaint(self, lines: List[str]) -> None:
        self.assertEqual([line for line in lines if COMPLAINT.search(line)], [])

    def test_lspci_shows_the_function_whole(self) -> None:
        with Guest() as guest:
            text = "\n".join(guest.run(f"lspci -s {guest.address} -nn -vvv"))
            for pattern in (
                    r"\[0380\].*\[1234:5747\] \(rev 01\)", r"Subsystem: .*\[1234:5747\]",
                    r"Region 0: Memory at [0-9a-f]+ \(32-bit, non-prefetchable\).* \[size=2M\]",
                    r"Region 2: Memory at [0-9a-f]+ \(64-bit, prefetchable\).* \[size=64M\]",
                    r"Region 4: Memory at [0-9a-f]+ \(32-bit, non-prefetchable\).* \[size=4K\]",
                    r"Power Management version 3\b", r"Status: D0 NoSoftRst-",
                    r"Express \(v2\) Endpoint", r"FLReset\+", r"LnkCap:.*Speed .*, Width x\d",
                    r"LnkSta:\s+Speed [\d.]+GT/s.*, Width x[1-9]", r"MSI-X: Enable- Count=32",
                    r"Vector table: BAR=4 offset=00000000", r"PBA: BAR=4 offset=00000800",
                    r"\[100 v2\] Advanced Error Reporting"):
                self.assertRegex(text, pattern)
            # What pciutils says of a function that does not hold together.
            for word in ("!!!", "access denied", "chain broken", "unassigned", "[virtual]",
                         "<ignored>", "Unknown", "rev ff", "?"):
                self.assertNotIn(word, text)
            self.assertEqual(re.findall(r"[UC]ESta:.*?[A-Za-z]\+", text), [])
            self.assert_no_complaint(guest.log_of_device())

    def test_setpci_reads_and_writes_the_configuration(self) -> None:
        with Guest() as guest:
            self.assertEqual(guest.config("VENDOR_ID.w"), 0x1234)
            self.assertEqual(guest.config("DEVICE_ID.w"), 0x5747)
            guest.set_config("VENDOR_ID.w=ffff")  # read-only
            self.assertEqual(guest.config("VENDOR_ID.w"), 0x1234)
            self.assertEqual(guest.register(0), int.from_bytes(b"WARD", "little"))
            guest.set_register(SCRATCH, 0x1234)
            guest.set_config("COMMAND=0:2")
            address = guest.register_address(SCRATCH)
            # Nobody answers there; QEMU reads such places as zero.
            self.assertEqual(guest.peek(address), 0)
            self.assertEqual(guest.register(SCRATCH), 0x1234)

            epoch = guest.register(KEY_EPOCH)
            guest.set_config(f"{POWER_STATE}=1:3")  # D1 does not exist
            self.assertEqual(guest.config(POWER_STATE) & 3, 0)
            guest.set_config(f"{POWER_STATE}=3:3")
            self.assertEqual(guest.config(POWER_STATE) & 3, 3)
            self.assertEqual(guest.config("VENDOR_ID.w"), 0x1234)
            bars = self.read_bars(guest)
            guest.set_config(f"{POWER_STATE}=0:3")
            self.assertEqual(guest.config("BASE_ADDRESS_0"), 0)  # D3hot to D0 is a reset
            self.write_bars(guest, bars)
            self.assertEqual(guest.register(SCRATCH), 0)
            self.assertGreater(guest.register(KEY_EPOCH), epoch)
            self.assert_no_complaint(guest.log_of_device())

    def read_bars(self, guest: Guest) -> List[int]:
        return [guest.config(f"BASE_ADDRESS_{bar}") for bar in range(6)]

    def write_bars(self, guest: Guest, bars: List[int]) -> None:
        for bar, value in enumerate(bars):
            guest.set_config(f"BASE_ADDRESS_{bar}={value:x}")

    def check_resets(self, guest: Guest) -> None:
        """Every way that the kernel knows: the function's own two, and the bus reset of its port."""
        self.assertEqual(guest.read("reset_method")[0].split(), ["flr", "pm", "bus"])
        bars = guest.read("resource")
        for method in ("flr", "pm", "bus"):
            with self.subTest(method):
                guest.run(f"echo {method} >{guest.folder}/reset_method")
                guest.set_register(SCRATCH, 7)
                epoch = guest.register(KEY_EPOCH)
                guest.run(f"echo 1 >{guest.folder}/reset")
                self.assertEqual(guest.read("resource"), bars)
                self.assertEqual(guest.register(SCRATCH), 0)
                self.assertGreater(guest.register(KEY_EPOCH), epoch)
        self.assert_no_complaint(guest.log_of_device())

    def test_kernel_resets_the_function(self) -> None:
        with Guest() as guest:
            self.check_resets(guest)

    def test_kernel_resets_the_function_under_vfio(self) -> None:
        with Guest(PCI_ID) as guest:
            self.assertIn("vfio-pci", guest.run(f"ls -l {guest.folder}/driver")[0])
            guest.run(f"echo on >{guest.folder}/power/control")  # out of D3hot
            self.check_resets(guest)

    def test_injected_errors_stand_in_the_function_until_they_are_cleared(self) -> None:
        with Guest() as guest:
            guest.set_config("CAP_EXP+8.w=0:7")  # nobody is told of them
            for arguments, register, name in (("-c gpu0 BAD_TLP", "ECAP_AER+10.l", "BadTLP"),
                                              ("gpu0 COMP_ABORT", "ECAP_AER+4.l", "CmpltAbrt")):
                guest.inject(arguments)
                text = "\n".join(guest.run(f"lspci -s {guest.address} -vvv"))
                self.assertEqual(re.findall(r"(?:UESta|CESta):.*?(\w+)\+", text), [name])
                guest.set_config(f"{register}=ffffffff")  # writing one clears
                self.assertEqual(guest.config(register), 0)
            self.assertEqual(guest.register(0), int.from_bytes(b"WARD", "little"))
            self.assert_no_complaint(guest.log_of_device())

    def recover(self, guest: Guest, error: str) -> List[str]:
        """What the kernel logs of an error of the function and of its port, up to its end."""
        guest.run("dmesg -c >/dev/null")
        guest.inject(f"gpu0 {error}")
        guest.run("until dmesg | busybox grep -q 'device recovery'; do sleep 0.05; done")
        lines = [line.partition("] ")[2] for line in guest.run("dmesg")]
        return [line for line in lines if guest.address in line or guest.PORT in line]

    def assert_logged(self, lines: List[str], *patterns: str) -> None:
        self.assertEqual(len(lines), len(patterns), lines)
        for line, pattern in zip(lines, patterns):
            self.assertRegex(line, pattern)

    def test_kernel_recovers_from_an_error_that_is_not_fatal(self) -> None:
        with Guest(PCI_ID) as guest:
            guest.run(f"echo on >{guest.folder}/power/control")
            guest.set_register(SCRATCH, 7)
            self.assert_logged(
                self.recover(guest, "COMP_ABORT"),
                rf"pcieport {guest.PORT}: AER: Uncorrected \(Non-Fatal\) error.* {guest.address}",
                rf"vfio-pci {guest.address}: .*severity=Uncorrected \(Non-Fatal\), "
                r"type=Transaction Layer, \(Completer ID\)",
                r"device \[1234:5747\] error status/mask=00008000/00000000",
                r"\[15\] CmpltAbrt +\(First\)", r"TLP Header: 00000000",
                rf"pcieport {guest.PORT}: AER: device recovery successful")
            self.assertEqual(guest.config("ECAP_AER+4.l"), 0)  # cleared by the kernel
            self.assertIn("CmpltAbrt 1", guest.read("aer_dev_nonfatal"))
            self.assertEqual(guest.register(SCRATCH), 7)

    def test_kernel_recovers_from_a_fatal_error_by_a_reset_of_the_link(self) -> None:
        with Guest(PCI_ID) as guest:
            guest.run(f"echo on >{guest.folder}/power/control")
            guest.set_register(SCRATCH, 7)
            epoch, bars = guest.register(KEY_EPOCH), self.read_bars(guest)
            self.assert_logged(
                self.recover(guest, "MALF_TLP"),
                rf"pcieport {guest.PORT}: AER: Uncorrected \(Fatal\) error.* {guest.address}",
                # The kernel does not read the registers of a function with a fatal error.
                rf"vfio-pci {guest.address}: .*severity=Uncorrected \(Fatal\), type=Inaccessible",
                rf"pcieport {guest.PORT}: AER: Root Port link has been reset \(0\)",
                rf"pcieport {guest.PORT}: AER: device recovery successful")
            # The rest is the driver's to do, and vfio-pci leaves it to who uses the function.
            guest.set_config(f"ECAP_AER+4.l={guest.config('ECAP_AER+4.l'):x}")
            self.assertEqual(guest.config("ECAP_AER+4.l"), 0)
            self.assertEqual(guest.config("BASE_ADDRESS_0"), 0)
            self.write_bars(guest, bars)
            self.assertEqual(guest.register(0), int.from_bytes(b"WARD", "little"))
            self.assertEqual(guest.register(SCRATCH), 0)
            self.assertGreater(guest.register(KEY_EPOCH), epoch)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        BUILD = options.build_dir.resolve()
        IDENTITY = make_identity(BUILD, scratch)
        unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
