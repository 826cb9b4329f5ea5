#!/usr/bin/env python3
"""A server is ended by SIGTERM on a machine that gives its device hardly any processor time.

The device has done nothing wrong and could end at once, so the server has to end in good order, with exit code 0, however
long it waits for its turn.

Usage: serve_starved.py WARD
"""
import os
import signal
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from serve_process import REGION_WRITE, Client, Server  # noqa: E402

VRAM_REGION = 2
BLOCK = 1 << 15
BLOCKS = 256  # that the client leaves behind: what the device has to clear
HOGS = 4
STARVED_S = 3  # several times what a server waits for a device that sleeps


def starve(server, processor):
    """Has all threads but the first wait for what idle processes get of one processor."""
    for thread in os.listdir(f"/proc/{server.pid}/task"):
        if int(thread) != server.pid:
            os.sched_setaffinity(int(thread), {processor})
            os.sched_setscheduler(int(thread), os.SCHED_IDLE, os.sched_param(0))


def main():
    processor = min(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "gpu.sock")
        with Server(sys.argv[1], "--socket", path, "--vram", "16M") as server, Client(path) as client:
            client.ready()
            for block in range(BLOCKS):
                client.call(REGION_WRITE, struct.pack("<QII", block * BLOCK, VRAM_REGION, BLOCK) + b"\1" * BLOCK)
            starve(server, processor)
            hogs = [subprocess.Popen([sys.executable, "-c",
                                      f"import os; os.sched_setaffinity(0, {{{processor}}})\nwhile True: pass"])
                    for _ in range(HOGS)]
            try:
                time.sleep(0.5)  # until they run
                server.signal(signal.SIGTERM)
                time.sleep(STARVED_S)
            finally:
                for hog in hogs:
                    hog.kill()
                    hog.wait()
            code = server.wait()
            if code != 0 or os.path.exists(path):
                raise SystemExit(f"FAIL: exit code {code}, and it said {server.said()}")
    print(f"ended in good order after {STARVED_S} s without a processor of its own")


if __name__ == "__main__":
    main()
