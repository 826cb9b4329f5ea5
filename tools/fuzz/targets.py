#!/usr/bin/env python3
"""The fuzz targets of tests/fuzz/targets.toml.
usage: targets.py names              one name a line
       targets.py options NAME       what ClusterFuzz wants beside a target, as NAME_fuzz.options
       targets.py dictionary NAME    the path of its dictionary; nothing where it has none
"""
import sys
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Optional

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests/fuzz"


@dataclass(frozen=True)
class Target:
    name: str
    about: str
    dictionary: Optional[str] = None
    max_len: Optional[int] = None
    reproducer: Optional[str] = None
    libfuzzer: Dict[str, int] = field(default_factory=dict)

    @property
    def program(self) -> str:
        return f"{self.name}_fuzz"

    @property
    def replay(self) -> str:
        return f"{self.name}_replay"

    def corpus(self, folder: Path = FOLDER) -> Path:
        """The checked-in one."""
        return folder / f"{self.name}_corpus"

    def engine_options(self, folder: Path = FOLDER):
        """What libFuzzer is told about this target."""
        options = [f"-max_len={self.max_len}"] if self.max_len else []
        options += [f"-{name}={value}" for name, value in self.libfuzzer.items()]
        return options + ([f"-dict={folder / self.dictionary}"] if self.dictionary else [])

    def options_file(self) -> str:
        """For ClusterFuzz, which looks for names of files beside the program."""
        lines = ["[libfuzzer]"]
        if self.max_len:
            lines.append(f"max_len = {self.max_len}")
        lines += [f"{name} = {value}" for name, value in self.libfuzzer.items()]
        if self.dictionary:
            lines.append(f"dict = {self.program}.dict")
        return "\n".join(lines) + "\n"


def read_targets(folder: Path = FOLDER) -> Dict[str, Target]:
    with open(folder / "targets.toml", "rb") as file:
        described = tomllib.load(file)
    return {name: Target(name=name, **fields) for name, fields in described.items()}


def main(words) -> int:
    targets = read_targets()
    if words == ["names"]:
        print("\n".join(targets))
    elif len(words) == 2 and words[0] in ("options", "dictionary") and words[1] in targets:
        target = targets[words[1]]
        if words[0] == "options":
            print(target.options_file(), end="")
        elif target.dictionary:
            print(FOLDER / target.dictionary)
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
