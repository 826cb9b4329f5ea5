#!/usr/bin/env python3
"""F6, F18, P14: clients are killed, leave amid a message, send noise or are stuck, again and again.

Each time the next client must be served by the same process and find a device as new, and a client
of another device of the process, which reads a register all the while, must not be hurt. Prints how
many there were of each kind, how long the next one waited, and what the neighbour saw.

Usage: client_deaths.py WARD ROUNDS [SEED]
"""
import errno
import os
import random
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import serve_process  # noqa: E402
from serve_process import Client, Server  # noqa: E402

GET_REGION_INFO = 5
LIMIT_S = 60
STUCK_EVERY = 50  # one lasts a second: the server's patience with a DMA request


def encode(command, body, size=None, flags=0):
    return struct.pack("<HHIII", 1, command, 16 + len(body) if size is None else size, flags, 0) + body


def access(client, ready):
    client.ready()
    ready()
    for value in range(1 << 30):
        client.write(serve_process.SCRATCH, value)
        client.read(serve_process.SCRATCH)


def wait_for_memory(client, ready):
    client.ready().wedge()
    client.write(serve_process.SCRATCH, 1)
    ready()
    client.take(1 << 20)


def leave_unread(client, ready):
    client.ready()
    ready()
    ask = encode(serve_process.REGION_READ, struct.pack("<QII", 0, 2, 1 << 20))
    while True:
        client.socket.sendall(ask)


def kill_amid(work, path, dice):
    """A process whose client does this is killed at a random moment."""
    begun, told = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            with Client(path) as client:
                work(client, lambda: os.write(told, b"."))
        finally:
            os._exit(1)
    os.close(told)
    try:
        if os.read(begun, 1) != b".":
            raise SystemExit("FAIL: a client to be killed was not served")
        time.sleep(dice.random() * 0.01)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(begun)


def leave_amid_a_message(path, dice):
    messages = (encode(1, b"\0\0\0\0{}\0"), encode(2, struct.pack("<IIQQQ", 32, 3, 0, 0, 4096)),
                encode(10, struct.pack("<QIII", serve_process.SCRATCH, 0, 4, 1)),
                encode(8, struct.pack("<IIIII", 20, 0x24, 2, 0, 1)))
    chosen = dice.choice(messages)
    with Client(path) as client:
        if chosen is not messages[0]:
            client.ready()
        client.socket.sendall(chosen[:dice.randrange(1, len(chosen))])


def send_noise(path, dice):
    with Client(path) as client:
        client.ready()
        try:
            for _ in range(dice.randrange(1, 20)):
                body = dice.randbytes(dice.randrange(70))
                size = 16 + len(body) + (dice.randrange(5) if dice.random() < 0.1 else 0)
                client.socket.sendall(encode(dice.randrange(18), body, size, dice.randrange(64)))
        except OSError:
            pass  # let go for what it sent


def be_stuck(path, dice):
    """Until the server lets it go."""
    del dice
    with Client(path) as client:
        client.ready().wedge()
        try:
            client.take(1 << 20)
        except (EOFError, ConnectionError):
            pass


KINDS = {
    "killed amid register accesses": lambda *at: kill_amid(access, *at),
    "killed while DMA is awaited": lambda *at: kill_amid(wait_for_memory, *at),
    "killed with replies unread": lambda *at: kill_amid(leave_unread, *at),
    "left amid a message": leave_amid_a_message,
    "sent noise": send_noise,
    "stuck, let go after its second": be_stuck,
}
STUCK = "stuck, let go after its second"


def next_client(path):
    """Milliseconds until it is served, and how often it heard that the device is taken."""
    start, busy = time.monotonic(), 0
    while True:
        try:
            with Client(path) as client:
                client.ready()
                if client.read(serve_process.MAGIC) != serve_process.WARD_MAGIC:
                    raise SystemExit("FAIL: the device's magic is wrong")
                took = (time.monotonic() - start) * 1000
                for register in (serve_process.SCRATCH, serve_process.QUEUE_CONTROL):
                    if client.read(register) != 0:
                        raise SystemExit("FAIL: a client finds what another one wrote")
                return took, busy
        except OSError as trouble:
            if trouble.errno != errno.EBUSY or time.monotonic() - start > LIMIT_S:
                raise
            busy += 1
            time.sleep(0.001)


class Neighbour:
    """Reads a register of the other device until it is stopped."""

    def __init__(self, path):
        self.client = Client(path).ready()
        self.times, self.trouble, self.stops = [], None, False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        try:
            while not self.stops:
                start = time.monotonic()
                if self.client.read(serve_process.MAGIC) != serve_process.WARD_MAGIC:
                    raise ValueError("the magic is wrong")
                self.times.append((time.monotonic() - start) * 1000)
                time.sleep(0.002)
        except Exception as trouble:  # pylint: disable=broad-except
            self.trouble = trouble

    def stop(self):
        self.stops = True
        self.thread.join()
        self.client.close()
        if self.trouble or not self.times:
            raise SystemExit(f"FAIL: a client of another device was hurt: {self.trouble!r}")


def run(server, paths, rounds, dice):
    waits, busy = {kind: [] for kind in KINDS}, 0
    others = [kind for kind in KINDS if kind != STUCK]
    neighbour = Neighbour(paths[1])
    try:
        for at in range(rounds):
            kind = STUCK if at % STUCK_EVERY == STUCK_EVERY - 1 else others[at % len(others)]
            KINDS[kind](paths[0], dice)
            took, was_busy = next_client(paths[0])
            waits[kind].append(took)
            busy += was_busy
            if server.process.poll() is not None:
                raise SystemExit(f"FAIL: the server died: {server.said()}")
    finally:
        neighbour.stop()
    return waits, busy, neighbour


def main():
    ward, rounds = sys.argv[1], int(sys.argv[2])
    seed = serve_process.seed_of(sys.argv, 3)
    if rounds < 1:
        raise SystemExit("FAIL: no round was asked for")
    with tempfile.TemporaryDirectory() as folder:
        identity = os.path.join(folder, "identity")
        paths = [os.path.join(folder, name) for name in ("first.sock", "second.sock")]
        subprocess.run([ward, "identity", "create", identity], check=True,
                       stdout=subprocess.DEVNULL)
        with Server(ward, "--identity", identity, "--vram", "1M", "--protected", "1M",
                    "--socket", paths[0], "--socket", paths[1]) as server:
            waits, busy, neighbour = run(server, paths, rounds, random.Random(seed))
            server.signal()
            if server.wait() != 0:
                raise SystemExit(f"FAIL: the server ended badly: {server.said()}")
    serve_process.report_tries(sum(len(times) for times in waits.values()))
    for kind, times in waits.items():
        if times:
            print(f"{len(times):5} {kind:31} next client served after: median "
                  f"{statistics.median(times):.2f} ms, greatest {max(times):.2f} ms")
    print(f"{rounds} clients of one process, {busy} times a next one came too early; its other device "
          f"answered {len(neighbour.times)} reads: median {statistics.median(neighbour.times):.2f} ms, "
          f"greatest {max(neighbour.times):.2f} ms (seed {seed})")


if __name__ == "__main__":
    main()
