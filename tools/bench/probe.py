"""A probe program (tests/bench/attachments/probe.h) in a guest or on this machine, which is asked for figures."""

import subprocess
from contextlib import ExitStack
from pathlib import Path
from typing import List

from demo import playback
from vm.error import VmError
from vm.machine import Machine

from .rounds import CannotMeasure

PROBE = "tests/bench/attachments/ward_function_probe"
# QEMU's educational device beside ours: the same guest, driver and kernel, and nothing of ours.
EDU = "edu"
EDU_ID = "1234:11e8"
BOOT_S = 120
ANSWER_S = 120


class Probe:
    """Use as a context manager."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> "Probe":
        with self._stack:
            self._start(self._stack)
            self._stack = self._stack.pop_all()
        return self

    def __exit__(self, kind, value, trace) -> None:
        self._stack.close()

    def measure(self, kind: str, figure: str, count: int) -> float:
        return float(self._value_of(f"measure {kind} {figure} {count}", f"{kind} {figure}"))

    def list_kinds(self) -> List[str]:
        return self._value_of("kinds", "kinds").split()

    def _value_of(self, question: str, name: str) -> str:
        answer = self._ask(question)
        verb, _, rest = answer.partition(" ")
        if verb != "value":
            raise CannotMeasure(f"{name}: {rest or answer}")
        return rest

    def _start(self, stack: ExitStack) -> None:
        raise NotImplementedError

    def _ask(self, line: str) -> str:
        raise NotImplementedError


class LocalProbe(Probe):
    """A program of this machine."""

    def __init__(self, command: List[str]) -> None:
        super().__init__()
        self._command = command

    def _start(self, stack: ExitStack) -> None:
        self._process = stack.enter_context(subprocess.Popen(
            self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0))
        stack.callback(self._process.kill)
        ready = self._read()
        if ready != "probe ready":
            raise CannotMeasure(ready)

    def _ask(self, line: str) -> str:
        try:
            self._process.stdin.write(line.encode() + b"\n")
        except BrokenPipeError:
            pass  # what it said last, or that it has ended, is read below
        return self._read()

    def _read(self) -> str:
        line = self._process.stdout.readline()  # the probe's own waits are bounded
        if not line:
            raise CannotMeasure("the probe has ended")
        return line.decode(errors="replace").rstrip("\n")


class GuestProbe(Probe):
    """In a guest with `devices` and an edu; `machine` are options of vm.machine.Machine, those that
    are not these."""

    def __init__(self, build: Path, devices: List[str], **machine) -> None:
        super().__init__()
        self._options = {**dict(
            command=["sh", "-c", "exec /probe $WARD_PCI_ADDRESSES"],
            files={"/probe": build / PROBE}, devices=[*devices, EDU],
            pci_id=f"{playback.PCI_ID},{EDU_ID}", accel="tcg"), **machine}
        self.qemu_version = ""
        self._lost = ""  # why nothing is asked any more: a late answer would be taken for another's

    def _start(self, stack: ExitStack) -> None:
        try:
            self._guest = stack.enter_context(Machine(**self._options))
            self._guest.wait_ready(BOOT_S)
            ready = self._wait("probe ready|failed .*")
            version = self._guest.monitor.execute("query-version")["qemu"]
        except VmError as error:
            raise CannotMeasure(str(error)) from None
        if ready != "probe ready":
            raise CannotMeasure(ready)
        self.qemu_version = ".".join(str(version[part]) for part in ("major", "minor", "micro"))

    def _ask(self, line: str) -> str:
        if self._lost:
            raise CannotMeasure(self._lost)
        try:
            self._guest.channel.send_line(line)
            return self._wait("(value|failed) .*")
        except VmError as error:
            self._lost = str(error)
            raise CannotMeasure(self._lost) from None

    def _wait(self, answer: str) -> str:
        return self._guest.channel.wait_line(f"^({answer})$", ANSWER_S).group(0)
