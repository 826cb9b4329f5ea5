#!/usr/bin/env python3
"""Proves the oracles of vfio_user_fuzz: the corpus passes, and with each planted bug
(emulator/vfio_user/planted_bug.h) the oracle that is meant for it ends the replay.
usage: prove_oracles.py vfio_user_replay CORPUS"""
import os
import pathlib
import re
import signal
import subprocess
import sys

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


def replay(program, corpus, bug=None):
    """Exit code, and the line that says what fell."""
    environment = dict(os.environ)
    environment.pop("WARD_PLANTED_BUG", None)
    if bug:
        environment["WARD_PLANTED_BUG"] = bug
    done = subprocess.run([program, corpus], env=environment, capture_output=True, text=True,
                          timeout=300, check=False)
    lines = [line for line in done.stderr.splitlines() if re.search(r"oracle |ERROR: ", line)]
    if lines:
        return done.returncode, re.sub(r"^.*ERROR: ", "crash: ", lines[0])
    if done.returncode < 0:
        return done.returncode, f"crash: {signal.Signals(-done.returncode).name}"
    return done.returncode, done.stdout.splitlines()[-1]


def main(program, corpus):
    marks = {mark for path in SOURCES.glob("*.cc") for mark in MARK.findall(path.read_text())}
    mistakes = [f"{name} stands on one side only" for name in sorted(marks ^ BUGS.keys())]
    code, said = replay(program, corpus)
    print(f"no bug: {said}")
    if code != 0:
        mistakes.append("the corpus falls without a bug")
    for bug, oracle in BUGS.items():
        code, said = replay(program, corpus, bug)
        print(f"{bug}: {said}")
        if code == 0 or oracle not in said:
            mistakes.append(f"{bug} is not found by {oracle}")
    for mistake in mistakes:
        print(f"prove_oracles: {mistake}", file=sys.stderr)
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
