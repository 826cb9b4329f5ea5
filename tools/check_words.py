#!/usr/bin/env python3
"""Refuses words that do not belong in the tree: paths of one machine, registry hosts, marks of
unfinished work. usage: check_words.py [FILE...]   (without files: all that git tracks or would)
"""
import pathlib
import re
import subprocess
import sys

# Written so that no pattern matches its own line.
RULES = {
    "a path of one machine": re.compile(
        r"(?<![\w.$}/~-])/(?:work|home|root|Users|mnt)/[\w.]|(?<!\w)[A-Z]:\\Users\\"),
    "a package registry's host": re.compile(
        r"\b(?:(?:deb|ftp[\w.]*|security|snapshot|archive|cdn-fastly)[.]debian[.]org"
        r"|archive[.]ubuntu[.]com|registry[.]\w+[.](?:org|io|com)|pypi[.]org|crates[.]io"
        r"|files[.]pythonhosted[.]org|proxy[.]golang[.]org)\b"),
    "a mark of unfinished work": re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K|TB[D]|WI[P])\b"),
}
SKIPPED = ("tests/vectors/",)


def list_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def find_words(name):
    """Yields one line of text for every word in the file `name` that a rule refuses."""
    path = pathlib.Path(name)
    if name.startswith(SKIPPED) or not path.is_file():
        return
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        return  # a picture or a corpus file
    for number, line in enumerate(lines, 1):
        for what, pattern in RULES.items():
            match = pattern.search(line)
            if match:
                yield f"{name}:{number}: {what}: {match.group(0)}"


def main():
    files = sys.argv[1:] or list_files()
    found = [line for name in files for line in find_words(name)]
    for line in found:
        print(line)
    if found:
        print(f"{len(found)} words that do not belong in the tree")
        sys.exit(1)
    print(f"{len(files)} files: no machine's path, registry host or unfinished mark")


if __name__ == "__main__":
    main()
