#!/usr/bin/env python3
"""Proves the oracles of vfio_user_fuzz: the corpus passes, and with each planted bug
(emulator/vfio_user/planted_bug.h) the oracle that is meant for it ends the replay.
usage: prove_oracles.py vfio_user_replay CORPUS"""
import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from oracle_proof import prove  # noqa: E402

# Bug: what has to be said at the end.
BUGS = {
    "access.unchecked": "crash",
    "cut.all": "oracle bystander",
    "descriptors.kept": "oracle descriptors",
    "dma.no_deadline": "oracle bounded",
    "input.always_more": "oracle bounded",
    "mapping.kept": "oracle mappings",
    "registers.kept": "oracle fresh_answers",
    "reply.unwanted": "oracle replies",
    "vram.kept": "oracle fresh_vram",
    "vram.unwiped": "oracle former_vram",
    "window.kept": "oracle windows",
}
MARK = re.compile(r'WARD_HAS_BUG\("([^"]+)"\)')
SOURCES = pathlib.Path(__file__).resolve().parents[3] / "emulator/vfio_user"


def unpaired():
    """Bugs that stand in the code or in the list alone."""
    marks = {mark for path in SOURCES.glob("*.cc") for mark in MARK.findall(path.read_text())}
    return [f"{name} stands on one side only" for name in sorted(marks ^ BUGS.keys())]


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(prove(sys.argv[1], sys.argv[2], "WARD_PLANTED_BUG", BUGS, unpaired()))
