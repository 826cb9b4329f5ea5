"""QEMU's machine protocol (QMP): commands, their answers, events."""

import json
import socket
from pathlib import Path
from typing import Any, Dict, List

from .connection import ConnectionClosed, LineConnection, ReadTimeout
from .deadline import Deadline
from .error import VmError


class MonitorError(VmError):
    """QEMU refused a command; `kind` is its error class."""

    def __init__(self, command: str, error: Dict[str, str]) -> None:
        super().__init__(f"QMP {command}: {error.get('desc', 'refused')}")
        self.kind = error.get("class", "")


class Monitor:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = LineConnection(connection)
        self._events: List[Dict[str, Any]] = []

    def open(self, timeout_s: float) -> None:
        """Takes QEMU's greeting and leaves negotiation mode."""
        if "QMP" not in self._next(Deadline(timeout_s), "greeting"):
            raise VmError("QMP: QEMU did not greet")
        self.execute("qmp_capabilities", timeout_s=timeout_s)

    def execute(self, command: str, *, timeout_s: float = 20, **arguments: Any) -> Any:
        """Runs one command and gives its result; '_' in an argument's name stands for '-'."""
        request = {"execute": command,
                   "arguments": {name.replace("_", "-"): value
                                 for name, value in arguments.items()}}
        self._connection.send_line(json.dumps(request).encode())
        deadline = Deadline(timeout_s)
        while True:
            message = self._next(deadline, command)
            if "event" in message:
                self._events.append(message)
            elif "error" in message:
                raise MonitorError(command, message["error"])
            elif "return" in message:
                return message["return"]

    def wait_event(self, name: str, timeout_s: float) -> Dict[str, Any]:
        """The first event of that name not taken yet; earlier other events are kept."""
        deadline = Deadline(timeout_s)
        while True:
            for index, event in enumerate(self._events):
                if event["event"] == name:
                    return self._events.pop(index)
            message = self._next(deadline, f"event {name}")
            if "event" in message:
                self._events.append(message)

    def take_screenshot(self, path: Path, device: str = "", timeout_s: float = 20) -> None:
        """Writes what QEMU shows, as PNG; `device` is the id of a display device."""
        chosen = {"device": device} if device else {}
        self.execute("screendump", filename=str(Path(path).resolve()), format="png",
                     timeout_s=timeout_s, **chosen)

    def set_property(self, path: str, name: str, value: Any) -> None:
        self.execute("qom-set", path=path, property=name, value=value)

    def get_property(self, path: str, name: str) -> Any:
        return self.execute("qom-get", path=path, property=name)

    def _next(self, deadline: Deadline, awaited: str) -> Dict[str, Any]:
        try:
            return json.loads(self._connection.read_line(deadline))
        except ReadTimeout:
            raise ReadTimeout(f"QMP: no answer from QEMU in time ({awaited})") from None
        except ConnectionClosed as closed:
            closed.args = (f"QMP: QEMU has ended ({awaited})",)
            raise
