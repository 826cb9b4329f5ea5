#!/usr/bin/env python3
"""Executes the commands of a page of the guide, and holds what they print against what the page shows.

usage: guide_page.py [--write] WARD PAGE

A block of ```console has lines that begin with "$ " (a command) or "> " (its next line); what follows is what the command
prints, standard error included. Commands run by bash in docs/guide/recordings, with WARD as `ward`. --write puts what they
print into the page; read the difference before it is committed.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs/guide/recordings"
LIMIT_S = 300


class Step(NamedTuple):
    """A command of a page: its text, where what it prints stands (line numbers from 0, the end excluded), and that."""

    command: str
    begin: int
    end: int
    shown: List[str]


def read_steps(lines: List[str]) -> Iterator[Step]:
    at = 0
    while at < len(lines):
        at += 1
        if lines[at - 1] != "```console":
            continue
        while lines[at] != "```":
            if not lines[at].startswith("$ "):
                raise ValueError(f"line {at + 1}: expected a command behind ```console, found {lines[at]!r}")
            command = [lines[at][2:]]
            at += 1
            while lines[at].startswith("> "):
                command.append(lines[at][2:])
                at += 1
            begin = at
            while lines[at] != "```" and not lines[at].startswith("$ "):
                at += 1
            yield Step("\n".join(command), begin, at, lines[begin:at])


class Bash:
    """Runs commands in the folder of recordings; a context manager, for `ward` has to be on the path."""

    def __init__(self, ward: Path) -> None:
        self._ward = ward

    def __enter__(self) -> "Bash":
        self._folder = tempfile.TemporaryDirectory()
        os.symlink(self._ward.resolve(), Path(self._folder.name) / "ward")
        # tshark writes to its home, and tells of it when it runs as root.
        self._environment = {"PATH": f"{self._folder.name}:{os.environ['PATH']}", "HOME": self._folder.name,
                             "LC_ALL": "C.UTF-8", "TZ": "UTC"}
        return self

    def __exit__(self, *_) -> None:
        self._folder.cleanup()

    def run(self, command: str) -> List[str]:
        done = subprocess.run(["bash", "-c", command], cwd=FOLDER, env=self._environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=LIMIT_S)
        lines = [line.rstrip() for line in done.stdout.splitlines()]
        return [line for line in lines if not line.startswith("Running as user ")]


def write_page(bash: Bash, page: Path) -> None:
    lines = page.read_text().splitlines()
    for step in reversed(list(read_steps(lines))):
        lines[step.begin:step.end] = bash.run(step.command)
    page.write_text("\n".join(lines) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="put what the commands print into the page")
    parser.add_argument("ward", type=Path)
    parser.add_argument("page", type=Path)
    options = parser.parse_args()
    with Bash(options.ward) as bash:
        if options.write:
            write_page(bash, options.page)
            return 0
        differing = 0
        for step in read_steps(options.page.read_text().splitlines()):
            printed = bash.run(step.command)
            if printed != step.shown:
                differing += 1
                print(f"{options.page}:{step.begin}: {step.command}\nshown:", *step.shown, "printed:", *printed, sep="\n")
    return 1 if differing else 0


if __name__ == "__main__":
    sys.exit(main())
