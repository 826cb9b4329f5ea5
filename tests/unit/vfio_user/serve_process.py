"""`ward serve` as a child of a test, and a client that says just enough: shared by the tests here."""
import array
import os
import select
import signal
import socket
import struct
import subprocess
import tempfile

VERSION, DMA_MAP, REGION_READ, REGION_WRITE = 1, 2, 9, 10
CONFIG_REGION = 7
MAGIC, SCRATCH, QUEUE_CONTROL, QUEUE_STATUS, KEY_EPOCH = 0x0, 0x54, 0x1000, 0x1004, 0x48
FAULTED = 4
WARD_MAGIC = 0x44524157  # the letters WARD
READY_S = 60


def seed_of(arguments, at):
    """Of a script's own argument, or of ./dev faults."""
    return int(arguments[at] if len(arguments) > at else os.environ.get("WARD_FAULT_SEED", 1))


def report_tries(count):
    """All of them survived, or the script would have ended: for ./dev faults."""
    path = os.environ.get("WARD_FAULT_REPORT")
    if path:
        with open(path, "a", encoding="ascii") as file:
            file.write(f"{count} {count}\n")


class Client:
    """Raises OSError, or EOFError, when the server is gone."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.settimeout(30)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self.next_id = 1

    def close(self):
        self.socket.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, command, body=b"", descriptors=()):
        header = struct.pack("<HHIII", self.next_id, command, 16 + len(body), 0, 0)
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))]
        self.socket.sendmsg([header + body], rights if descriptors else [])
        self.next_id = self.next_id % 0xffff + 1

    def take(self, size):
        data = b""
        while len(data) < size:
            part = self.socket.recv(size - len(data))
            if not part:
                raise EOFError("the server has closed")
            data += part
        return data

    def call(self, command, body=b"", descriptors=()):
        """The reply's body; OSError with its errno."""
        self.send(command, body, descriptors)
        _, _, size, flags, error = struct.unpack("<HHIII", self.take(16))
        data = self.take(size - 16)
        if flags & 0x20:
            raise OSError(error, os.strerror(error))
        return data

    def agree(self):
        self.call(VERSION, struct.pack("<HH", 0, 0) + b'{"capabilities":{"max_msg_fds":8}}\0')
        return self

    def ready(self):
        """Agreed, with memory decoding and bus mastering on."""
        self.agree()
        self.call(REGION_WRITE, struct.pack("<QIIH", 4, CONFIG_REGION, 2, 6))
        return self

    def read(self, offset):
        return struct.unpack("<I", self.call(REGION_READ, struct.pack("<QII", offset, 0, 4))[16:])[0]

    def write(self, offset, value):
        self.call(REGION_WRITE, struct.pack("<QIII", offset, 0, 4, value))

    def map(self, size, descriptor=None):
        """A window at 0x10000000; by message without a descriptor."""
        self.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, 0x10000000, size),
                  () if descriptor is None else (descriptor,))

    def ring(self):
        """Has the chip fetch a command from the window's first bytes."""
        for offset, value in ((0x1008, 0x10000000), (0x100c, 0), (0x1018, 0x10001000), (0x101c, 0),
                              (0x1010, 12), (QUEUE_CONTROL, 1), (0x100000, 16)):
            self.write(offset, value)

    def wedge(self):
        """Has the chip wait for memory that nobody gives it: a queue whose ring is by message."""
        self.map(0x10000)
        self.ring()
        header = self.take(16)  # DMA_READ: never answered
        assert struct.unpack("<HHIII", header)[1] == 11, header


class Server:
    """A context manager; ends its process by SIGKILL when it still runs."""

    def __init__(self, ward, *arguments, wait=True, **options):
        ours, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [ward, "serve", "--ready-fd", str(theirs), *arguments], stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=self.log, pass_fds=(theirs, *options.pop("pass_fds", ())),
            **options)
        os.close(theirs)
        self.endpoints = self._take_lines(ours) if wait else []
        os.close(ours)

    def _take_lines(self, pipe):
        text = b""
        while select.select([pipe], [], [], READY_S)[0]:
            part = os.read(pipe, 4096)
            if not part:
                return text.decode().splitlines()
            text += part
        self.kill()
        raise TimeoutError("the server was not ready: " + self.said())

    @property
    def pid(self):
        return self.process.pid

    def said(self):
        self.log.seek(0)
        return self.log.read().decode()

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self):
        """The exit code."""
        return self.process.wait(30)

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.log.close()
