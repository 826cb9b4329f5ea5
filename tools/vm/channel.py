"""The conversation with the guest: lines of text over its second serial port."""

import re
import select
import socket
from typing import List, Match

from .deadline import Deadline
from .error import VmError


class ChannelClosed(VmError):
    """QEMU has closed its end."""


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._partial = b""
        self._waiting: List[str] = []  # complete lines that nobody has taken yet
        self.transcript: List[str] = []  # every line that the guest has sent

    def send_line(self, text: str) -> None:
        self._connection.sendall(text.encode() + b"\n")

    def read_line(self, timeout_s: float) -> str:
        """The next line of the guest. VmError on a time-out, ChannelClosed when QEMU is gone."""
        deadline = Deadline(timeout_s)
        while not self._waiting:
            ready, _, _ = select.select([self._connection], [], [], deadline.left())
            if not ready:
                raise VmError(f"the guest sent no line within {timeout_s:g} s")
            self._receive()
        return self._waiting.pop(0)

    def wait_line(self, pattern: str, timeout_s: float) -> Match:
        """Takes lines up to the first in which the regular expression is found.

        A guest that reports an error or ends ("ward-guest: error", "ward-guest: exit") before
        that makes a VmError.
        """
        deadline = Deadline(timeout_s)
        while True:
            try:
                line = self.read_line(deadline.left())
            except ChannelClosed:
                raise
            except VmError:
                raise VmError(f"the guest sent no line like /{pattern}/ within {timeout_s:g} s"
                              ) from None
            match = re.search(pattern, line)
            if match:
                return match
            if re.match("ward-guest: (error|exit)", line):
                raise VmError(f"waiting for /{pattern}/, the guest said: {line[12:]}")

    def _receive(self) -> None:
        data = self._connection.recv(65536)
        if not data:
            raise ChannelClosed("QEMU has ended")
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            text = line.decode(errors="replace").rstrip("\r")
            self.transcript.append(text)
            self._waiting.append(text)
