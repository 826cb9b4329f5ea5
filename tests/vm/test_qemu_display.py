#!/usr/bin/env python3
"""The device's outputs in a packaged QEMU, without a guest: consoles, displays that come and go,
what they say about themselves, vblanks, cursors."""

import contextlib
import os
import socket
import struct
import subprocess
import sys
import tempfile
import unittest
from unittest import mock

from bare_machine import MSIX, PLUGIN, VRAM, BareMachine, pack
from test_qemu_device import (DeviceTest, FENCE, FAULTED, INTERRUPT_CAUSE, INTERRUPT_ENABLE,
                              INTERRUPT_VECTOR, LOCAL, MESSAGE, MSIX_CAPABILITY, PROTECTED,
                              KernelQueue, copy, fence, fill)
from x_screen import XKeyboard, XScreen

GPU = "/machine/peripheral/gpu0"
OUTPUT_CONTROL, OUTPUT_MODE, OUTPUT_STATUS, FLIP_COUNT = 0x4000, 0x4004, 0x400c, 0x4010
OUTPUT_SIZE, HOTPLUG_COUNT, VBLANK_COUNT, CURSOR_POSITION = 0x4014, 0x401c, 0x4020, 0x4028
MODE_SIZE, OUTPUT_STRIDE, EDID = 0x4040, 0x100, 0x4800
PREFERRED_MODE = 12
CONNECTED = 1 << 3
HOTPLUG_SOURCE, VBLANK0_SOURCE = 21, 22
AT_VBLANK, FOR_FLIP = 2, 1
OUTPUT_INVALID, SCANOUT_REFUSED = 0x0304, 0x0405
WIDTH, HEIGHT = 640, 360
CURSOR_IMAGE = LOCAL | 0x200000


def flip(address, output=0, flags=0):
    return pack("HHIIIQIIIIQ", 0x0040, flags, 48, output, 0, address, WIDTH * 4, WIDTH, HEIGHT, 0, 0)


def set_cursor(address, output=0, hot_x=0, hot_y=0):
    return pack("HHIIIQIIQQ", 0x0041, 1, 48, output, hot_x, address, hot_y, 0, 0, 0)


def wait_vblank(output=0, count=0, flags=0):
    return pack("HHIIIQQ", 0x0042, flags, 32, output, count, 0, 0)


class OutputTest(DeviceTest):
    def output(self, machine, register, output=0):
        return machine.register(register + output * OUTPUT_STRIDE)

    def set_output(self, machine, register, value, output=0):
        machine.set_register(register + output * OUTPUT_STRIDE, value)

    def run_commands(self, machine, queue, *commands):
        """Until a fence behind them is written."""
        self.fence = getattr(self, "fence", 0) + 1
        queue.submit(*commands, fence(self.fence))
        self.wait_until(lambda: machine.read64(FENCE) == self.fence or queue.state == FAULTED, "the fence")
        self.assertEqual(queue.fault, 0)

    def plug(self, machine, output, display):
        machine.monitor.set_property(GPU, f"display{output}", display)

    def plugged(self, machine, output):
        return machine.monitor.get_property(GPU, f"display{output}")

    def edid(self, machine, output):
        words = [machine.register(EDID + output * OUTPUT_STRIDE + at) for at in range(0, 256, 4)]
        return b"".join(word.to_bytes(4, "little") for word in words)

    def decode(self, edid):
        return subprocess.run(["edid-decode", "--check"], input=edid, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT)


class Consoles(OutputTest):
    def test_each_output_is_a_console_of_its_own(self):
        with BareMachine("display1=on") as machine:
            machine.map_bars()
            machine.set_register(OUTPUT_CONTROL, 1)
            self.set_output(machine, OUTPUT_CONTROL, 1, output=1)
            queue = KernelQueue(machine)
            second = LOCAL | 0x100000
            self.run_commands(machine, queue, fill(LOCAL, 0x102030, WIDTH * 4, HEIGHT),
                              fill(second, 0x405060, WIDTH * 4, HEIGHT),
                              flip(LOCAL, output=0), flip(second, output=1))
            pixels = WIDTH * HEIGHT
            self.assertEqual(machine.take_screenshot(head=0),
                             (WIDTH, HEIGHT, bytes((0x10, 0x20, 0x30)) * pixels))
            self.assertEqual(machine.take_screenshot(head=1),
                             (WIDTH, HEIGHT, bytes((0x40, 0x50, 0x60)) * pixels))

    def test_protected_picture_is_black_to_capture_on_the_second_output_too(self):
        with BareMachine("display1=on") as machine:
            machine.map_bars()
            self.set_output(machine, OUTPUT_CONTROL, 1, output=1)
            queue = KernelQueue(machine)
            self.run_commands(machine, queue, fill(PROTECTED, 0x336699, WIDTH * 4, HEIGHT),
                              flip(PROTECTED, output=1))
            pixels = WIDTH * HEIGHT
            self.assertEqual(machine.take_screenshot(head=1), (WIDTH, HEIGHT, bytes(3 * pixels)))
            machine.monitor.set_property(GPU, "view", "operator")
            self.assertEqual(machine.take_screenshot(head=1),
                             (WIDTH, HEIGHT, bytes((0x33, 0x66, 0x99)) * pixels))

    def test_largest_mode_is_shown_whole(self):
        width, height, mode = 3840, 2160, 6
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(OUTPUT_MODE, mode)
            machine.set_register(OUTPUT_CONTROL, 1)
            queue = KernelQueue(machine)
            show = pack("HHIIIQIIIIQ", 0x0040, 0, 48, 0, 0, LOCAL, width * 4, width, height, 0, 0)
            self.run_commands(machine, queue, fill(LOCAL, 0x0a0b0c, width * 4, height), show)
            self.assertEqual(machine.take_screenshot(),
                             (width, height, bytes((0x0a, 0x0b, 0x0c)) * (width * height)))


class Cursor(OutputTest):
    def show_cursor(self, machine, surface):
        """A white cursor with its hot spot at its middle, over a surface, at 100, 50."""
        machine.map_bars()
        machine.set_register(OUTPUT_CONTROL, 1)
        machine.write(VRAM + 0x200000, b"\xff" * 16384)
        queue = KernelQueue(machine)
        self.run_commands(machine, queue, fill(surface, 0x336699, WIDTH * 4, HEIGHT), flip(surface),
                          set_cursor(CURSOR_IMAGE, hot_x=32, hot_y=32))
        machine.set_register(CURSOR_POSITION, 50 << 16 | 100)
        return queue

    def expected(self, below, left, top):
        row = bytes(below) * WIDTH
        columns = range(max(left, 0), min(left + 64, WIDTH))
        marked = row[:3 * columns.start] + b"\xff" * 3 * len(columns) + row[3 * columns.stop:]
        return b"".join(marked if top <= y < top + 64 else row for y in range(HEIGHT))

    def test_cursor_is_seen_moves_and_is_cut_at_the_edges(self):
        with BareMachine() as machine:
            self.show_cursor(machine, LOCAL)
            for x, y in ((100, 50), (-10, -20), (WIDTH, HEIGHT), (639, 0)):
                machine.set_register(CURSOR_POSITION, (y & 0xffff) << 16 | x & 0xffff)
                self.assertEqual(machine.take_screenshot(),
                                 (WIDTH, HEIGHT, self.expected((0x33, 0x66, 0x99), x - 32, y - 32)))

    def test_cursor_stands_over_a_protected_picture_in_both_views(self):
        with BareMachine() as machine:
            self.show_cursor(machine, PROTECTED)
            self.assertEqual(machine.take_screenshot()[2], self.expected((0, 0, 0), 68, 18))
            machine.monitor.set_property(GPU, "view", "operator")
            self.assertEqual(machine.take_screenshot()[2], self.expected((0x33, 0x66, 0x99), 68, 18))

    def test_cursor_in_protected_memory_is_refused(self):
        with BareMachine() as machine:
            queue = self.show_cursor(machine, LOCAL)
            self.run_commands(machine, queue, set_cursor(PROTECTED))
            self.assertEqual(machine.register(0x1000 + 0x4c), SCANOUT_REFUSED)
            self.assertEqual(machine.take_screenshot()[2], self.expected((0x33, 0x66, 0x99), 68, 18))


class Displays(OutputTest):
    def test_display_comes_and_goes_while_the_machine_runs(self):
        with BareMachine() as machine:
            machine.map_bars()
            machine.write_config(machine.find_capability(MSIX_CAPABILITY), 1 << 31)
            machine.write(MSIX + 4 * 16, pack("QII", MESSAGE, 0xabcd, 0))
            machine.set_register(INTERRUPT_VECTOR + 4 * HOTPLUG_SOURCE, 4)
            machine.set_register(INTERRUPT_ENABLE, 1 << HOTPLUG_SOURCE)
            self.assertEqual([self.plugged(machine, output) for output in (0, 1)],
                             ["1920x1080", "off"])
            preferred = MODE_SIZE + 4 * PREFERRED_MODE
            steps = (("1366x768", "1366x768", 768 << 16 | 1366), ("off", "off", 0),
                     ("on", "1366x768", 768 << 16 | 1366), ("800x600", "800x600", 600 << 16 | 800))
            for count, (display, named, size) in enumerate(steps, start=1):
                with self.subTest(display=display):
                    machine.write32(MESSAGE, 0)
                    machine.set_register(INTERRUPT_CAUSE, 0xffffffff)
                    self.plug(machine, 1, display)
                    self.assertEqual(machine.read32(MESSAGE), 0xabcd)  # the interrupt
                    self.assertEqual(self.plugged(machine, 1), named)
                    self.assertEqual(machine.register(INTERRUPT_CAUSE), 1 << HOTPLUG_SOURCE)
                    self.assertEqual(self.output(machine, HOTPLUG_COUNT, output=1), count)
                    self.assertEqual(self.output(machine, OUTPUT_STATUS, output=1),
                                     CONNECTED if size else 0)
                    self.assertEqual(self.output(machine, preferred, output=1), size)
                    self.assertEqual(any(self.edid(machine, 1)), bool(size))
            self.assertEqual(self.output(machine, HOTPLUG_COUNT, output=0), 0)

    def test_displays_describe_themselves_and_conform(self):
        with BareMachine("display0=2560x1440,display1=1366x768") as machine:
            machine.map_bars()
            for output, size in enumerate(("2560x1440", "1366x768")):
                checked = self.decode(self.edid(machine, output))
                text = checked.stdout.decode(errors="replace")
                self.assertEqual(checked.returncode, 0, text)
                self.assertIn(f"DTD 1:  {size}", text)
                self.assertIn(f"WardGPU {output}", text)

    def test_output_without_a_display_shows_nothing(self):
        with BareMachine() as machine:
            machine.map_bars()
            machine.set_register(OUTPUT_CONTROL, 1)
            queue = KernelQueue(machine)
            self.run_commands(machine, queue, fill(LOCAL, 0x102030, WIDTH * 4, HEIGHT), flip(LOCAL))
            picture = (WIDTH, HEIGHT, bytes((0x10, 0x20, 0x30)) * (WIDTH * HEIGHT))
            self.assertEqual(machine.take_screenshot(), picture)
            self.plug(machine, 0, "off")
            self.assertEqual(machine.take_screenshot()[2], bytes(3 * WIDTH * HEIGHT))
            self.run_commands(machine, queue, flip(LOCAL))  # no fault for it
            self.plug(machine, 0, "on")
            self.assertEqual(machine.take_screenshot(), picture)

    def test_display_outlives_a_reset_of_the_machine(self):
        with BareMachine() as machine:
            self.plug(machine, 1, "1024x768")
            machine.monitor.execute("system_reset")
            machine.monitor.wait_event("RESET", 20)
            machine.map_bars()
            self.assertEqual(self.output(machine, OUTPUT_STATUS, output=1), CONNECTED)
            self.assertEqual(self.output(machine, HOTPLUG_COUNT, output=1), 0)

    def test_impossible_display_is_refused_and_the_old_one_stays(self):
        with BareMachine() as machine:
            machine.map_bars()
            for display in ("0x0", "3841x2160", "640x479", "yes", "1920x1080 "):
                with self.assertRaisesRegex(Exception, "display0=1920x1080"):
                    self.plug(machine, 0, display)
            self.assertEqual(self.plugged(machine, 0), "1920x1080")
            self.assertEqual(machine.register(HOTPLUG_COUNT), 0)


class Window:
    """A client of QEMU's VNC server that asks for sizes (RFC 6143, and its SetDesktopSize)."""

    def __init__(self, path):
        self.end = socket.socket(socket.AF_UNIX)
        self.end.settimeout(20)
        self.end.connect(str(path))
        self.end.sendall(self.take(12))  # the protocol's version
        self.take(self.take(1)[0])
        self.end.sendall(b"\1")  # no authentication
        self.take(4)
        self.end.sendall(b"\1")  # shared
        start = self.take(24)
        self.take(int.from_bytes(start[20:24], "big"))
        self.end.sendall(struct.pack(">BxHi", 2, 1, -308))  # understands ExtendedDesktopSize

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.end.recv(size - len(data))
            if not more:
                raise RuntimeError("the VNC server has ended")
            data += more
        return data

    def ask_for(self, width, height):
        self.end.sendall(struct.pack(">BxHHBxIHHHHI", 251, width, height, 1, 0, 0, 0, width, height, 0))


class Windows(OutputTest):
    def test_display_prefers_what_a_window_asks_for(self):
        with tempfile.TemporaryDirectory(prefix="ward-vnc-") as folder:
            path = f"{folder}/vnc"
            with BareMachine(after=["-vnc", f"unix:{path}"]) as machine:
                machine.map_bars()
                window = Window(path)
                window.ask_for(1300, 700)
                self.wait_until(lambda: self.plugged(machine, 0) == "1300x700", "the new size")
                self.assertEqual(machine.register(MODE_SIZE + 4 * PREFERRED_MODE), 700 << 16 | 1300)
                self.assertEqual(machine.register(HOTPLUG_COUNT), 1)
                self.assertEqual(self.decode(self.edid(machine, 0)).returncode, 0)
                window.ask_for(300, 200)  # no display of ours is that small
                window.ask_for(1280, 720)
                self.wait_until(lambda: self.plugged(machine, 0) == "1280x720", "the next size")
                self.assertEqual(machine.register(HOTPLUG_COUNT), 2)
                self.plug(machine, 0, "off")
                window.ask_for(1024, 768)  # a window plugs nothing in
                window.ask_for(1024, 770)
                machine.take_screenshot()
                self.assertEqual(self.plugged(machine, 0), "off")
                window.end.close()


class DesktopWindows(OutputTest):
    """What a person at the host sees: QEMU's own windows, on an X server without a screen."""

    CONTROL, ALT, TWO = 37, 64, 11  # key codes of every PC keyboard under X

    def paint(self, machine, address, output):
        """No two rows are alike, no two pixels of a row, and no two outputs. Gives RGB rows."""
        rows = [b"".join(bytes((x & 0xff, y & 0xff, 0x10 * output | x >> 8 << 2 | y >> 8))
                         for x in range(WIDTH)) for y in range(HEIGHT)]
        pixels = bytearray(WIDTH * HEIGHT * 4)
        for color in range(3):
            pixels[color::4] = b"".join(rows)[2 - color::3]
        machine.write(VRAM + address, bytes(pixels))
        return rows

    def show_both(self, machine):
        machine.map_bars()
        queue = KernelQueue(machine)
        painted = []
        for output in (0, 1):
            self.set_output(machine, OUTPUT_CONTROL, 1, output)
            painted.append(self.paint(machine, output << 20, output))
            self.run_commands(machine, queue, flip(LOCAL | output << 20, output))
        return queue, painted

    def find(self, screen, rows):
        """What is on the screen where a picture is, by the first of its rows that is seen."""
        pitch, seen = screen.take_picture()
        for y, row in enumerate(rows):
            first = seen.find(row) - y * pitch
            if first >= 0:
                return [seen[at:at + len(row)]
                        for at in range(first, first + len(rows) * pitch, pitch)]
        return []

    @contextlib.contextmanager
    def window(self, kind):
        """A machine in QEMU's window of that kind, and the screen with it."""
        with XScreen(1024, 768) as screen:
            environment = {"DISPLAY": screen.display, "GDK_BACKEND": "x11", "NO_AT_BRIDGE": "1",
                           "SDL_VIDEODRIVER": "x11"}
            with mock.patch.dict(os.environ, environment), \
                    BareMachine("display1=on", after=["-display", kind]) as machine:
                yield machine, screen

    def test_gtk_shows_both_outputs_in_its_tabs(self):
        with self.window("gtk") as (machine, screen):
            _, painted = self.show_both(machine)
            self.wait_until(lambda: self.find(screen, painted[0]) == painted[0], "the first output")
            with XKeyboard(screen.display) as keyboard:
                keyboard.press(300, 300, self.CONTROL, self.ALT, self.TWO)
                self.wait_until(lambda: self.find(screen, painted[1]) == painted[1],
                                "the second output")

    def test_sdl_has_a_window_for_each_output(self):
        with self.window("sdl") as (machine, screen):
            _, painted = self.show_both(machine)

            # Nobody arranges the windows: one covers a part of the other.
            def are_shown():
                above, below = sorted((self.find(screen, rows) for rows in painted),
                                      key=lambda found: found not in painted)
                covered = [row for row in below if row in above]
                return (above in painted and len(covered) < HEIGHT and
                        [row for row in below if row not in covered] ==
                        [row for row in painted[above == painted[0]] if row in below])
            self.wait_until(are_shown, "both outputs")

    def test_window_shows_protected_pictures_in_the_operators_view_alone(self):
        for kind in ("gtk", "sdl"):
            with self.subTest(kind), self.window(kind) as (machine, screen):
                queue, painted = self.show_both(machine)
                # Both outputs, whichever is in front.
                in_front = lambda: [self.find(screen, rows) == rows for rows in painted]
                self.wait_until(lambda: any(in_front()), "a picture")
                output = in_front().index(True)
                size = WIDTH * 4 * HEIGHT
                self.run_commands(machine, queue, copy(PROTECTED, LOCAL | output << 20, size),
                                  flip(PROTECTED, output))
                self.wait_until(lambda: not any(in_front()), "the black")
                machine.monitor.set_property(GPU, "view", "operator")
                self.wait_until(lambda: in_front()[output], "the operator's view")


class Vblanks(OutputTest):
    def show(self, machine):
        machine.map_bars()
        machine.set_register(OUTPUT_CONTROL, 1)
        queue = KernelQueue(machine)
        self.run_commands(machine, queue, flip(LOCAL))
        return queue

    def test_vblanks_come_with_the_machines_time(self):
        with BareMachine() as machine:
            self.show(machine)
            timestamp, second = 0x40, 1000000000
            start, count = machine.register(timestamp), machine.register(VBLANK_COUNT)
            self.wait_until(lambda: machine.register(VBLANK_COUNT) - count >= 12, "twelve vblanks")
            passed = (machine.register(timestamp) - start) % (1 << 32)
            self.assertGreaterEqual(passed, 11 * second // 60)

    def test_flip_at_vblank_and_the_fence_behind_it(self):
        with BareMachine() as machine:
            queue = self.show(machine)
            count = machine.register(VBLANK_COUNT)
            for flips in range(2, 5):
                self.run_commands(machine, queue, flip(LOCAL | 0x100000, flags=AT_VBLANK),
                                  wait_vblank(flags=FOR_FLIP))
                self.assertEqual(machine.register(FLIP_COUNT), flips)
            self.assertGreaterEqual(machine.register(VBLANK_COUNT) - count, 3)

    def test_queue_waits_for_a_count_without_any_doorbell(self):
        with BareMachine() as machine:
            queue = self.show(machine)
            count = machine.register(VBLANK_COUNT) + 5
            self.run_commands(machine, queue, wait_vblank(count=count))
            self.assertGreaterEqual(machine.register(VBLANK_COUNT), count)

    def test_enabled_vblanks_interrupt(self):
        with BareMachine() as machine:
            self.show(machine)
            machine.write_config(machine.find_capability(MSIX_CAPABILITY), 1 << 31)
            machine.write(MSIX + 6 * 16, pack("QII", MESSAGE, 0xabcd, 0))
            machine.set_register(INTERRUPT_VECTOR + 4 * VBLANK0_SOURCE, 6)
            machine.set_register(INTERRUPT_ENABLE, 1 << VBLANK0_SOURCE)
            for _ in range(3):
                machine.write32(MESSAGE, 0)
                self.wait_until(lambda: machine.read32(MESSAGE) == 0xabcd, "the interrupt")

    def test_wait_for_an_output_that_is_not_there_is_a_fault(self):
        with BareMachine() as machine:
            queue = self.show(machine)
            queue.submit(wait_vblank(output=2))
            self.wait_until(lambda: queue.state == FAULTED, "the fault")
            self.assertEqual(queue.fault, OUTPUT_INVALID)


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
