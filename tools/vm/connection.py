"""A stream of lines to and from QEMU."""

import select
import socket
from typing import List

from .deadline import Deadline
from .error import VmError


class ConnectionClosed(VmError):
    """QEMU has ended."""

    def __init__(self) -> None:
        super().__init__("QEMU has ended")


class ReadTimeout(VmError):
    """No whole line came in time."""


class LineConnection:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._partial = b""
        self._lines: List[bytes] = []  # whole lines that nobody has taken yet

    def send_line(self, line: bytes) -> None:
        try:
            self._connection.sendall(line + b"\n")
        except OSError:
            raise ConnectionClosed() from None

    def read_line(self, deadline: Deadline) -> bytes:
        """The next line without its end. ReadTimeout, ConnectionClosed."""
        while not self._lines:
            ready, _, _ = select.select([self._connection], [], [], deadline.left())
            if not ready:
                raise ReadTimeout("no line in time")
            try:
                data = self._connection.recv(65536)
            except OSError:
                data = b""  # QEMU ended with something of ours unread
            if not data:
                raise ConnectionClosed()
            *self._lines, self._partial = (self._partial + data).split(b"\n")
        return self._lines.pop(0)
