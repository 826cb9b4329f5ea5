"""A guest whose program does what it is told, line by line."""

from pathlib import Path
from typing import Any, Dict, List

from .error import VmError
from .machine import Machine

# What the guest runs: each line is a command of its shell, and its exit code ends the answer.
COMMAND = ("sh", "-c", 'while read -r line; do eval "$line" 2>&1; echo "ended $?"; done')


def agent(build: Path) -> Dict[str, Any]:
    """Options of a Machine whose shell also reads and writes registers without any program's start."""
    return {"command": ["/agent"], "init": "/agent",
            "files": {"/agent": build / "tests/vm/ward_guest_agent"}}


class Shell:
    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    def ask(self, line: str, timeout_s: float = 60) -> List[str]:
        """The lines that a command wrote, with its exit code as the last one."""
        channel = self.machine.channel
        channel.send_line(line)
        first = len(channel.transcript)
        code = channel.wait_line(r"^ended (\d+)$", timeout_s).group(1)
        return channel.transcript[first:-1] + [code]

    def run(self, line: str, timeout_s: float = 60) -> List[str]:
        """The lines of a command that has to succeed."""
        *lines, code = self.ask(line, timeout_s)
        if code != "0":
            raise VmError(f"guest: {line}: exit code {code}: " + "\n".join(lines))
        return lines

    def find(self, vendor: int, device: int) -> int:
        """Where BAR 0 of a function on bus 0 is; it is enabled. Only an agent's guest does this."""
        return int(self.run(f"find {vendor:#06x} {device:#06x}")[0], 16)

    def peek(self, address: int) -> int:
        """The 32 bits at a physical address of a device. Only an agent's guest does this."""
        return int(self.run(f"peek {address:#x}")[0], 16)

    def poke(self, address: int, value: int) -> None:
        self.run(f"poke {address:#x} {value:#x}")
