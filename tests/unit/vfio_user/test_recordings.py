#!/usr/bin/env python3
"""What `ward serve --record` records of the guide's scripts replays, however the client's memory is reached.

Usage: test_recordings.py WARD
"""
import json
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

import serve_process

WARD = sys.argv.pop()
SCRIPTS = pathlib.Path(__file__).resolve().parents[3] / "docs/guide/scripts"
TIMESTAMP_LO, OUTPUT_VBLANK_COUNT, MSIX_BAR = 0x40, 0x4020, 4
SMALL = ("--vram", "16M", "--protected", "16M")


def ward(*arguments):
    done = subprocess.run([WARD, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=120)
    if done.returncode != 0:
        raise AssertionError(f"ward {' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


class Recordings(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def record(self, endpoint, use):
        """`use` is called with the address of the recorded device."""
        recording = self.folder / "run.rec"
        with serve_process.Server(WARD, *SMALL, *endpoint, "--record", str(recording)) as server:
            use(server.endpoints[0])
            server.signal()
            self.assertEqual(server.wait(), 0, server.said())
        replayed = json.loads(ward("replay", str(recording), "--json", "--repeat", "3"))
        self.assertTrue(replayed["matches"])
        self.assertEqual(replayed["same_hash"], 3)
        self.assertEqual(replayed["end"], "closed")
        self.assertEqual(replayed["replayed_events"], replayed["events"])
        self.assertGreater(replayed["calls"], 10)

    def test_reads_amid_a_slice(self):
        """Of a client that leaves with its DMA unanswered, and the next one."""
        path = str(self.folder / "gpu.sock")

        def use(_):
            for _ in range(2):
                with serve_process.Client(path) as client:
                    client.ready().wedge()
                    client.take(16)  # the rest of the chip's request
                    for offset in (TIMESTAMP_LO, OUTPUT_VBLANK_COUNT, serve_process.MAGIC, TIMESTAMP_LO):
                        client.read(offset)
                    for region, size in ((serve_process.CONFIG_REGION, 64), (MSIX_BAR, 32)):
                        body = client.call(serve_process.REGION_READ, struct.pack("<QII", 0, region, size))
                        self.assertEqual(len(body), 16 + size)

        self.record(("--socket", path), use)

    def check(self, endpoint, function):
        names = sorted(path.name for path in SCRIPTS.glob("*.ward"))
        self.assertIn("first-fill.ward", names)
        self.assertIn("faults.ward", names)
        for name in names:
            with self.subTest(name):
                self.record(endpoint, lambda where, script=name: self.run_script(script, function(where)))
        # A client after the other.
        self.record(endpoint, lambda where: [self.run_script(name, function(where)) for name in names])

    def run_script(self, name, function):
        ward("script", str(SCRIPTS / name), "-f", function)

    def test_memory_that_is_shared(self):
        self.check(("--socket", str(self.folder / "gpu.sock")), lambda where: where)

    def test_memory_by_messages(self):
        self.check(("--socket", str(self.folder / "gpu.sock")), lambda where: where + ",messages")

    def test_tcp(self):
        self.check(("--tcp", "127.0.0.1:0"), lambda where: where)


if __name__ == "__main__":
    unittest.main()
