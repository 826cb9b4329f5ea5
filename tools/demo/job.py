"""The player's disks, as examples/protected_player/job.h and output.h describe them."""

import json
import os
from pathlib import Path
from typing import Iterator, NamedTuple

from .clip import FRAME_BYTES, HEIGHT, PITCH, WIDTH, Clip
from .encryption import ContentKey
from .error import DemoError

BLOCK_BYTES = 4096
CPU_VIEW_BYTES = WIDTH * HEIGHT * 4


def write_job(path: Path, ciphertext: Path, clip: Clip, key: ContentKey, root: Path) -> None:
    """The input disk. It holds the content key: only its owner may read it."""
    certificate = root.read_bytes()
    header = json.dumps({
        "format": "ward-job-1", "width": WIDTH, "height": HEIGHT, "frames": clip.frames,
        "pitch": PITCH, "frame_bytes": FRAME_BYTES, "iv": key.counter.hex(),
        "content_key": key.key.hex(), "color_matrix": "bt601",
        "root_bytes": len(certificate)}).encode()
    assert len(header) < BLOCK_BYTES
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(file, "wb") as job, open(ciphertext, "rb") as frames:
        job.write(_padded(header))
        job.write(_padded(certificate))
        for _ in range(clip.frames):
            job.write(_padded(frames.read(FRAME_BYTES)))


def make_output(path: Path, clip: Clip) -> None:
    """An output disk of the size that the player needs."""
    path.touch(mode=0o600)
    os.truncate(path, clip.frames * _rounded(FRAME_BYTES) + _rounded(CPU_VIEW_BYTES))


class Recovered(NamedTuple):
    """What the player got back."""
    mismatched_bytes: int
    first_mismatch: int  # offset in the clip; -1 when there is none
    cpu_view: bytes  # rows of XRGB


def read_output(path: Path, clip: Clip) -> Recovered:
    """Compares the recovered frames with the clip, byte by byte."""
    mismatched, first = 0, -1
    with open(path, "rb") as disk, open(clip.path, "rb") as original:
        for index in range(clip.frames):
            wanted = original.read(FRAME_BYTES)
            for offset in _list_mismatches(wanted, disk.read(_rounded(FRAME_BYTES))[:FRAME_BYTES]):
                if mismatched == 0:
                    first = index * FRAME_BYTES + offset
                mismatched += 1
        cpu_view = disk.read(CPU_VIEW_BYTES)
    if len(cpu_view) != CPU_VIEW_BYTES:
        raise DemoError("the player's output disk is too short")
    return Recovered(mismatched, first, cpu_view)


def _list_mismatches(wanted: bytes, got: bytes) -> Iterator[int]:
    if wanted == got:
        return
    yield from (offset for offset in range(len(wanted))
                if got[offset:offset + 1] != wanted[offset:offset + 1])


def _rounded(size: int) -> int:
    return -(-size // BLOCK_BYTES) * BLOCK_BYTES


def _padded(data: bytes) -> bytes:
    return data + bytes(_rounded(len(data)) - len(data))
