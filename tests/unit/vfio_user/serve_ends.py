#!/usr/bin/env python3
"""F18: a server is ended by SIGTERM while its clients are stuck, each in another way.

Prints for each way how long the end took, from the signal to the process's exit. Every one must end
in good order, with exit code 0 and its sockets gone; how long it may take is said nowhere but in
docs/spec/vfio-user.md, since a test's machine may be busy with others.

Usage: serve_ends.py WARD [ROUNDS]
"""
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
import serve_process  # noqa: E402
from serve_process import Client, Server  # noqa: E402

KEY_BYTES = 32
GET_REGION_INFO, DEVICE_RESET = 5, 13
VRAM_BYTES = 1 << 20


class Scene:
    """A server of two UNIX sockets, one TCP port with a key and a status socket, and its clients."""

    def __init__(self, ward, folder, identity):
        self.paths = [os.path.join(folder, name) for name in ("first.sock", "second.sock")]
        self.status = os.path.join(folder, "status.sock")
        key = os.path.join(folder, "key")
        with open(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
            file.write(os.urandom(KEY_BYTES))
        self.stack = contextlib.ExitStack()
        self.server = self.stack.enter_context(Server(
            ward, "--identity", identity, "--vram", "1M", "--protected", "1M", "--key-file", key,
            "--socket", self.paths[0], "--socket", self.paths[1], "--tcp", "127.0.0.1:0",
            "--status", self.status))
        self.port = int(self.server.endpoints[2].rsplit(":", 1)[1])

    def client(self, at=0):
        return self.stack.enter_context(Client(self.paths[at]))

    def connect(self):
        """A TCP connection, and nothing said."""
        connection = self.stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 30))
        connection.settimeout(30)
        return connection

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stack.close()


def pour(connection, data, enough=64 << 20):
    """Until nothing more is taken, or it is enough."""
    connection.setblocking(False)
    sent = 0
    while sent < enough:
        try:
            sent += connection.send(data)
        except BlockingIOError:
            time.sleep(0.02)
            try:
                sent += connection.send(data)
            except BlockingIOError:
                return
    raise SystemExit("FAIL: a server takes what it is sent without end")


def message(command, body, flags=0):
    return struct.pack("<HHIII", 1, command, 16 + len(body), flags, 0) + body


def nobody(scene):
    del scene


def says_nothing(scene):
    scene.client()


def half_a_header(scene):
    scene.client().agree().socket.sendall(b"\1\0\1")


def half_a_body(scene):
    body = struct.pack("<HHIII", 1, serve_process.REGION_WRITE, 1 << 20, 0, 0)
    scene.client().ready().socket.sendall(body + bytes(4096))


def half_before_version(scene):
    scene.client().socket.sendall(b"\1")


def idle(scene):
    scene.client().ready()


def no_reply_is_read(scene):
    ask = message(GET_REGION_INFO, struct.pack("<IIIIQQ", 32, 0, 0, 0, 0, 0))
    pour(scene.client().agree().socket, ask * 100)


def no_large_reply_is_read(scene):
    ask = message(serve_process.REGION_READ, struct.pack("<QII", 0, 2, VRAM_BYTES))
    pour(scene.client().ready().socket, ask)


def no_descriptor_is_read(scene):
    ask = message(GET_REGION_INFO, struct.pack("<IIIIQQ", 32, 0, 2, 0, 0, 0))
    pour(scene.client().agree().socket, ask * 100)


def dma_unanswered(scene):
    scene.client().ready().wedge()


def dma_unanswered_by_all(scene):
    for at in range(2):
        scene.client(at).ready().wedge()


def dma_unanswered_and_half_a_message(scene):
    client = scene.client().ready()
    client.wedge()
    client.socket.sendall(b"\1\0\1")


def dma_unanswered_and_no_reply_read(scene):
    client = scene.client().ready()
    client.wedge()
    ask = message(serve_process.REGION_READ, struct.pack("<QII", 0, 2, VRAM_BYTES))
    pour(client.socket, ask)


def dma_unanswered_and_a_read_waits(scene):
    client = scene.client().ready()
    client.wedge()
    client.send(serve_process.REGION_READ, struct.pack("<QII", serve_process.MAGIC, 0, 4))


def dma_unanswered_and_a_reset(scene):
    client = scene.client().ready()
    client.wedge()
    client.send(DEVICE_RESET)


def crowd(scene, count):
    """As many connections as the backlog takes, and at most so many; none says anything."""
    for _ in range(count):
        connection = scene.stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        connection.setblocking(False)
        try:
            connection.connect(scene.paths[0])
        except BlockingIOError:
            return


def sixteen_clients(scene):
    scene.client().ready()
    crowd(scene, 15)


def sixteen_clients_and_dma_unanswered(scene):
    scene.client().ready().wedge()
    crowd(scene, 15)


def a_full_backlog(scene):
    crowd(scene, 1000)


def no_proof(scene):
    scene.connect().recv(KEY_BYTES)


def half_a_proof(scene):
    connection = scene.connect()
    connection.recv(KEY_BYTES)
    connection.sendall(bytes(KEY_BYTES // 2))


def many_half_proofs(scene):
    for _ in range(16):
        scene.connect().sendall(b"\0")


def a_killed_client(scene):
    client = scene.client().ready()
    client.wedge()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def status_unread(scene):
    for _ in range(8):
        connection = scene.stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        connection.connect(scene.status)


def status_while_dma_is_unanswered(scene):
    dma_unanswered_by_all(scene)
    status_unread(scene)


WAYS = (nobody, idle, says_nothing, half_before_version, half_a_header, half_a_body,
        no_reply_is_read, no_large_reply_is_read, no_descriptor_is_read, dma_unanswered,
        dma_unanswered_by_all, dma_unanswered_and_half_a_message, dma_unanswered_and_no_reply_read,
        dma_unanswered_and_a_read_waits, dma_unanswered_and_a_reset, sixteen_clients,
        sixteen_clients_and_dma_unanswered, a_full_backlog, no_proof, half_a_proof, many_half_proofs, a_killed_client, status_unread,
        status_while_dma_is_unanswered)


def end(ward, way, identity):
    """Milliseconds from the signal to the exit."""
    with tempfile.TemporaryDirectory() as folder, Scene(ward, folder, identity) as scene:
        way(scene)
        start = time.monotonic()
        scene.server.signal(signal.SIGTERM)
        code = scene.server.wait()
        took = (time.monotonic() - start) * 1000
        left = [path for path in (*scene.paths, scene.status) if os.path.exists(path)]
        if code != 0 or left:
            raise SystemExit(f"FAIL: {way.__name__}: exit code {code}, {left} left, and it said "
                             f"{scene.server.said()}")
        return took


def main():
    ward, rounds = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    if rounds < 1:
        raise SystemExit("FAIL: no round was asked for")
    all_times = []
    with tempfile.TemporaryDirectory() as folder:
        identity = os.path.join(folder, "identity")
        subprocess.run([ward, "identity", "create", identity], check=True,
                       stdout=subprocess.DEVNULL)
        for way in WAYS:
            times = [end(ward, way, identity) for _ in range(rounds)]
            all_times += times
            print(f"{way.__name__.replace('_', ' '):34} {max(times):7.1f} ms", flush=True)
    serve_process.report_tries(len(all_times))
    print(f"{len(all_times)} ends of {len(WAYS)} ways to be stuck; SIGTERM to exit: greatest "
          f"{max(all_times):.1f} ms")


if __name__ == "__main__":
    main()
