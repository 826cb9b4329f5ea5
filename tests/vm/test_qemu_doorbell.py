#!/usr/bin/env python3
"""What a write to a doorbell does in QEMU before it returns: the first slice of the work, and for some
time more of one command's data.

Nothing of QEMU's comes between requests that are sent at once, so what is seen behind the write in one
batch is what the write did. None of it depends on time.
"""

import sys
import unittest

from bare_machine import MSIX, PLUGIN, REGISTERS, VRAM, BareMachine, Function, pack
from test_qemu_device import (BUS_ERROR, DEVICE_CONTROL, DOORBELL, FAULTED, FENCE, IDLE,
                              INTERRUPT_ENABLE, INTERRUPT_VECTOR, KEY_EPOCH, LOCAL, MESSAGE, MSIX_CAPABILITY,
                              RING, DeviceTest, KernelQueue, copy, enable_iommu, fence, fill)

MIB = 1 << 20
FILL_BYTES = 32 * MIB  # takes milliseconds; no write to a doorbell works so long
COMMANDS_OF_TWO_SLICES = 128


class Doorbell(DeviceTest):
    def ring(self, queue, *commands, then=()):
        """Rings for commands, and asks `then` before QEMU does anything else: the answers as numbers."""
        data = b"".join(commands)
        queue.machine.write(queue.ring + queue.tail, data)
        queue.tail += len(data)
        answers = queue.machine.ask_at_once(f"writel {REGISTERS + DOORBELL:#x} {queue.tail:#x}",
                                            *then)
        return [int(answer, 16) for answer in answers[1:] if answer]

    def send_interrupt_to(self, machine, address, data):
        """MSI-X on; vector 3, the kernel queue's, is a store of `data` to `address`."""
        machine.write_config(machine.find_capability(MSIX_CAPABILITY), 1 << 31)
        machine.write(MSIX + 3 * 16, pack("QII", address, data, 0))
        machine.set_register(INTERRUPT_VECTOR, 3)
        machine.set_register(INTERRUPT_ENABLE, 1)

    def settle(self, machine):
        """The bottom half of earlier writes has run: what follows is the doorbell's alone."""
        KernelQueue(machine).submit(fence(1))
        self.wait_fence(machine, 1)
        queue = KernelQueue(machine)
        self.wait_until(lambda: queue.state == IDLE, "the queue at rest")
        return queue

    def test_little_work_is_done_when_the_write_returns(self):
        data = bytes(range(256))
        with BareMachine() as machine:
            machine.map_bars()
            machine.write(MESSAGE, data)
            queue = self.settle(machine)
            seen = self.ring(queue, copy(LOCAL | 0x10000, MESSAGE, len(data)), fence(7),
                             then=[f"readq {FENCE:#x}", f"readl {VRAM + 0x10000:#x}"])
            self.assertEqual(seen, [7, int.from_bytes(data[:4], "little")])

    def test_interrupt_is_sent_within_the_write(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            self.send_interrupt_to(machine, MESSAGE, 0xabcd)
            self.assertEqual(self.ring(queue, fence(7, interrupt=True),
                                       then=[f"readl {MESSAGE:#x}"]), [0xabcd])

    def test_work_behind_the_iommu_is_done_within_the_write(self):
        with BareMachine(before=["-device", "intel-iommu"]) as machine:
            machine.map_bars()
            enable_iommu(machine, {0x40000000: RING, 0x40001000: FENCE})
            queue = KernelQueue(machine, ring=0x40000000, fence_address=0x40001000)
            machine.write(RING, fence(4) + copy(0x40002000, 0x40000000, 64))
            queue.tail = 64
            seen = machine.ask_at_once(f"writel {REGISTERS + DOORBELL:#x} 64",
                                       f"readq {FENCE:#x}")
            self.assertEqual(int(seen[1], 16), 4)
            self.wait_until(lambda: queue.state == FAULTED, "the fault")
            self.assertEqual(queue.fault, BUS_ERROR)

    def test_data_of_one_command_is_moved_within_the_write(self):
        # Several slices of it, and the fence behind. The write gives up after some time, which
        # another process may have taken: then the next one is looked at.
        data = bytes(range(256)) * 256
        with BareMachine() as machine:
            machine.map_bars()
            machine.write(0x3000000, data)

            def is_done_at_once():
                queue = self.settle(machine)
                seen = self.ring(queue, copy(LOCAL | 0x10000, 0x3000000, len(data)), fence(7),
                                 then=[f"readq {FENCE:#x}"])
                self.wait_fence(machine, 7)
                return seen == [7]
            self.assertTrue(any(is_done_at_once() for _ in range(20)))
            self.assertEqual(machine.read(VRAM + 0x10000, len(data)), data)

    def test_bulk_work_does_not_hold_the_write_up(self):
        # 512 MiB: the write begins it, in order, and the bottom half ends it.
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            jobs = [fill(LOCAL, 0x51515151 + number, FILL_BYTES, 1) for number in range(16)]
            begun, end, done = self.ring(
                queue, *jobs, fence(9), then=[f"readl {VRAM:#x}",
                                              f"readl {VRAM + FILL_BYTES - 4:#x}",
                                              f"readq {FENCE:#x}"])
            self.assertEqual((begun, end, done), (0x51515151, 0, 0))
            self.wait_fence(machine, 9)
            self.assertEqual(machine.read32(VRAM + FILL_BYTES - 4), 0x51515151 + 15)

    def test_doorbell_amid_bulk_work_adds_nothing_to_it(self):
        # Rung again and again in one turn: each write would do slices of its own.
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            again = f"writel {REGISTERS + DOORBELL:#x} 0x40"
            look = f"read {VRAM:#x} {4 * MIB:#x}"
            before, after = self.ring(queue, fill(LOCAL, 0x51515151, FILL_BYTES, 1), fence(9),
                                      then=[look] + [again] * 20 + [look])
            self.assertEqual(before, after)
            self.assertEqual(before % 256, 0)  # the last of the bytes: it was not over
            self.wait_fence(machine, 9)

    def test_many_small_commands_do_not_hold_the_write_up(self):
        count = 200
        for before in ([], [fill(LOCAL, 0x51515151, MIB // 16, 1)]):  # nor behind data
            with BareMachine() as machine:
                machine.map_bars()
                queue = self.settle(machine)
                seen, = self.ring(queue, *before, *[fence(n + 1) for n in range(count)],
                                  then=[f"readq {FENCE:#x}"])
                if not before:
                    self.assertGreater(seen, 0)
                self.assertLessEqual(seen, COMMANDS_OF_TWO_SLICES)
                self.wait_fence(machine, count)

    def test_reset_amid_bulk_work_leaves_nothing_of_it(self):
        reset_function = 1
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            machine.write64(FENCE, 0)
            begun, = self.ring(queue, fill(LOCAL, 0x51515151, FILL_BYTES, 1), fence(9),
                               then=[f"writel {REGISTERS + DEVICE_CONTROL:#x} {reset_function}",
                                     f"readl {VRAM:#x}"])
            self.assertEqual(begun, 0x51515151)
            self.assert_works(machine)  # 77 and not 9
            self.assertEqual(machine.read32(VRAM + FILL_BYTES - 4), 0)

    def test_stopped_machine_does_nothing_in_the_write(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            machine.write64(FENCE, 0)
            machine.monitor.execute("stop")
            self.assertEqual(self.ring(queue, fence(3), then=[f"readq {FENCE:#x}"]), [0])
            machine.monitor.execute("cont")
            self.wait_fence(machine, 3)

    def test_interrupt_that_rings_the_doorbell_itself_rings_nothing(self):
        # The guest says where an interrupt goes, and says: to the doorbell that its work came by.
        with BareMachine() as machine:
            machine.map_bars()
            queue = self.settle(machine)
            machine.write(RING + 16, fence(8))
            self.send_interrupt_to(machine, REGISTERS + DOORBELL, 32)
            self.assertEqual(self.ring(queue, fence(7, interrupt=True),
                                       then=[f"readq {FENCE:#x}"]), [7])
            queue.tail = 16
            machine.write_config(machine.find_capability(MSIX_CAPABILITY), 0)
            self.ring(queue, fence(9))
            self.wait_fence(machine, 9)
            self.assertEqual(queue.state, IDLE)

    def test_interrupt_that_resets_the_function_resets_the_chip_too(self):
        # To the function's own configuration space: FLR, amid the slice and amid a register's write.
        ecam, express, device_control, function_reset = 0xb0000000, 0x10, 8, 0x8000
        with BareMachine() as machine:
            bridge = Function(machine, 0, 0, 0, 0)
            bridge.write_config(0x60, ecam | 1)  # PCIEXBAR: 256 MiB of it
            place = (ecam + (machine.slot << 15) + machine.find_capability(express)
                     + device_control)
            for within_slice in (True, False):
                machine.map_bars()
                queue = self.settle(machine)
                epoch = machine.register(KEY_EPOCH)
                self.send_interrupt_to(machine, place, function_reset)
                if within_slice:
                    self.ring(queue, fence(7, interrupt=True), fence(8))
                else:  # the cause is there when its interrupt is switched on
                    machine.set_register(INTERRUPT_ENABLE, 0)
                    self.ring(queue, fence(7, interrupt=True))
                    self.wait_fence(machine, 7)
                    machine.set_register(INTERRUPT_ENABLE, 1)
                self.assertEqual(machine.read_config(4) & 7, 0)
                machine.map_bars()
                self.assertEqual(queue.state, 0)
                self.assertEqual(machine.register(KEY_EPOCH), epoch + 1)
                self.assert_works(machine)


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
