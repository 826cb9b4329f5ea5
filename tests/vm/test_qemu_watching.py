#!/usr/bin/env python3
"""What the device in a packaged QEMU writes about its driver, and faults that it injects on purpose.
The forms of the files are tested in tests/unit/boundary; here it is that QEMU's device makes them.
"""

import json
import os
import stat
import sys
import time
import unittest

from bare_machine import PLUGIN, REGISTERS, BareMachine
from test_qemu_device import (BUS_ERROR, FAULT_STATUS, FENCE, QUEUE, SCRATCH, DeviceTest, KernelQueue,
                              fence)
from vm.scratch import ScratchFolder

UNMODELLED = 0x60
LAST_FENCE = 0x28


class Watching(DeviceTest):
    def test_trace_capture_and_report_are_written_while_the_machine_runs(self):
        files = "trace=trace.log,trace-form=log,pcap=ward.pcapng,report=report.json"
        with BareMachine(files) as machine:
            machine.map_bars()
            self.assertEqual(json.loads((machine.folder / "report.json").read_text())["unmet"], [])
            KernelQueue(machine).submit(fence(1))
            self.wait_fence(machine, 1)
            for _ in range(4):
                machine.register(UNMODELLED)
            machine.ask(f"readb {REGISTERS + SCRATCH:#x}")
            report = json.loads((machine.folder / "report.json").read_text())
            self.assertEqual([(e["class"], e["what"], e["count"]) for e in report["unmet"][:1]],
                             [("not modelled", "0x000060 DECODER_COUNT+0x4", 4)])
            self.assertEqual(report["unmet"][0]["command_before"], {"name": "FENCE", "queue": 0})
            trace = (machine.folder / "trace.log").read_text()
            self.assertIn(" name=FENCE queue=0 position=0x0 indirect=0x0\n", trace)
            self.assertIn("ward_register_read time_ns=", trace)
            capture = machine.folder / "ward.pcapng"
            self.assertEqual(stat.S_IMODE(capture.stat().st_mode), 0o600)
            self.assertIn(fence(1), capture.read_bytes())

    def test_a_loop_is_reported_while_it_runs(self):
        with BareMachine("report=report.txt,poll-reads=50") as machine:
            machine.map_bars()
            deadline = time.monotonic() + 60
            text = ""
            while "driver polls SCRATCH (0x0):" not in text:
                self.assertLess(time.monotonic(), deadline, text)
                for _ in range(100):
                    machine.register(SCRATCH)
                text = (machine.folder / "report.txt").read_text()
            self.assertIn("polls now", text)

    def test_files_that_end_are_told_while_the_machine_runs(self):
        scratch = ScratchFolder("ward-watch-")
        self.addCleanup(scratch.remove)
        pipe = scratch.path / "pipe"
        os.mkfifo(pipe)
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        trace, capture = "the trace /dev/full ends: No space left", f"the capture {pipe} ends: Broken pipe"
        with BareMachine(f"trace=/dev/full,pcap={pipe}") as machine:
            machine.map_bars()
            self.wait_until(lambda: trace in machine.log.read_text(), "the word about the trace")
            self.assertNotIn("capture", machine.log.read_text())
            os.close(reader)
            queue = KernelQueue(machine)
            for value in range(1, 4):
                queue.submit(fence(value))
                self.wait_fence(machine, value)
            self.wait_until(lambda: capture in machine.log.read_text(), "the word about the capture")
            said = machine.log.read_text()
            # Once when it ends, and once more with the other one.
            self.assertEqual((said.count(trace), said.count(capture)), (2, 1), said)

    def test_files_that_cannot_be_written_and_wrong_words_are_refused(self):
        for device, reason in (("trace=/nowhere/x", "the trace can't be written to /nowhere/x"),
                               ("pcap=/nowhere/x", "the capture can't be written to /nowhere/x"),
                               ("report=/nowhere/x", "the report can't be written to /nowhere/x"),
                               ("trace-form=json", "trace-form is json: give text or log"),
                               ("inject=lost-fence", "'lost-fence': expected lost-interrupt"),
                               ("inject=dma-error:nth=x", "'nth=x': nth is a number from 1")):
            with self.subTest(device), self.assertRaisesRegex(RuntimeError, reason):
                with BareMachine(device):
                    pass


class Faults(DeviceTest):
    def test_dma_fails_when_it_was_asked_for(self):
        with BareMachine("inject=dma-error:nth=2") as machine:
            machine.map_bars()
            queue = KernelQueue(machine)
            queue.submit(fence(1))  # the ring is read, then comes the store that fails
            self.wait_until(lambda: machine.register(QUEUE + FAULT_STATUS) == BUS_ERROR, "the fault")
            self.assertEqual(machine.read64(FENCE), 0)

    def test_a_late_fence_comes_with_virtual_time(self):
        with BareMachine("inject=late-fence:ns=300000000") as machine:
            machine.map_bars()
            KernelQueue(machine).submit(fence(1))
            self.wait_until(lambda: machine.register(QUEUE + LAST_FENCE) == 1, "LAST_FENCE")
            self.assertEqual(machine.read64(FENCE), 0)
            self.wait_fence(machine, 1)


if __name__ == "__main__":
    if not PLUGIN.exists():
        sys.exit(f"{PLUGIN} is not there: ./dev build device")
    unittest.main(argv=sys.argv[:1], verbosity=2)
