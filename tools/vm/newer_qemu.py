"""A QEMU that has vfio-user (10.1 or later): the machine's own, or one from Debian's archive.

Debian 12's and 13's own QEMU are older. Debian's backports have it, for a newer release than Debian
12: it is put with its libraries into a folder of ours (debootstrap), and nothing of the machine
changes.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import List, NamedTuple, Optional, Tuple

if __package__:
    from .error import VmError
else:  # run by hand
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from vm.error import VmError

NEEDED = (10, 1)
RELEASE = "trixie"
ROOT = Path(__file__).resolve().parents[2] / "build/newer-qemu"
LIBRARIES = "usr/lib/x86_64-linux-gnu"
LIMIT_S = 240


class NewerQemu(NamedTuple):
    command: List[str]  # the program, and what it needs to run from where it is
    version: str


def find(fetch: bool = True) -> NewerQemu:
    """VmError says why there is none, and what mends it."""
    own = shutil.which("qemu-system-x86_64")
    if own:
        found = _ask_version([own])
        if found and found[0] >= NEEDED:
            return NewerQemu([own], found[1])
    named = os.environ.get("WARD_NEWER_QEMU")
    if named:
        found = _ask_version([named])
        if not found or found[0] < NEEDED:
            raise VmError(f"WARD_NEWER_QEMU={named} is no QEMU of {_text(NEEDED)} or later")
        return NewerQemu([named], found[1])
    done = ROOT / "done"
    if not done.exists() and fetch:
        _fetch()
        done.touch()
    if not done.exists():
        raise VmError(f"no QEMU of {_text(NEEDED)} or later here\n"
                      "  mend: python3 tools/vm/newer_qemu.py, or name one by WARD_NEWER_QEMU=FILE")
    command = _command()
    found = _ask_version(command)
    if not found or found[0] < NEEDED:
        raise VmError(f"the QEMU in {ROOT} does not run\n  mend: rm -r {ROOT}, and try again")
    return NewerQemu(command, found[1])


def _command() -> List[str]:
    # Its own loader with its own libraries: this machine's are older than it wants.
    return [str(ROOT / "lib64/ld-linux-x86-64.so.2"), "--library-path", str(ROOT / LIBRARIES),
            str(ROOT / "usr/bin/qemu-system-x86_64"), "-L", str(ROOT / "usr/share/qemu"),
            "-L", str(ROOT / "usr/share/seabios")]


def _ask_version(command: List[str]) -> Optional[Tuple[Tuple[int, int], str]]:
    try:
        line = subprocess.run([*command, "--version"], stdout=subprocess.PIPE, timeout=60,
                              stderr=subprocess.DEVNULL, check=True, text=True).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"version (\d+)\.(\d+)\S*( \(.*?\))?", line)
    if not match:
        return None
    return (int(match.group(1)), int(match.group(2))), match.group(0).removeprefix("version ")


def _fetch() -> None:
    """Debian's newer release and its backports' QEMU, into ROOT."""
    if os.geteuid() != 0:
        raise VmError("a newer QEMU is fetched by debootstrap, which only root can run\n"
                      "  mend: sudo python3 tools/vm/newer_qemu.py")
    if not shutil.which("debootstrap"):
        raise VmError("debootstrap not found\n  mend: ./dev setup")
    site = _archive()
    shutil.rmtree(ROOT, ignore_errors=True)
    ROOT.mkdir(parents=True)
    print(f"fetching QEMU from {RELEASE}-backports into build/newer-qemu (some 500 MB, once)",
          file=sys.stderr, flush=True)
    _run(["debootstrap", "--variant=minbase", RELEASE, str(ROOT), site])
    # How this machine reaches the archive holds there too.
    for own in Path("/etc/apt/apt.conf.d").glob("*proxy*"):
        shutil.copy(own, ROOT / "etc/apt/apt.conf.d")
    shutil.copy("/etc/resolv.conf", ROOT / "etc/resolv.conf")
    (ROOT / "etc/apt/sources.list.d/backports.list").write_text(
        f"deb {site} {RELEASE}-backports main\n")
    _run(["chroot", str(ROOT), "apt-get", "update", "-q"])
    _run(["chroot", str(ROOT), "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y",
          "-q", "--no-install-recommends", "-t", f"{RELEASE}-backports", "qemu-system-x86",
          "seabios"])


def _archive() -> str:
    """Where this machine takes its own packages from."""
    lines = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE) $(IDENTIFIER)"],
                           stdout=subprocess.PIPE, check=True, text=True).stdout.splitlines()
    sites = [line.split()[0] for line in lines if line.endswith(" Packages")]
    if not sites:
        raise VmError("apt names no archive\n  mend: /etc/apt/sources.list")
    return sites[0]


def _run(command: List[str]) -> None:
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace",
                              timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        raise VmError(f"{command[0]} did not end within {LIMIT_S} s") from None
    if done.returncode != 0:
        last = "\n    ".join(done.stdout.splitlines()[-4:])
        raise VmError(f"{' '.join(command[:3])} failed:\n    {last}")


def _text(version: Tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


if __name__ == "__main__":
    try:
        print(find().version)
    except VmError as error:
        sys.exit(f"error: {error}")
