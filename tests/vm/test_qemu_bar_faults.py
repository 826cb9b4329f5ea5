#!/usr/bin/env python3
"""F15 of docs/security-model.md in a packaged QEMU, without a guest: BARs that are switched off or
moved, and a function that loses power, in the middle of accesses, of ring work and of DMA.
"""

import sys
import time
import unittest

from bare_machine import COMMAND_MASTER, COMMAND_MEMORY, PLUGIN, BareMachine
from test_qemu_device import (DEVICE_MAGIC, DOORBELL, FENCE, IDLE, LOCAL, POWER_CAPABILITY, QUEUE,
                              QUEUE_STATUS, RING_BASE, DeviceTest, KernelQueue, fence, fill)


class BarFaults(DeviceTest):
    """F15: BARs that are switched off, or moved, in the middle of accesses, ring work and DMA."""
    MOVED = 0xd0000000
    FILL_BYTES = 32 << 20

    def test_f15_memory_space_off_between_the_halves_of_an_access_loses_that_half(self):
        with BareMachine() as machine:
            machine.map_bars()
            low = QUEUE + RING_BASE
            machine.set_register64(low, 0x700007000)
            machine.set_register(low, 0x9000)
            machine.write_config(0x04, COMMAND_MASTER)
            machine.set_register(low + 4, 9)
            self.assertNotEqual(machine.register(DEVICE_MAGIC), int.from_bytes(b"WARD", "little"))
            machine.write_config(0x04, COMMAND_MEMORY | COMMAND_MASTER)
            self.assertEqual(machine.register(low), 0x9000)
            self.assertEqual(machine.register(low + 4), 7)
            self.assert_works(machine)

    def test_f15_moved_bar_answers_at_its_new_place_alone(self):
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(QUEUE + RING_BASE, 0x9000)
            machine.write_config(0x10, self.MOVED)
            machine.set_register(QUEUE + RING_BASE + 4, 9)  # where it was
            self.assertNotEqual(machine.register(DEVICE_MAGIC), int.from_bytes(b"WARD", "little"))
            machine.registers = self.MOVED
            self.assertEqual(machine.register(DEVICE_MAGIC), int.from_bytes(b"WARD", "little"))
            self.assertEqual(machine.register(QUEUE + RING_BASE), 0x9000)
            self.assertEqual(machine.register(QUEUE + RING_BASE + 4), 0)
            self.assert_works(machine)

    def start_fills(self, machine):
        """512 MiB of work: VRAM is 0x0f0f0f0f at its end."""
        queue = KernelQueue(machine)
        values = [value * 0x01010101 for value in range(16)]
        queue.submit(*[fill(LOCAL, value, self.FILL_BYTES, 1) for value in values], fence(1))
        self.assertEqual(machine.read64(FENCE), 0)  # not filled that fast
        return queue

    def assert_filled(self, machine):
        for offset in (0, self.FILL_BYTES // 2, self.FILL_BYTES - 16):
            self.assertEqual(machine.read(machine.vram + offset, 16), b"\x0f" * 16)

    def test_f15_work_goes_on_while_memory_space_is_off(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.start_fills(machine)
            machine.write_config(0x04, COMMAND_MASTER)
            self.wait_fence(machine, 1)
            machine.write_config(0x04, COMMAND_MEMORY | COMMAND_MASTER)
            self.assertEqual(queue.state, IDLE)
            self.assert_filled(machine)

    def test_f15_work_goes_on_while_bars_move(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.start_fills(machine)
            places = [(self.MOVED, self.MOVED + 0x8000000), (machine.registers, machine.vram)]
            moves = 0
            while machine.read64(FENCE) == 0:
                machine.registers, machine.vram = places[moves % 2]
                machine.map_bars()
                self.assertEqual(machine.register(DEVICE_MAGIC), int.from_bytes(b"WARD", "little"))
                moves += 1
            self.assertGreater(moves, 0)
            self.assertEqual(queue.state, IDLE)
            self.assert_filled(machine)

    def test_f15_d3hot_amid_dma_ends_it(self):
        with BareMachine() as machine:
            machine.map_bars()
            self.start_fills(machine)
            power = machine.find_capability(POWER_CAPABILITY)
            machine.write_config(power + 4, 3)
            self.assertEqual(machine.register(DEVICE_MAGIC), 0xffffffff)
            machine.write(FENCE, bytes(8))
            machine.set_register(DOORBELL, 16)
            time.sleep(0.2)
            self.assertEqual(machine.read64(FENCE), 0)
            machine.write_config(power + 4, 0)
            machine.map_bars()
            self.assertEqual(machine.register(QUEUE + QUEUE_STATUS), 0)
            self.assertEqual(machine.read64(FENCE), 0)
            self.assert_works(machine)


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
