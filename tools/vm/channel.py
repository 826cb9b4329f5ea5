"""The conversation with the guest: lines of text over its second serial port."""

import re
import socket
from typing import List, Match

from .connection import LineConnection, ReadTimeout
from .deadline import Deadline
from .error import VmError


class Channel:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = LineConnection(connection)
        self.transcript: List[str] = []  # every line of the guest that was read

    def send_line(self, text: str) -> None:
        self._connection.send_line(text.encode())

    def read_line(self, timeout_s: float) -> str:
        """The guest's next line. Errors: ReadTimeout, ConnectionClosed."""
        return self._read(Deadline(timeout_s))

    def wait_line(self, pattern: str, timeout_s: float) -> Match:
        """Takes lines up to the first in which the regular expression is found.

        A guest that reports an error or ends ("ward-guest: error", "ward-guest: exit") before
        that makes a VmError.
        """
        deadline = Deadline(timeout_s)
        while True:
            try:
                line = self._read(deadline)
            except ReadTimeout:
                raise ReadTimeout(f"the guest sent no line like /{pattern}/ within {timeout_s:g} s"
                                  ) from None
            match = re.search(pattern, line)
            if match:
                return match
            if re.match("ward-guest: (error|exit)", line):
                raise VmError(f"waiting for /{pattern}/, the guest said: {line[12:]}")

    def _read(self, deadline: Deadline) -> str:
        line = self._connection.read_line(deadline).decode(errors="replace").rstrip("\r")
        self.transcript.append(line)
        return line
