"""`ward serve` around a test: started, ready, and ended by its pid."""

import os
import select
import subprocess
from pathlib import Path
from typing import List, Sequence

from .error import VmError

READY_S = 30


class ServedGpu:
    """Use as a context manager. `endpoints` are as the server names them."""

    def __init__(self, ward: Path, arguments: Sequence[str], log: Path) -> None:
        self._command = [str(ward), "serve", *arguments]
        self.log = log
        self.endpoints: List[str] = []

    def __enter__(self) -> "ServedGpu":
        ours, theirs = os.pipe()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([*self._command, "--ready-fd", str(theirs)],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            pass_fds=(theirs,))
        os.close(theirs)
        try:
            self.endpoints = self._wait_ready(ours).split()
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        finally:
            os.close(ours)
        return self

    def __exit__(self, kind, value, trace) -> None:
        self.stop()

    def stop(self) -> int:
        """The exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise VmError("ward serve did not end within 10 s of SIGTERM") from None

    def _wait_ready(self, pipe: int) -> str:
        text = b""
        while True:
            if not select.select([pipe], [], [], READY_S)[0]:
                raise VmError(f"ward serve was not ready within {READY_S} s")
            part = os.read(pipe, 4096)
            if not part:
                break
            text += part
        if not text:
            raise VmError(f"ward serve did not start: {self.log.read_text(errors='replace')}")
        return text.decode()
