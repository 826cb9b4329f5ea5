#!/usr/bin/env python3
"""Data that the device decrypts where it lies in the guest's memory, in a packaged QEMU: the bytes, what
an IOMMU maps, memory that is none, and that QEMU knows what was written. No guest: the test is the
processor, and the openssl program the other party.
"""

import os
import unittest

from bare_machine import REGISTERS, VRAM, BareMachine, pack
from saved_machine import SESSION_KEY, Saved, openssl, run_tests, wait
from test_qemu_device import (BUS_ERROR, FAULTED, FENCE, LOCAL, PAGE_TABLES, QUEUE,
                              REFUSAL_STATUS, RING, SCRATCH, KernelQueue, enable_iommu, fence)

KIB, PAGE = 1024, 4096
SOURCE, TARGET = 0x3000000, 0x3800000  # in guest memory
MEMORY_END = 128 << 20
FIRMWARE, FIRMWARE_BYTES = 0xffff0000, 65536  # ROM
TIMER = 0xfed000f0  # main counter of the HPET
BUS = 0x40000000  # behind an IOMMU: ring and fence, and the pages of a test from the 16th on
DATA = BUS + 16 * PAGE
IV = bytes(7) + b"\5" + bytes(8)
GUARD = b"\xee" * 64


class WindowTest(Saved):
    def open_machine(self, **options):
        return BareMachine(f"identity={self.identity},open-decrypt=on", **options)

    def open_queue(self, machine):
        """The kernel's queue, and a session that may decrypt into memory that is not protected."""
        machine.map_bars()
        self.fence = 0
        queue = KernelQueue(machine)
        self.session = self.create_keyed_session(queue)
        return queue

    def decrypt_to(self, destination, source, size):
        return pack("HHIIIQQ16sIII20x", 0x0020, 0, 80, self.session, size, destination, source, IV,
                    0, 0, 0)

    def plain(self, data):
        return openssl("enc", "-aes-128-ctr", "-K", SESSION_KEY.hex(), "-iv", IV.hex(), data=data)

    def again(self, queue):
        """The same queue, at its ring's beginning."""
        if queue.ring == BUS:
            return KernelQueue(queue.machine, ring=BUS, fence_address=BUS + PAGE)
        return KernelQueue(queue.machine)

    def run_one(self, queue, destination, source, size):
        queue = self.again(queue)
        queue.machine.write(RING, self.decrypt_to(destination, source, size) + fence(1))
        queue.ring_doorbell(96)
        self.wait_fence(queue.machine, 1)
        self.assertEqual(queue.machine.register(QUEUE + REFUSAL_STATUS), 0)

    def assert_bus_error(self, queue, destination, source, size):
        queue = self.again(queue)
        queue.machine.write(RING, self.decrypt_to(destination, source, size) + fence(1))
        queue.ring_doorbell(96)
        self.wait_until(lambda: queue.state == FAULTED, "the fault")
        self.assertEqual(queue.fault, BUS_ERROR)
        self.assertEqual(queue.machine.read64(FENCE), 0)


class Windows(WindowTest):
    def test_every_size_and_place_has_its_bytes_and_no_others(self):
        with self.open_machine() as machine:
            queue = self.open_queue(machine)
            for size in (16, 100, PAGE, 3 * PAGE + 5, 64 * KIB, 300 * KIB + 7):
                for offset in (0, 5, PAGE - 3):
                    data = os.urandom(size)
                    source, target = SOURCE + 2 * offset, TARGET + PAGE + offset
                    machine.write(source, data)
                    machine.write(target - len(GUARD), GUARD)
                    machine.write(target + size, GUARD)
                    self.run_one(queue, target, source, size)
                    self.assertEqual(machine.read(target - len(GUARD), size + 2 * len(GUARD)),
                                     GUARD + self.plain(data) + GUARD)
                    self.run_one(queue, LOCAL | 0x10000 + offset, source, size)
                    self.assertEqual(machine.read(machine.vram + 0x10000 + offset, size),
                                     self.plain(data))

    def test_memory_that_is_none_is_a_bus_error_and_stays_as_it_is(self):
        with self.open_machine() as machine:
            queue = self.open_queue(machine)
            machine.write(SOURCE, os.urandom(2 * PAGE))
            firmware = machine.read(FIRMWARE, FIRMWARE_BYTES)
            for place in (REGISTERS + SCRATCH, TIMER, FIRMWARE + FIRMWARE_BYTES - 2 * PAGE,
                          0x7fffff0000, MEMORY_END - PAGE):
                self.assert_bus_error(queue, place, SOURCE, 2 * PAGE)
            for place in (REGISTERS + SCRATCH, TIMER, 0x7fffff0000, MEMORY_END - PAGE):
                self.assert_bus_error(queue, TARGET, place, 2 * PAGE)
            self.assertEqual(machine.register(SCRATCH), 0)
            self.assertEqual(machine.read32(TIMER), 0)
            self.assertEqual(machine.read(FIRMWARE, FIRMWARE_BYTES), firmware)
            self.assertEqual(machine.read(TARGET, 2 * PAGE), bytes(2 * PAGE))
            # ROM can be read.
            place = FIRMWARE + FIRMWARE_BYTES - 2 * PAGE
            self.run_one(queue, TARGET, place, 2 * PAGE)
            self.assertEqual(machine.read(TARGET, 2 * PAGE), self.plain(firmware[-2 * PAGE:]))

    def test_bus_mastering_off_moves_nothing(self):
        with self.open_machine() as machine:
            queue = self.open_queue(machine)
            machine.write(SOURCE, os.urandom(PAGE))
            machine.map_bars(command=2)
            self.assert_bus_error(queue, TARGET, SOURCE, PAGE)
            self.assertEqual(machine.read(TARGET, PAGE), bytes(PAGE))


class Mapped(WindowTest):
    """Behind an IOMMU that maps single pages."""

    def open_mapped(self, machine, pages):
        """As open_queue; `pages` lie one behind another from DATA on, None maps nothing."""
        self.open_queue(machine)
        places = {DATA + number * PAGE: page for number, page in enumerate(pages) if page}
        enable_iommu(machine, {BUS: RING, BUS + PAGE: FENCE, **places})
        return KernelQueue(machine, ring=BUS, fence_address=BUS + PAGE)

    def test_pages_in_any_order_have_their_bytes(self):
        count = 12
        orders = {"in order": list(range(count)), "reversed": list(range(count))[::-1],
                  "a gap amid": [*range(5), *range(6, count + 1)]}
        for name, order in orders.items():
            with self.subTest(name), self.open_machine(before=["-device", "intel-iommu"]) as machine:
                data = os.urandom(count * PAGE)
                sources = [SOURCE + number * PAGE for number in order]
                targets = [TARGET + number * PAGE for number in order]
                queue = self.open_mapped(machine, sources + targets)
                for number, place in enumerate(sources):
                    machine.write(place, data[number * PAGE:][:PAGE])
                begin, size = 7, count * PAGE - 20
                self.run_one(queue, DATA + count * PAGE + begin, DATA + begin, size)
                seen = b"".join(machine.read(place, PAGE) for place in targets)
                self.assertEqual(seen, bytes(begin) + self.plain(data[begin:begin + size]) +
                                 bytes(len(data) - begin - size))
                self.assertEqual(machine.read(TARGET - PAGE, PAGE), bytes(PAGE))
                self.assertEqual(machine.read(TARGET + (count + 1) * PAGE, PAGE), bytes(PAGE))

    def test_pages_that_are_not_mapped_or_not_writable_are_bus_errors(self):
        with self.open_machine(before=["-device", "intel-iommu"]) as machine:
            queue = self.open_mapped(machine, [SOURCE, SOURCE + PAGE, None, TARGET, TARGET + PAGE])
            target = DATA + 3 * PAGE
            read_only = PAGE_TABLES + 0x2000 + (target + PAGE >> 12 & 511) * 8
            machine.write64(read_only, TARGET + PAGE | 1)
            machine.write(SOURCE, os.urandom(2 * PAGE))
            machine.write(TARGET + PAGE, GUARD * (PAGE // len(GUARD)))
            self.assert_bus_error(queue, target + PAGE, DATA, PAGE)
            self.assert_bus_error(queue, target, DATA, 2 * PAGE)
            self.assert_bus_error(queue, target, DATA + PAGE, 2 * PAGE)
            self.assert_bus_error(queue, DATA + 2 * PAGE, DATA, PAGE)
            self.assertEqual(machine.read(TARGET + PAGE, PAGE), GUARD * (PAGE // len(GUARD)))
            self.assertEqual(machine.read(TARGET + 2 * PAGE, PAGE), bytes(PAGE))
            # What can't be written can be read.
            self.run_one(queue, target, target + PAGE, PAGE)
            self.assertEqual(machine.read(TARGET, PAGE),
                             self.plain(GUARD * (PAGE // len(GUARD))))


class Migrating(WindowTest):
    def assert_moves(self, destination, place):
        """What is decrypted again and again while the machine migrates is in the other one as it was
        last. No processor wrote it: only the device can tell QEMU that it changed since it was sent."""
        size = 1 << 20
        with self.open_machine() as source, \
                self.open_machine(after=["-incoming", "defer"]) as target:
            queue = self.open_queue(source)
            for at in range(0, 16 << 20, 1 << 20):  # keeps the first pass busy for a while
                source.write(0x4000000 + at, os.urandom(1 << 20))
            texts = [os.urandom(size) for _ in range(2)]
            for number, text in enumerate(texts):
                source.write(SOURCE + number * size, text)
            count = 0
            queue = KernelQueue(source)

            def decrypt_and_look():
                nonlocal count
                if not source.monitor.execute("query-status")["running"]:
                    return True
                count += 1
                commands = (self.decrypt_to(destination, SOURCE + count % 2 * size, size) +
                            fence(count) + wait(0, FENCE))
                source.write(queue.ring + queue.tail, commands)
                queue.tail = (queue.tail + len(commands)) % PAGE  # 128 at a time: none is cut
                queue.ring_doorbell(0)
                self.wait_until(lambda: source.read64(FENCE) == count or
                                not source.monitor.execute("query-status")["running"], "the data")
                return False

            decrypt_and_look()
            self.begin_migration(source, target)
            self.wait_until(decrypt_and_look, "the migration", 60)
            self.wait_until(lambda: target.monitor.execute("query-status")["running"],
                            "the target", 60)
            self.assertGreater(count, 3)
            seen = target.read(place, size)
            if source.read64(FENCE) == count:
                self.assertEqual(seen, self.plain(texts[count % 2]))
            else:  # the last one was under way, and lost its key with the machine
                plain = [self.plain(text) for text in texts]
                for at in range(0, size, PAGE):
                    self.assertIn(seen[at:at + PAGE], [text[at:at + PAGE] for text in plain])

    def test_what_is_written_to_the_guests_memory_moves_too(self):
        self.assert_moves(TARGET, TARGET)

    def test_what_is_written_to_the_devices_memory_moves_too(self):
        self.assert_moves(LOCAL, VRAM)


if __name__ == "__main__":
    run_tests("Decrypts into memory of the guest.")
