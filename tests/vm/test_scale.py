#!/usr/bin/env python3
"""Large and many: four devices with 8 GiB of each memory in one machine, driven to their last byte,
in little memory of the host. Prints what it measured (docs/limits.md).

Run: python3 tests/vm/test_scale.py --build-dir DIR
"""

import argparse
import re
import sys
import tempfile
import time
import unittest
from pathlib import Path

from bare_machine import BareMachine, FurtherFunction, pack
from test_guest_tools import COMPLAINT, PCI_ID, make_identity, with_libraries
from test_qemu_device import (DEVICE_MAGIC, DEVICE_STATUS, IDLE, LOCAL, QUEUE, QUEUE_STATUS,
                              SCRATCH, DeviceTest, KernelQueue, copy, fence, fill)
from vm.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
GIB = 1 << 30
SIZE = 8 * GIB
IDENTITY = ""  # property of each device
LARGE = f"vram-size={SIZE},protected-size={SIZE}"
DEVICES = 4
VISIBLE_SIZE, PROTECTED_BASE, PROTECTED_SIZE = 0x20, 0x28, 0x30  # docs/spec/registers.md
# The margin that the page gives its figure.
MARGIN = 1.5
# Guest memory: a ring, a fence and data for each device.
MEMORY, STRIDE = 0x1000000, 0x10000


def read_resident_mib(process_id):
    for line in Path(f"/proc/{process_id}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the process has no VmRSS")


def read_documented_mib():
    """The page's figure for a QEMU with four devices of 64 GiB in all, each of them used."""
    page = (ROOT / "docs/limits.md").read_text()
    row = re.search(r"^\| after each memory was used at its first and last page \| (\d+) MiB", page,
                    re.MULTILINE)
    assert row and "half as much again as this page says" in page
    return int(row[1])


class FourDevices(DeviceTest):
    def start(self):
        """A machine and its functions, each at places of its own."""
        after = []
        for i in range(1, DEVICES):
            after += ["-device", f"ward-gpu,id=gpu{i},addr={5 + i:#x},{LARGE}{IDENTITY}"]
        machine = BareMachine(LARGE + IDENTITY, after=after)
        machine.vram = 64 * GIB
        functions = [machine] + [
            FurtherFunction(machine, 5 + i, machine.registers + i * 0x1000000,
                            machine.msix + i * 0x1000000, (64 + 16 * i) * GIB)
            for i in range(1, DEVICES)]
        return machine, functions

    def make_queue(self, function, index):
        base = MEMORY + index * STRIDE
        queue = KernelQueue(function, ring=base, fence_address=base + 0x1000)
        function.machine.write64(base + 0x1000, 0)
        return queue, base

    def drive_to_the_last_byte(self, function, index):
        """Visible and protected VRAM at both ends, seen by the processor and through the chip."""
        queue, base = self.make_queue(function, index)
        word = 0x11111111 * (index + 1)
        last = SIZE - 4096
        protected = LOCAL | 0x4000000000
        queue.submit(
            fill(LOCAL | last, word, 4096, 1), copy(base + 0x2000, LOCAL | last, 4096),
            fill(LOCAL, word, 4096, 1), fill(protected | last, word, 4096, 1),
            fill(protected, word, 4096, 1), fence(1))
        self.wait_fence(function, 1, base + 0x1000)
        self.assertEqual(queue.state, IDLE)
        expected = pack("I", word) * 1024
        self.assertEqual(function.read(base + 0x2000, 4096), expected)
        self.assertEqual(function.read(function.vram + last, 4096), expected)
        self.assertEqual(function.read(function.vram, 4096), expected)
        return queue

    def test_four_devices_of_sixteen_gib_work_in_little_memory(self):
        begin = time.monotonic()
        machine, functions = self.start()
        with machine:
            started = time.monotonic()
            for function in functions:
                self.assertEqual(function.read_config(0x00), 0x57471234)
                function.map_bars()
            for function in functions:
                self.wait_until(lambda: function.register(DEVICE_STATUS) & 3 == 1, "firmware ready")
            ready = time.monotonic()
            idle_mib = read_resident_mib(machine.process.pid)
            for function in functions:
                self.assertEqual(function.register(DEVICE_MAGIC), 0x44524157)
                self.assertEqual(function.register(VISIBLE_SIZE), SIZE & 0xffffffff)
                self.assertEqual(function.register(VISIBLE_SIZE + 4), SIZE >> 32)
                self.assertEqual(function.register(PROTECTED_SIZE + 4), SIZE >> 32)
                self.assertEqual(function.register(PROTECTED_BASE + 4), 0x40)
            for index, function in enumerate(functions):
                self.drive_to_the_last_byte(function, index)
            used_mib = read_resident_mib(machine.process.pid)
            print(f"{DEVICES} devices of 8 + 8 GiB: QEMU up after {started - begin:.2f} s, firmware "
                  f"ready after {ready - begin:.2f} s; resident {idle_mib:.0f} MiB, after use "
                  f"{used_mib:.0f} MiB", flush=True)
            self.assertLess(used_mib, MARGIN * read_documented_mib())

    def test_each_goes_on_while_another_is_reset(self):
        machine, functions = self.start()
        with machine:
            for index, function in enumerate(functions):
                function.map_bars()
                function.set_register(SCRATCH, 100 + index)
            queues = [self.make_queue(function, index)[0]
                      for index, function in enumerate(functions)]
            functions[1].set_register(0x100, 1)  # DEVICE_CONTROL.RESET_FUNCTION
            self.assertEqual([function.register(SCRATCH) for function in functions],
                             [100, 0, 102, 103])
            self.assertEqual(functions[1].register(QUEUE + QUEUE_STATUS), 0)
            for index in (0, 2, 3):
                queues[index].submit(fence(5))
                self.wait_fence(machine, 5, MEMORY + index * STRIDE + 0x1000)

    def test_more_than_the_contract_allows_is_refused(self):
        for size in (2 * SIZE, 3 * GIB):
            with self.assertRaisesRegex(RuntimeError, "vram-size is a power of two from 1M to 8G"):
                with BareMachine(f"vram-size={size}"):
                    pass


class InAGuest(unittest.TestCase):
    def test_linux_gives_all_of_them_their_addresses(self):
        devices = [f"ward-gpu,id=gpu{i},{LARGE}{IDENTITY}" for i in range(DEVICES)]
        with Machine(command=["sh", "-c", f"lspci -nn -vvv -d {PCI_ID}; dmesg"],
                     files=with_libraries("lspci"), devices=devices,
                     qemu_arguments=["-plugin", str(ROOT / "build/qemu/ward-qemu.so")]) as guest:
            guest.wait_ready()
            self.assertEqual(guest.wait_exit(60), 0)
            lines = guest.channel.transcript
        text = "\n".join(lines)
        self.assertEqual(text.count("Memory at "), 3 * DEVICES)
        self.assertEqual(text.count("(64-bit, prefetchable) [size=8G]") +
                         text.count("(64-bit, prefetchable) [disabled] [size=8G]"), DEVICES)
        self.assertNotIn("unassigned", text)
        addresses = [line.split()[0] for line in lines if re.match(r"[0-9a-f]{2}:.*1234:5747", line)]
        self.assertEqual(len(addresses), DEVICES)
        self.assertEqual([line for line in lines if COMPLAINT.search(line) and "pci 0000" in line
                          and any(address in line for address in addresses)], [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as scratch:
        IDENTITY = make_identity(options.build_dir, scratch)
        unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
