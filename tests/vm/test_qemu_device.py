#!/usr/bin/env python3
"""The device in a packaged QEMU, without a guest: what QEMU and the shim have to do with it.

Registers and commands are those of docs/spec; PCI structures those of the PCI specifications.
"""

import shutil
import subprocess
import sys
import time
import unittest
import uuid

from bare_machine import (COMMAND_MASTER, COMMAND_MEMORY, MSIX, PLUGIN, QEMU, REGISTERS, VRAM,
                          BareMachine, pack)

DEVICE_MAGIC, SCRATCH, DEVICE_CONTROL, DEVICE_STATUS = 0x0, 0x54, 0x100, 0x104
INTERRUPT_CAUSE, INTERRUPT_ENABLE, INTERRUPT_VECTOR = 0x200, 0x204, 0x280
QUEUE = 0x1000
QUEUE_CONTROL, QUEUE_STATUS, RING_BASE, RING_SIZE_LOG2, FENCE_ADDRESS = 0x0, 0x4, 0x8, 0x10, 0x18
FAULT_STATUS, FAULT_ADDRESS, REFUSAL_STATUS = 0x30, 0x38, 0x4c
OUTPUT_CONTROL, OUTPUT_MODE, OUTPUT_STATUS, OUTPUT_SIZE = 0x4000, 0x4004, 0x400c, 0x4014
DOORBELL = 0x100000
IDLE, FAULTED = 1, 4
BUS_ERROR = 0x0206
LOCAL = 1 << 63
KEYS_LOST = 1 << 18
FEATURES, TIMESTAMP, KEY_EPOCH = 0x08, 0x40, 0x48
AES128_CTR = uuid.UUID("9b6bd711-4f74-41c9-9e7b-0be2d7d93b4f").bytes_le
RSAES_OAEP = uuid.UUID("c1949895-d72a-4a1d-8e5d-ed857d171520").bytes_le
PROTECTED = LOCAL | 0x4000000000
# Guest memory that the tests use.
RING, FENCE, MESSAGE = 0x1000000, 0x1001000, 0x1002000
ROOT_TABLE, CONTEXT_TABLE, PAGE_TABLES = 0x2000000, 0x2001000, 0x2002000
MSIX_CAPABILITY, POWER_CAPABILITY, EXPRESS_CAPABILITY = 0x11, 0x01, 0x10
WIDTH, HEIGHT = 640, 360  # output mode 0, docs/spec/registers.md


def fence(value, interrupt=False):
    return pack("HHIQ", 0x0002, int(interrupt), 16, value)


def copy(destination, source, size):
    return pack("HHIQQIIIIQ", 0x0010, 0, 48, destination, source, size, 1, 0, 0, 0)


def fill(destination, value, row_bytes, rows):
    return pack("HHIQIIIIQQ", 0x0011, 0, 48, destination, value, row_bytes, rows, row_bytes, 0, 0)


def flip(address):
    return pack("HHIIIQIIIIQ", 0x0040, 0, 48, 0, 0, address, WIDTH * 4, WIDTH, HEIGHT, 0, 0)


class KernelQueue:
    """Queue 0, with its ring in guest memory."""

    def __init__(self, machine, ring=RING, fence_address=FENCE, ring_size_log2=12):
        self.machine, self.ring, self.tail = machine, ring, 0
        machine.set_register(QUEUE + QUEUE_CONTROL, 2)  # RESET
        machine.write64(FENCE, 0)
        machine.set_register64(QUEUE + RING_BASE, ring)
        machine.set_register(QUEUE + RING_SIZE_LOG2, ring_size_log2)
        machine.set_register64(QUEUE + FENCE_ADDRESS, fence_address)
        machine.set_register(QUEUE + QUEUE_CONTROL, 1)  # ENABLE

    def submit(self, *commands):
        data = b"".join(commands)
        self.machine.write(self.ring + self.tail, data)
        self.ring_doorbell(len(data))

    def ring_doorbell(self, size):
        self.tail += size
        self.machine.set_register(DOORBELL, self.tail)

    @property
    def state(self):
        return self.machine.register(QUEUE + QUEUE_STATUS)

    @property
    def fault(self):
        return self.machine.register(QUEUE + FAULT_STATUS)


class DeviceTest(unittest.TestCase):
    def wait_until(self, condition, what, seconds=20):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                self.fail(f"{what} did not happen within {seconds} s")
            time.sleep(0.002)

    def wait_fence(self, machine, value, address=FENCE):
        self.wait_until(lambda: machine.read64(address) == value, f"fence {value}")

    def assert_works(self, machine):
        """The next good request works."""
        queue = KernelQueue(machine)
        queue.submit(fence(77))
        self.wait_fence(machine, 77)
        self.assertEqual(queue.state, IDLE)


class Registers(DeviceTest):
    def test_identity_is_read_through_bar0(self):
        with BareMachine() as machine:
            machine.map_bars()
            self.assertEqual(machine.register(DEVICE_MAGIC), int.from_bytes(b"WARD", "little"))

    def test_other_access_sizes_read_zero_and_write_nothing(self):
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(SCRATCH, 0x01020304)
            machine.ask(f"writeb {REGISTERS + SCRATCH:#x} 0xff")
            machine.ask(f"writew {REGISTERS + SCRATCH + 2:#x} 0xffff")
            machine.ask(f"writeq {REGISTERS + SCRATCH:#x} 0xffffffffffffffff")
            machine.ask(f"writel {REGISTERS + SCRATCH + 2:#x} 0xffffffff")
            self.assertEqual(machine.register(SCRATCH), 0x01020304)
            for access in ("readb", "readw", "readq"):
                self.assertEqual(int(machine.ask(f"{access} {REGISTERS + SCRATCH:#x}"), 16), 0)

    def test_firmware_comes_up_by_itself(self):
        with BareMachine() as machine:
            machine.map_bars()
            self.wait_until(lambda: machine.register(DEVICE_STATUS) & 3 == 1, "firmware ready")


class Configuration(DeviceTest):
    def test_identifiers_and_bars(self):
        with BareMachine("vram-size=16M") as machine:
            self.assertEqual(machine.read_config(0x00), 0x57471234)
            self.assertEqual(machine.read_config(0x08), 0x03800001)
            self.assertEqual(machine.read_config(0x18) & 0xf, 0xc)  # 64-bit, prefetchable
            self.assertEqual([machine.bar_size(bar) for bar in (0, 2, 4)],
                             [2 << 20, 16 << 20, 4096])

    def test_identifiers_are_settable(self):
        with BareMachine("vendor-id=0x1af4,device-id=0x10f1") as machine:
            self.assertEqual(machine.read_config(0x00), 0x10f11af4)

    def test_capabilities_offer_flr_and_32_vectors(self):
        with BareMachine() as machine:
            express = machine.find_capability(EXPRESS_CAPABILITY)
            self.assertTrue(machine.read_config(express + 4) & 1 << 28)
            msix = machine.find_capability(MSIX_CAPABILITY)
            self.assertEqual(machine.read_config(msix) >> 16 & 0x7ff, 31)
            self.assertEqual(machine.read_config(msix + 4), 4)  # table: BAR4 + 0
            self.assertEqual(machine.read_config(msix + 8), 0x800 | 4)
            machine.find_capability(POWER_CAPABILITY)

    def test_device_in_d3hot_does_not_answer_and_comes_back_reset(self):
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(SCRATCH, 5)
            power = machine.find_capability(POWER_CAPABILITY)
            machine.write_config(power + 4, 3)
            self.assertEqual(machine.register(SCRATCH), 0xffffffff)
            machine.write_config(power + 4, 0)
            machine.map_bars()
            self.assertEqual(machine.register(SCRATCH), 0)
            self.assert_works(machine)


class Resets(DeviceTest):
    def check_reset(self, reset):
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(SCRATCH, 5)
            queue = KernelQueue(machine)
            queue.submit(fence(1))
            self.wait_fence(machine, 1)
            reset(machine)
            self.assertEqual(machine.read_config(0x04) & 7, 0)
            self.assertEqual(machine.read_config(0x10), 0)
            machine.map_bars()
            self.assertEqual(machine.register(SCRATCH), 0)
            self.assertEqual(queue.state, 0)
            self.assert_works(machine)

    def test_function_level_reset_puts_the_function_back(self):
        def reset(machine):
            control = machine.find_capability(EXPRESS_CAPABILITY) + 8
            machine.write_config(control, machine.read_config(control) & 0xffff | 1 << 15)
            self.assertFalse(machine.read_config(control) & 1 << 15)
        self.check_reset(reset)

    def test_interrupt_that_a_mask_held_back_goes_with_the_reset(self):
        reset_function, masked = 1, 1
        with BareMachine() as machine:
            machine.map_bars()
            machine.write_config(machine.find_capability(MSIX_CAPABILITY), 1 << 31)
            machine.write(MSIX, pack("QII", MESSAGE, 0xabcd, masked))
            machine.set_register(INTERRUPT_ENABLE, 1)
            KernelQueue(machine).submit(fence(1, interrupt=True))
            self.wait_until(lambda: machine.read32(MSIX + 0x800) == 1, "the pending bit")
            machine.set_register(DEVICE_CONTROL, reset_function)
            self.assertEqual(machine.read32(MSIX + 0x800), 0)
            machine.write32(MSIX + 12, 0)
            self.assertEqual(machine.read32(MESSAGE), 0)

    def test_only_a_reset_of_the_function_takes_pending_interrupts_along(self):
        # An access of another size reaches no register, so it resets nothing.
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            control = machine.find_capability(MSIX_CAPABILITY)
            machine.write_config(control, machine.read_config(control) | 1 << 31)  # all masked
            machine.set_register(INTERRUPT_ENABLE, 1)
            queue.submit(fence(1, interrupt=True))
            self.wait_fence(machine, 1)
            for access in ("writeb", "writew", "writeq"):
                machine.ask(f"{access} {REGISTERS + DEVICE_CONTROL:#x} 1")
                self.assertEqual(machine.read32(MSIX + 0x800), 1, access)
            machine.set_register(DEVICE_CONTROL, 1)
            self.assertEqual(machine.read32(MSIX + 0x800), 0)

    def test_system_reset_puts_the_function_back(self):
        def reset(machine):
            machine.monitor.execute("system_reset")
            machine.monitor.wait_event("RESET", 20)
        self.check_reset(reset)


class Dma(DeviceTest):
    def test_fence_reaches_memory_and_interrupts_by_msix(self):
        with BareMachine() as machine:
            machine.map_bars()
            msix = machine.find_capability(MSIX_CAPABILITY)
            machine.write_config(msix, 1 << 31)
            # The message of vector 3 is a store to memory, where it can be seen.
            machine.write(MSIX + 3 * 16, pack("QII", MESSAGE, 0xabcd, 0))
            machine.set_register(INTERRUPT_VECTOR, 3)
            machine.set_register(INTERRUPT_ENABLE, 1)
            KernelQueue(machine).submit(fence(9, interrupt=True))
            self.wait_until(lambda: machine.read32(MESSAGE) == 0xabcd, "the interrupt")
            self.assertEqual(machine.read64(FENCE), 9)
            # QEMU resets every device once at its start, and a reset loses the keys.
            self.assertEqual(machine.register(INTERRUPT_CAUSE), 1 | KEYS_LOST)

    def test_copy_between_memory_and_vram(self):
        data = bytes(range(256)) * 64
        with BareMachine() as machine:
            machine.map_bars()
            machine.write(MESSAGE, data)
            KernelQueue(machine).submit(copy(LOCAL | 0x10000, MESSAGE, len(data)), fence(1))
            self.wait_fence(machine, 1)
            self.assertEqual(machine.read(VRAM + 0x10000, len(data)), data)

    def test_bus_mastering_off_is_a_bus_error(self):
        with BareMachine() as machine:
            machine.map_bars(COMMAND_MEMORY)
            queue = KernelQueue(machine)
            queue.submit(fence(1))
            self.wait_until(lambda: queue.state == FAULTED, "the fault")
            self.assertEqual(queue.fault, BUS_ERROR)
            self.assertEqual(machine.read64(FENCE), 0)
            machine.map_bars(COMMAND_MEMORY | COMMAND_MASTER)
            self.assert_works(machine)

    def test_dma_to_own_registers_is_a_bus_error_and_changes_nothing(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine, fence_address=REGISTERS + SCRATCH + 4)
            queue.submit(copy(REGISTERS + SCRATCH, MESSAGE, 4))
            self.wait_until(lambda: queue.state == FAULTED, "the fault of the copy")
            self.assertEqual(queue.fault, BUS_ERROR)
            queue = KernelQueue(machine, fence_address=REGISTERS + SCRATCH + 4)
            queue.submit(fence(1))
            self.wait_until(lambda: queue.state == FAULTED, "the fault of the fence")
            self.assertEqual(queue.fault, BUS_ERROR)
            queue = KernelQueue(machine, ring=REGISTERS)
            queue.ring_doorbell(16)
            self.wait_until(lambda: queue.state == FAULTED, "the fault of the ring")
            self.assertEqual(queue.fault, BUS_ERROR)
            self.assertEqual(machine.register(SCRATCH), 0)
            self.assert_works(machine)

    def test_dma_to_another_device_is_a_bus_error_and_changes_nothing(self):
        timer = 0xfed000f0  # main counter of the HPET, while it stands: takes 4 bytes
        table = 0xfed90020  # root table address of the IOMMU, while it is off: takes 8 bytes
        with BareMachine(before=["-device", "intel-iommu"]) as machine:
            machine.map_bars()
            machine.write32(MESSAGE, 0x12345678)
            queue = KernelQueue(machine, fence_address=table)
            queue.submit(copy(timer, MESSAGE, 4))
            self.wait_until(lambda: queue.state == FAULTED, "the fault of the copy")
            self.assertEqual(queue.fault, BUS_ERROR)
            queue = KernelQueue(machine, fence_address=table)
            queue.submit(fence(0x5000000))
            self.wait_until(lambda: queue.state == FAULTED, "the fault of the fence")
            self.assertEqual(queue.fault, BUS_ERROR)
            self.assertEqual(machine.read32(timer), 0)
            self.assertEqual(machine.read64(table), 0)
            self.assert_works(machine)

    def test_address_without_memory_is_a_bus_error(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            queue.submit(copy(0x7fffff0000, MESSAGE, 4096))
            self.wait_until(lambda: queue.state == FAULTED, "the fault")
            self.assertEqual(queue.fault, BUS_ERROR)
            self.assert_works(machine)

    def test_address_that_the_iommu_does_not_map_is_a_bus_error(self):
        with BareMachine(before=["-device", "intel-iommu"]) as machine:
            machine.map_bars()
            enable_iommu(machine, {0x40000000: RING, 0x40001000: FENCE})
            queue = KernelQueue(machine, ring=0x40000000, fence_address=0x40001000)
            machine.write(RING, fence(4) + copy(0x40002000, 0x40000000, 64))
            queue.ring_doorbell(64)
            self.wait_until(lambda: queue.state == FAULTED, "the fault")
            self.assertEqual(queue.fault, BUS_ERROR)
            self.assertEqual(machine.read64(FENCE), 4)
            queue = KernelQueue(machine, ring=0x40000000, fence_address=0x40001000)
            machine.write(RING, fence(5))
            queue.ring_doorbell(16)
            self.wait_fence(machine, 5)


def enable_iommu(machine, pages):
    """Gives our function a VT-d domain with three-level tables that maps these pages only."""
    first, second, third = PAGE_TABLES, PAGE_TABLES + 0x1000, PAGE_TABLES + 0x2000
    machine.write64(ROOT_TABLE, CONTEXT_TABLE | 1)
    entry = CONTEXT_TABLE + (5 << 3) * 16  # device 5, function 0
    machine.write(entry, pack("QQ", first | 1, 1 << 8 | 1))  # domain 1, 39 bits
    for address, memory in pages.items():
        machine.write64(first + (address >> 30 & 511) * 8, second | 3)
        machine.write64(second + (address >> 21 & 511) * 8, third | 3)
        machine.write64(third + (address >> 12 & 511) * 8, memory | 3)
    unit = 0xfed90000
    machine.write64(unit + 0x20, ROOT_TABLE)
    machine.write32(unit + 0x18, 1 << 30)  # set root table pointer
    machine.write32(unit + 0x18, 1 << 31)  # translation on
    assert machine.read32(unit + 0x1c) >> 31 == 1


class Time(DeviceTest):
    def test_stopped_machine_parks_the_device(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            machine.monitor.execute("stop")
            queue.submit(fence(3))
            time.sleep(0.2)
            self.assertEqual(machine.read64(FENCE), 0)
            machine.monitor.execute("cont")
            self.wait_fence(machine, 3)

    def test_realistic_latency_is_charged_in_virtual_time(self):
        create_session, charge_ns = 1, 300_000_000
        with BareMachine("realistic-latency=on") as machine:
            machine.map_bars()
            payload = AES128_CTR + bytes(16) + RSAES_OAEP
            message = pack("HHIIIQII", 0x0050, 0, 32 + len(payload), create_session, len(payload),
                           MESSAGE, 64, 0) + payload
            before = machine.register(TIMESTAMP) | machine.register(TIMESTAMP + 4) << 32
            KernelQueue(machine).submit(message + fence(1))
            self.wait_fence(machine, 1)
            after = machine.register(TIMESTAMP) | machine.register(TIMESTAMP + 4) << 32
            self.assertEqual(machine.read32(MESSAGE), 0, "status of the answer")
            self.assertGreaterEqual(after - before, charge_ns)

    def test_registers_answer_while_the_device_works(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            queue.submit(*[fill(LOCAL, value, 32 << 20, 1) for value in range(16)], fence(1))
            self.assertEqual(machine.read64(FENCE), 0)  # 512 MiB are not filled that fast
            slowest = 0
            while machine.read64(FENCE) == 0:
                start = time.monotonic()
                machine.register(SCRATCH)
                slowest = max(slowest, time.monotonic() - start)
            self.assertLess(slowest, 0.5)


class Screen(DeviceTest):
    def show(self, machine, address, *before):
        machine.set_register(OUTPUT_CONTROL, 1)
        queue = KernelQueue(machine)
        queue.submit(*before, flip(address), fence(1))
        self.wait_until(lambda: machine.read64(FENCE) == 1 or queue.state == FAULTED, "the flip")
        self.assertEqual(queue.fault, 0)

    def shot(self, machine, view):
        machine.monitor.set_property("/machine/peripheral/gpu0", "view", view)
        return machine.take_screenshot()

    def test_unprotected_picture_is_seen_in_both_views(self):
        with BareMachine() as machine:
            machine.map_bars()
            row = b"".join(pack("I", x << 16 | 0x4020) for x in range(256)) + bytes(4 * (WIDTH - 256))
            machine.write(VRAM, row * HEIGHT)
            self.show(machine, LOCAL)
            wanted = b"".join(bytes((x, 0x40, 0x20)) for x in range(256)) + bytes(3 * (WIDTH - 256))
            for view in ("capture", "operator"):
                self.assertEqual(self.shot(machine, view), (WIDTH, HEIGHT, wanted * HEIGHT))

    def test_protected_picture_is_black_to_capture_and_seen_by_the_operator(self):
        with BareMachine() as machine:
            machine.map_bars()
            self.show(machine, PROTECTED, fill(PROTECTED, 0x336699, WIDTH * 4, HEIGHT))
            self.assertEqual(machine.register(OUTPUT_STATUS), 0xb)  # active, protected, connected
            pixels = WIDTH * HEIGHT
            self.assertEqual(machine.take_screenshot(), (WIDTH, HEIGHT, bytes(3 * pixels)))
            self.assertEqual(self.shot(machine, "operator"),
                             (WIDTH, HEIGHT, bytes((0x33, 0x66, 0x99)) * pixels))
            self.assertEqual(self.shot(machine, "capture"), (WIDTH, HEIGHT, bytes(3 * pixels)))

    def test_dark_output_is_black_and_view_is_capture(self):
        with BareMachine() as machine:
            path = "/machine/peripheral/gpu0"
            self.assertEqual(machine.monitor.get_property(path, "view"), "capture")
            width, height, pixels = machine.take_screenshot()
            self.assertEqual(pixels, bytes(3 * width * height))

    def test_unknown_view_is_refused(self):
        with BareMachine() as machine, self.assertRaisesRegex(Exception, "everything"):
            machine.monitor.set_property("/machine/peripheral/gpu0", "view", "everything")

    def test_fault_of_the_link_can_be_set_while_the_machine_runs(self):
        path = "/machine/peripheral/gpu0"
        with BareMachine() as machine:
            for name in ("link-fault", "link-fault1"):
                self.assertEqual(machine.monitor.get_property(path, name), "none")
                for fault in ("negotiation-fails", "link-lost", "none"):
                    machine.monitor.set_property(path, name, fault)
                    self.assertEqual(machine.monitor.get_property(path, name), fault)
                with self.assertRaisesRegex(Exception, "rusty"):
                    machine.monitor.set_property(path, name, "rusty")


class TearDown(DeviceTest):
    GPU = "/machine/peripheral/gpu0"

    def test_keys_and_content_go_and_the_rest_goes_on(self):
        with BareMachine() as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            queue.submit(fill(PROTECTED, 0x336699, WIDTH * 4, HEIGHT), fence(1))
            self.wait_fence(machine, 1)
            machine.set_register(OUTPUT_CONTROL, 1)
            queue.submit(flip(PROTECTED), fence(2))
            self.wait_fence(machine, 2)
            machine.write(VRAM, b"kept")
            epoch = machine.register(KEY_EPOCH)
            machine.set_register(INTERRUPT_CAUSE, KEYS_LOST)
            machine.monitor.set_property(self.GPU, "teardown", True)
            self.assertEqual(machine.register(KEY_EPOCH), epoch + 1)
            self.assertEqual(machine.register(INTERRUPT_CAUSE) & KEYS_LOST, KEYS_LOST)
            self.assertEqual(machine.read(VRAM, 4), b"kept")
            machine.monitor.set_property(self.GPU, "view", "operator")
            self.assertEqual(machine.take_screenshot(), (WIDTH, HEIGHT, bytes(3 * WIDTH * HEIGHT)))
            queue.submit(fence(3))
            self.wait_fence(machine, 3)

    def test_it_is_written_alone_and_takes_only_true(self):
        with BareMachine() as machine:
            machine.map_bars()
            epoch = machine.register(KEY_EPOCH)
            with self.assertRaisesRegex(Exception, "takes only true"):
                machine.monitor.set_property(self.GPU, "teardown", False)
            with self.assertRaises(Exception):
                machine.monitor.get_property(self.GPU, "teardown")
            self.assertEqual(machine.register(KEY_EPOCH), epoch)


class Life(DeviceTest):
    def test_properties_are_listed(self):
        with BareMachine() as machine:
            listed = machine.monitor.execute("device-list-properties", typename="ward-gpu")
            names = {entry["name"] for entry in listed}
            self.assertLessEqual({"view", "teardown", "link-fault", "link-fault1", "display0",
                                  "display1", "identity", "trace", "vram-size", "protected-size", "vendor-id",
                                  "device-id", "seal-key-file", "open-decrypt",
                                  "record", "record-key", "trace-form", "pcap", "report",
                                  "poll-reads", "poll-ms", "inject"}, names)

    def test_open_decrypt_is_off_and_loud_when_it_is_on(self):
        for device, is_open in (("", 0), ("open-decrypt=on", 1)):
            with BareMachine(device) as machine:
                machine.map_bars()
                self.assertEqual(machine.register(FEATURES) >> 22 & 1, is_open)
                self.assertEqual("PROTECTION is refused" in machine.log.read_text(), is_open == 1)

    def test_device_comes_and_goes_while_the_machine_runs(self):
        # Native hot plug: an empty slot is without power, so that unplugging needs no guest.
        before = ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off",
                  "-device", "pcie-root-port,id=port0,chassis=1"]
        with BareMachine(before=before) as machine:
            for _ in range(3):
                machine.monitor.execute("device_add", driver="ward-gpu", id="gpu1", bus="port0")
                machine.monitor.execute("screendump", device="gpu1",
                                        filename=str(machine.folder / "plugged.ppm"))
                machine.monitor.execute("device_del", id="gpu1")
                machine.monitor.wait_event("DEVICE_DELETED", 20)
            machine.map_bars()
            self.assert_works(machine)


class Refusals(DeviceTest):
    def run_qemu(self, device, plugin=PLUGIN):
        return subprocess.run(
            [QEMU, "-M", "q35", "-accel", "tcg", "-nodefaults", "-display", "none", "-S",
             "-plugin", str(plugin), "-device", device], text=True, timeout=60,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def assert_refused(self, result, text):
        self.assertEqual(result.returncode, 1, result.stdout)
        self.assertIn(text, result.stdout)

    def test_qemu_without_its_device_object_names_the_mending_command(self):
        with BareMachine() as machine:
            lonely = machine.folder / "ward-qemu.so"
            shutil.copy(PLUGIN, lonely)
            self.assert_refused(self.run_qemu("ward-gpu", lonely), "./dev build")

    def test_vram_size_that_is_no_power_of_two(self):
        self.assert_refused(self.run_qemu("ward-gpu,vram-size=48M"), "vram-size=64M")

    def test_teardown_before_there_are_keys(self):
        self.assert_refused(self.run_qemu("ward-gpu,teardown=on"), "takes only true")

    def test_display_that_is_not_possible(self):
        for display in ("639x480", "1920x2161", "1920", "1920x1080x32", "-800x600", "big", ""):
            with self.subTest(display=display):
                self.assert_refused(self.run_qemu(f"ward-gpu,display1={display}"),
                                    "display1=1920x1080")

    def test_empty_identity(self):
        self.assert_refused(self.run_qemu("ward-gpu,identity="), "identity is empty")

    def test_seal_key_that_is_none(self):
        self.assert_refused(self.run_qemu("ward-gpu,seal-key-file=/nowhere"), "head -c 32")

    def test_plugin_arguments(self):
        self.assert_refused(self.run_qemu("ward-gpu", f"{PLUGIN},view=operator"), "-device ward-gpu")

    def test_identity_folder_that_is_not_there(self):
        self.assert_refused(self.run_qemu("ward-gpu,identity=/nowhere"), "ward identity create")


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
