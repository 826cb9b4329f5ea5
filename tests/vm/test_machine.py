"""The folder tools/vm: booting, talking, disks, QMP, and what happens when something is wrong.

Run: python3 tests/vm/test_machine.py
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

TOOLS = Path(__file__).resolve().parents[2] / "tools"
sys.path.insert(0, str(TOOLS))
from vm import accelerator, kernel
from vm.error import VmError
from vm.initramfs import Archive
from vm.machine import Disk, Machine, Memory
from vm.shell import COMMAND, Shell, agent
from vm.snapshot import Snapshot

BUILD = TOOLS.parent / "build/release"
# Starts a guest that would run for ever, tells QEMU's process id, and waits.
ENDLESS_SCRIPT = f"""
import sys, time
sys.path.insert(0, {str(TOOLS)!r})
from vm.machine import Machine
with Machine(command=["/bin/sleep", "1000"]) as guest:
    print(guest.process_id, guest.folder, flush=True)
    time.sleep(1000)
"""


def is_running(process_id: int) -> bool:
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def wait_ended(process_id: int, timeout_s: float = 10) -> bool:
    end = time.monotonic() + timeout_s
    while is_running(process_id):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


class Guest(unittest.TestCase):
    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def test_program_talks_and_its_exit_code_comes_back(self) -> None:
        script = "read line; echo heard $line; exit 7"
        with Machine(command=["/bin/sh", "-c", script]) as guest:
            guest.wait_ready()
            guest.channel.send_line("it's \"quoted\" $HOME")
            heard = guest.channel.wait_line("^heard (.*)$", 20).group(1)
            self.assertEqual(heard, "it's \"quoted\" $HOME")
            self.assertEqual(guest.wait_exit(), 7)
            guest.wait_power_off()

    def test_long_output_before_the_exit_arrives_whole(self) -> None:
        script = "i=0; while [ $i -lt 1500 ]; do echo line $i; i=$((i+1)); done"
        with Machine(command=["/bin/sh", "-c", script]) as guest:
            guest.wait_ready()
            self.assertEqual(guest.wait_exit(), 0)
            lines = [line for line in guest.channel.transcript if line.startswith("line")]
        self.assertEqual(lines, [f"line {number}" for number in range(1500)])

    def test_disks_carry_bytes_in_and_out(self) -> None:
        content = os.urandom(256 * 1024)
        source, target = self.scratch / "in,put", self.scratch / "output"
        source.write_bytes(content)
        target.write_bytes(bytes(len(content)))
        copy = "dd if=/dev/ward/input of=/dev/ward/output bs=64k && echo x >/dev/ward/input"
        disks = [Disk("output", target), Disk("input", source, read_only=True)]
        with Machine(command=["/bin/sh", "-c", copy], disks=disks) as guest:
            guest.wait_ready()
            self.assertNotEqual(guest.wait_exit(), 0)  # the input is read-only
            guest.wait_power_off()
        self.assertEqual(target.read_bytes(), content)
        self.assertEqual(source.read_bytes(), content)

    def test_monitor_reads_properties_and_takes_a_png(self) -> None:
        picture = self.scratch / "screen.png"
        with Machine(command=["/bin/cat"], devices=["bochs-display,id=screen"]) as guest:
            guest.wait_ready()
            guest.monitor.take_screenshot(picture, device="screen")
            self.assertEqual(guest.monitor.get_property("/machine/peripheral/screen", "vgamem"),
                             16 << 20)
            with self.assertRaisesRegex(VmError, "QMP qom-set: .*no-such"):
                guest.monitor.set_property("/machine/peripheral/screen", "no-such", 1)
            guest.monitor.execute("quit")
            guest.wait_power_off()
        self.assertEqual(picture.read_bytes()[:8], b"\x89PNG\r\n\x1a\n")

    def test_absent_function_is_named(self) -> None:
        with self.assertRaisesRegex(VmError, "no PCI function 1234:11e8"):
            with Machine(pci_id="1234:11e8") as guest:
                guest.wait_ready()

    def test_unknown_device_shows_what_qemu_said(self) -> None:
        with self.assertRaisesRegex(VmError, "(?s)QEMU did not start.*no-such-device"):
            with Machine(devices=["no-such-device"]):
                pass

    def test_silent_guest_times_out_and_qemu_ends(self) -> None:
        with self.assertRaisesRegex(VmError, "no line like /never/ within 0.5 s"):
            with Machine(command=["/bin/sleep", "1000"]) as guest:
                guest.wait_ready()
                guest.channel.wait_line("never", 0.5)
        self.assertFalse(is_running(guest.process_id))
        self.assertFalse(guest.folder.exists())

    def test_own_exception_ends_qemu(self) -> None:
        with self.assertRaises(KeyError):
            with Machine() as guest:
                raise KeyError("ours")
        self.assertFalse(is_running(guest.process_id))
        self.assertFalse(guest.folder.exists())

    def run_and_signal(self, number: int) -> Path:
        with subprocess.Popen([sys.executable, "-c", ENDLESS_SCRIPT], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True) as script:
            words = script.stdout.readline().split()
            self.assertTrue(is_running(int(words[0])))
            script.send_signal(number)
            script.wait(20)
        self.assertTrue(wait_ended(int(words[0])))
        return Path(words[1])

    def test_interrupted_script_takes_qemu_and_folder_along(self) -> None:
        self.assertFalse(self.run_and_signal(signal.SIGINT).exists())

    def test_killed_script_takes_qemu_along(self) -> None:
        folder = self.run_and_signal(signal.SIGKILL)
        for path in folder.iterdir():  # nobody was left to do it
            path.unlink()
        folder.rmdir()

    def test_missing_qemu_names_the_mend(self) -> None:
        with mock.patch.dict(os.environ, PATH="/nonexistent"):
            with self.assertRaisesRegex(VmError, "(?s)qemu-system-x86_64 not found.*./dev setup"):
                with Machine():
                    pass

    def test_missing_guest_program_names_the_mend(self) -> None:
        with self.assertRaisesRegex(VmError, "(?s)/no/such/file does not exist.*./dev build"):
            with Machine(files={"/program": Path("/no/such/file")}):
                pass


class Snapshots(unittest.TestCase):
    def test_snapshot_of_a_guest_with_vfio_and_iommu_is_restored(self) -> None:
        def prepare(guest: Machine) -> None:
            Shell(guest).run("count=1")

        snapshot = Snapshot(prepare, command=COMMAND, memory_mib=256, devices=["edu"],
                            pci_id="1234:11e8")
        self.addCleanup(snapshot.close)
        for _ in range(2):
            with snapshot.restore() as guest:
                shell = Shell(guest)
                self.assertEqual(shell.run("count=$((count + 1)); echo $count"), ["2"])
                self.assertIn("vfio-pci", shell.run(
                    "ls -l /sys/bus/pci/devices/$WARD_PCI_ADDRESS/driver")[0])
            self.assertFalse(is_running(guest.process_id))

    def test_commands_give_their_lines_and_their_codes(self) -> None:
        with Machine(command=COMMAND) as guest:
            guest.wait_ready()
            shell = Shell(guest)
            self.assertEqual(shell.ask("echo one; echo two >&2; false"), ["one", "two", "1"])
            with self.assertRaisesRegex(VmError, "exit code 1: ended late"):
                shell.run("echo ended late; false")

    def test_agent_reaches_registers_and_leaves_the_rest_to_the_shell(self) -> None:
        with Machine(devices=["edu,id=edu"], **agent(BUILD)) as guest:
            guest.wait_ready()
            shell = Shell(guest)
            self.assertEqual(shell.ask("find 0x1234 0x11e9"), ["1"])
            address = shell.find(0x1234, 0x11e8)
            with self.assertRaises(VmError):
                shell.find(0x11e8, 0x1234)
            self.assertEqual(shell.peek(address), 0x010000ed)  # QEMU's docs/specs/edu
            shell.poke(address + 4, 0x12345678)
            self.assertEqual(shell.peek(address + 4), 0xedcba987)  # it answers with the inverse
            for line in (f"peek {address + 2:#x}", "peek 0x123", f"poke {address + 1:#x} 0"):
                self.assertEqual(shell.ask(line)[-1], "1")  # not aligned
            self.assertNotEqual(shell.ask("poke")[-1], "0")  # no such program
            self.assertEqual(shell.ask("echo peek 4; false"), ["peek 4", "1"])

    def test_state_that_is_none_names_what_qemu_said(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            memory, state = Path(folder) / "memory", Path(folder) / "state"
            memory.write_bytes(b"")
            state.write_bytes(b"this is none")
            with self.assertRaisesRegex(VmError, "(?s)QEMU did not start.*stream"):
                with Machine(memory=Memory(memory, shared=False), state=state):
                    pass

    def test_guest_that_never_is_ready_leaves_nothing_behind(self) -> None:
        with mock.patch.object(tempfile, "tempdir", tempfile.mkdtemp()):
            self.addCleanup(os.rmdir, tempfile.gettempdir())
            with self.assertRaisesRegex(VmError, "no PCI function 1234:11e8"):
                Snapshot(lambda guest: None, pci_id="1234:11e8")


class Accelerator(unittest.TestCase):
    """KVM is believed only after a probe; the probe here is a fake, asked at most once."""

    def setUp(self) -> None:
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.probes = 0
        for patch in (mock.patch.dict(os.environ, WARD_VM_CACHE=scratch.name),
                      mock.patch("os.access", return_value=True)):
            patch.start()
            self.addCleanup(patch.stop)

    def hang(self) -> None:
        self.probes += 1
        raise VmError("the guest sent no line")

    def boot(self) -> None:
        self.probes += 1

    def choose(self, wish: str, probe) -> str:
        with mock.patch.dict(os.environ, WARD_ACCEL=wish):
            return accelerator.choose(probe)

    def test_hanging_kvm_falls_back_to_tcg_and_is_probed_once(self) -> None:
        self.assertEqual(self.choose("auto", self.hang), "tcg")
        self.assertEqual(self.choose("auto", self.hang), "tcg")
        self.assertEqual(self.probes, 1)

    def test_hanging_kvm_that_was_asked_for_is_an_error(self) -> None:
        with self.assertRaisesRegex(VmError, "(?s)KVM is not usable.*WARD_ACCEL=tcg"):
            self.choose("kvm", self.hang)

    def test_booting_kvm_is_used_and_probed_once(self) -> None:
        self.assertEqual(self.choose("kvm", self.boot), "kvm")
        self.assertEqual(self.choose("auto", self.boot), "kvm")
        self.assertEqual(self.probes, 1)

    def test_tcg_needs_no_probe(self) -> None:
        self.assertEqual(self.choose("tcg", self.hang), "tcg")
        self.assertEqual(self.probes, 0)

    def test_unknown_wish_is_an_error(self) -> None:
        with self.assertRaisesRegex(VmError, "WARD_ACCEL=xen is unknown"):
            self.choose("xen", self.boot)


class Pieces(unittest.TestCase):
    def test_archive_is_read_back_by_cpio(self) -> None:
        archive = Archive()
        archive.add_file("a/b/file", b"content", 0o755)
        archive.add_link("a/link", "b/file")
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["cpio", "-id", "--quiet"], cwd=folder, input=archive.pack(), check=True)
            self.assertEqual((Path(folder) / "a/link").read_bytes(), b"content")
            self.assertTrue(os.access(Path(folder) / "a/b/file", os.X_OK))

    def test_modules_come_after_what_they_need(self) -> None:
        order = kernel.load_order(kernel.prepare(), ["vfio-pci"])
        self.assertEqual(order[-1], "vfio_pci")
        self.assertLess(order.index("vfio"), order.index("vfio_pci_core"))
        self.assertLess(order.index("irqbypass"), order.index("vfio_pci_core"))

    def test_image_that_is_no_kernel_gives_no_vmlinux(self) -> None:
        self.assertEqual(kernel.unpack_image(bytes(4096)), b"")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--build-dir", type=Path, default=BUILD)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
