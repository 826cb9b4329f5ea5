"""What a process holds, by /proc."""

import os
from pathlib import Path
from typing import Optional

from .growth import Sample


def read_sample(pid: int, seconds: float) -> Optional[Sample]:
    """None when the process is gone."""
    folder = Path(f"/proc/{pid}")
    try:
        status = (folder / "status").read_text()
        descriptors = len(os.listdir(folder / "fd"))
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    if "VmRSS" not in fields:  # a zombie has none
        return None
    return Sample(seconds, int(fields["VmRSS"].split()[0]), descriptors, int(fields["Threads"]))
