"""Running the tools of others: ffmpeg, openssl, our own `ward`."""

import shutil
import subprocess
from typing import Sequence

from .error import DemoError

TIMEOUT_S = 300


def run(words: Sequence[str], *, stdin: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    """Runs the command to its end with its output kept; the exit code is the caller's to judge."""
    tool = str(words[0])
    if not shutil.which(tool):
        raise DemoError(f"{tool} not found\n  mend: ./dev setup")
    try:
        return subprocess.run([str(word) for word in words], input=stdin, capture_output=True,
                              timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        raise DemoError(f"{tool} did not end within {TIMEOUT_S} s") from None


def last_line(output: bytes) -> str:
    """What a tool says in the end is what it stopped for."""
    lines = output.decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else "it said nothing"
