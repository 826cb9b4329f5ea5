#!/usr/bin/env python3
"""Holds every include of our own headers against the house's table: who may include whom.

usage: check_includes.py [ROOT]      exit code 1 when an include breaks the table
"""
import pathlib
import re
import sys

SOURCE_SUFFIXES = {".h", ".cc", ".c", ".inc"}
SKIPPED_FOLDERS = {"build", "out", ".git", ".cache"}

CHIP = ["device/gpu.h", "device/ports.h"]  # all that a host sees of the chip

# Folder -> what its files may include: "abi/" is a folder with all below it, "kmd/*" only what
# lies directly in it, anything else one header. The longest matching folder decides. Every include
# points down; nothing includes tests/, and only tests/ sees both wings.
ALLOWED = {
    "abi/": ["abi/"],
    "base/": ["base/"],
    "firmware/": ["firmware/", "abi/", "base/"],
    # The chip sees its firmware as the processor that hosts it does, and nothing of any host.
    "device/": ["device/", "abi/", "base/", "firmware/firmware.h", "firmware/platform.h"],
    # Crypto blocks know nothing of the chip around them.
    "device/crypto/": ["device/crypto/", "base/"],
    "emulator/boundary/": ["emulator/boundary/", "abi/", "base/", *CHIP],
    # Keys and certificates are made with the chip's own crypto blocks.
    "emulator/identity/": ["emulator/identity/", "device/crypto/", "base/"],
    "emulator/seal/": ["emulator/seal/", "emulator/identity/", "base/", *CHIP],
    # Recordings are sealed and digested with the chip's own crypto blocks.
    "emulator/recording/": ["emulator/recording/", "emulator/boundary/", "emulator/seal/",
                            "emulator/identity/", "device/crypto/", "abi/", "base/", *CHIP],
    "emulator/executor/": ["emulator/executor/", "base/", *CHIP],
    "emulator/in_process/": ["emulator/in_process/", "emulator/boundary/", "emulator/executor/", "abi/",
                             "base/", *CHIP],
    "emulator/vfio_user/": ["emulator/vfio_user/", "emulator/boundary/", "emulator/executor/", "abi/",
                            "base/", *CHIP],
    "emulator/qemu/": ["emulator/", "abi/", "base/", *CHIP],
    # The tool reaches functions as a driver does, without the driver (decision 0017).
    "emulator/cli/": ["emulator/", "kmd/ports/", "abi/", "base/", *CHIP],
    # The core reaches the hardware as an abi/pci_function.h, so it never sees a port.
    "kmd/": ["kmd/*", "abi/", "base/"],
    "kmd/ports/": ["kmd/", "abi/", "base/"],
    "umd/": ["umd/", "abi/", "base/"],
    # What the runtime shares with the driver must not pull the driver in.
    "umd/ddi/": ["umd/ddi/", "abi/", "base/"],
    "runtime/": ["runtime/", "umd/ddi/", "kmd/", "abi/", "base/"],
    "examples/": ["examples/", "runtime/", "kmd/ports/", "base/"],
    "tests/": ["tests/", "examples/", "runtime/", "umd/", "kmd/", "emulator/", "device/",
               "firmware/", "abi/", "base/"],
}

HOUSE_FOLDERS = {folder.split("/")[0] + "/" for folder in ALLOWED}
INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def find_rule(path):
    """The longest folder of the table that holds `path`, None when no folder does."""
    folders = [folder for folder in ALLOWED if path.startswith(folder)]
    return max(folders, key=len, default=None)


def is_covered(included, allowed):
    """Whether one entry of the table opens `included`."""
    if allowed.endswith("/*"):
        return included.rpartition("/")[0] == allowed[:-2]
    return included == allowed or (allowed.endswith("/") and included.startswith(allowed))


def judge_include(root, source, quoted, angled):
    """Says what is wrong with one include of `source`; None when nothing is."""
    included = quoted or angled
    if ".." in included.split("/"):
        return "climbs out of its folder; write it from the root of the tree"
    if not (root / included).is_file():
        beside = (root / source).parent / included
        if beside.is_file() or (included.split("/")[0] + "/") in HOUSE_FOLDERS:
            return "is no file of this tree; write our own headers from its root"
        return None  # a package's header
    if angled:
        return "is ours and takes quotes"
    rule = find_rule(source)
    if rule is None:
        return "comes from a folder that the table does not name"
    if any(is_covered(included, allowed) for allowed in ALLOWED[rule]):
        return None
    return f"is not allowed: {rule} may include {' '.join(ALLOWED[rule])}"


def list_sources(root):
    """Paths, relative to `root`, of the files to judge, sorted."""
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if path.suffix in SOURCE_SUFFIXES and relative.parts[0] not in SKIPPED_FOLDERS:
            if path.is_file():
                yield relative.as_posix()


def check_tree(root):
    """Returns (violations, number of includes seen); a violation is one line of text."""
    violations, seen = [], 0
    for source in list_sources(root):
        text = (root / source).read_text(encoding="utf-8", errors="replace")
        for match in INCLUDE.finditer(text):
            seen += match.group(1) is not None
            fault = judge_include(root, source, match.group(1), match.group(2))
            if fault:
                line = text.count("\n", 0, match.start()) + 1
                violations.append(f"{source}:{line}: {match.group(1) or match.group(2)} {fault}")
    return violations, seen


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parents[1])
    violations, seen = check_tree(root)
    for violation in violations:
        print(violation)
    if violations:
        print(f"{len(violations)} of {seen} includes break the table at the top of {sys.argv[0]}")
        sys.exit(1)
    print(f"{seen} includes hold the house's table")


if __name__ == "__main__":
    main()
