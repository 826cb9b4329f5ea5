#!/usr/bin/env python3
"""The device in a packaged QEMU recorded into a file, and run again by `ward replay`. No guest: the
test is the processor (docs/spec/recording.md).
"""

import argparse
import json
import os
import signal
import stat
import subprocess
import sys
import unittest
from pathlib import Path

from bare_machine import PLUGIN, ROOT, VRAM, BareMachine
from test_qemu_device import (BUS_ERROR, FENCE, LOCAL, QEMU, SCRATCH, DeviceTest, KernelQueue, copy,
                              fence, fill)
from vm.scratch import ScratchFolder

WARD = Path(os.environ.get("WARD_TOOL", ROOT / "build/release/emulator/cli/ward"))


class Recorded(DeviceTest):
    def setUp(self):
        scratch = ScratchFolder("ward-record-")
        self.addCleanup(scratch.remove)
        self.folder = scratch.path
        self.recording = self.folder / "run.rec"
        self.key = self.folder / "key"
        self.key.write_bytes(os.urandom(32))
        self.key.chmod(0o600)

    def create_identity(self, *words):
        folder = self.folder / "identity"
        subprocess.run([WARD, "identity", "create", *words, folder], check=True,
                       stdout=subprocess.DEVNULL)
        return folder

    def machine(self, properties="", **options):
        return BareMachine(f"record={self.recording}" + (f",{properties}" if properties else ""),
                           **options)

    def play(self, machine):
        """Some of everything that a host does: registers, DMA, visible VRAM, a fault, a display."""
        machine.map_bars()
        machine.set_register(SCRATCH, 0x1234)
        queue = KernelQueue(machine)
        machine.write(VRAM + 0x8000, b"what the guest wrote" * 10)
        queue.submit(copy(LOCAL | 0x9000, LOCAL | 0x8000, 200), fill(LOCAL | 0xa000, 7, 256, 4),
                     fence(1))
        self.wait_fence(machine, 1)
        machine.monitor.set_property("/machine/peripheral/gpu0", "display1", "800x600")
        machine.take_screenshot()
        queue.submit(copy(LOCAL | 0x9000, 0x7000000000, 64))
        self.wait_until(lambda: queue.fault == BUS_ERROR, "the fault")

    def replay(self, *words, code=0):
        result = subprocess.run([WARD, "replay", self.recording, *words], capture_output=True,
                                text=True, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result.stdout if code == 0 else result.stderr

    def quit(self, machine):
        machine.monitor.execute("quit")
        machine.process.wait(20)

    def test_machine_that_quits_leaves_a_whole_recording(self):
        with self.machine() as machine:
            self.play(machine)
            machine.monitor.execute("system_reset")
            machine.monitor.wait_event("RESET", 20)
            self.quit(machine)
        self.assertEqual(stat.S_IMODE(self.recording.stat().st_mode), 0o600)
        document = json.loads(self.replay("--json", "--repeat", "20"))
        self.assertEqual((document["end"], document["same_hash"]), ("closed", 20))
        self.assertGreater(document["events"], 40)

    def test_machine_that_is_asked_to_end_leaves_a_whole_recording(self):
        with self.machine() as machine:
            self.play(machine)
            os.kill(machine.process.pid, signal.SIGTERM)
            machine.process.wait(20)
        self.assertEqual(json.loads(self.replay("--json"))["end"], "closed")

    def test_machine_that_is_killed_leaves_what_it_had_done(self):
        with self.machine() as machine:
            self.play(machine)
            machine.process.kill()
            machine.process.wait(20)
        self.assertIn("without an end", self.replay(code=1))
        document = json.loads(self.replay("--partial", "--json"))
        self.assertEqual(document["end"], "unfinished")
        script = "break status BUS_ERROR\nrun\nqueues\n"
        result = subprocess.run([WARD, "replay", "--partial", "-i", self.recording], input=script,
                                capture_output=True, text=True, check=True)
        self.assertIn("fault BUS_ERROR", result.stdout)

    def test_own_identity_needs_a_seal_or_the_mark_of_tests(self):
        identity = self.create_identity()
        with self.machine(f"identity={identity},record-key={self.key}") as machine:
            self.play(machine)
            self.quit(machine)
        self.assertIn("is sealed", self.replay(code=1))
        self.assertIn("state hash", self.replay("--key", str(self.key)))
        identity = self.create_identity("--force", "--test")
        with self.machine(f"identity={identity}") as machine:
            self.play(machine)
            self.quit(machine)
        self.assertIn("state hash", self.replay())

    def test_recordings_that_can_not_be_are_refused_with_the_mending(self):
        identity = self.create_identity()
        for properties, text in (
                (f"record={self.recording},identity={identity}", "record-key"),
                (f"record={self.recording},record-key=/nowhere", "head -c 32"),
                ("record=/no/such/run.rec", "can't be created: No such file or directory"),
                (f"record={self.folder}", "no regular file"),
                (f"record-key={self.key}", "give record=FILE too")):
            with self.subTest(properties):
                result = subprocess.run(
                    [QEMU, "-M", "q35", "-accel", "tcg", "-nodefaults", "-display", "none", "-S",
                     "-plugin", str(PLUGIN), "-device", f"ward-gpu,{properties}"], text=True,
                    timeout=60, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT)
                self.assertEqual(result.returncode, 1, result.stdout)
                self.assertIn(text, result.stdout)
        self.assertFalse(self.recording.exists())


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path)
    options, rest = parser.parse_known_args()
    if options.build_dir:
        WARD = options.build_dir.resolve() / "emulator/cli/ward"
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
