#!/usr/bin/env python3
"""The objects of a build whose sources another build has not compiled with the same warnings and switches, one a line.

usage: other_objects.py BUILD OTHER_BUILD
Both have been configured with Ninja; what counts is what `ninja all` makes there. Warnings that OTHER_BUILD has beyond do
no harm. A switch is a definition of ours without a value: it says which code there is.
"""
import collections
import re
import subprocess
import sys
from typing import NamedTuple

COMPILATION = re.compile(r" -o (\S+\.o) -c (\S+)$")
WARNING = re.compile(r" (-W(?!l,)\S+)")
SWITCH = re.compile(r" (-DWARD_\w+)(?=\s)")


class Compilation(NamedTuple):
    output: str
    source: str
    flags: frozenset


def read_compilations(commands):
    """Of the lines that `ninja -t commands` prints."""
    compilations = []
    for line in commands.splitlines():
        match = COMPILATION.search(line)
        if match:
            flags = frozenset(WARNING.findall(line) + SWITCH.findall(line))
            compilations.append(Compilation(*match.groups(), flags))
    return compilations


def is_as_strict(there, here):
    """Every warning and switch of `here`, and no warning left out that `here` has."""
    return here <= there and not any(flag.startswith("-Wno-") for flag in there - here)


def other_objects(compilations, elsewhere):
    flags = collections.defaultdict(list)
    for each in elsewhere:
        flags[each.source].append(each.flags)
    return [each.output for each in compilations
            if not any(is_as_strict(there, each.flags) for there in flags[each.source])]


def run_ninja(build):
    command = ["ninja", "-C", build, "-t", "commands", "all"]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode != 0:
        raise SystemExit(f"error: {build} can't be read: {(result.stderr or result.stdout).strip()}")
    return read_compilations(result.stdout)


def main():
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    objects = other_objects(run_ninja(sys.argv[1]), run_ninja(sys.argv[2]))
    if not objects:
        raise SystemExit(f"error: {sys.argv[1]} has nothing that {sys.argv[2]} has not; is it the build of the tests?")
    print("\n".join(objects))


if __name__ == "__main__":
    main()
