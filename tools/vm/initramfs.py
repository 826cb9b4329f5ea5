"""The guest's first file system: busybox, kernel modules, /init and the program to run."""

import shlex
import shutil
import stat
from pathlib import Path
from typing import Dict, List, Sequence

from .error import VmError
from .kernel import Kernel, load_order

APPLETS = ("sh", "mount", "mkdir", "ln", "insmod", "stty", "poweroff", "cat", "ls", "dmesg", "dd",
           "sleep", "true", "false", "echo")
FSTAB = "dev /dev devtmpfs\nproc /proc proc\nsys /sys sysfs\n"
VFIO_MODULES = ("vfio-pci", "vfio_iommu_type1")
DISK_MODULES = ("virtio_pci", "virtio_blk")


class Archive:
    """A cpio archive in the "newc" format that the kernel unpacks."""

    def __init__(self) -> None:
        self._parts: List[bytes] = []
        self._names = set()

    def add_folder(self, path: str) -> None:
        if path in self._names or not path:
            return
        self.add_folder(path.rpartition("/")[0])
        self._append(path, stat.S_IFDIR | 0o755, b"")

    def add_file(self, path: str, data: bytes, mode: int = 0o644) -> None:
        self.add_folder(path.rpartition("/")[0])
        self._append(path, stat.S_IFREG | mode, data)

    def add_link(self, path: str, target: str) -> None:
        self.add_folder(path.rpartition("/")[0])
        self._append(path, stat.S_IFLNK | 0o777, target.encode())

    def add_character_device(self, path: str, major: int, minor: int) -> None:
        self.add_folder(path.rpartition("/")[0])
        self._append(path, stat.S_IFCHR | 0o600, b"", major, minor)

    def pack(self) -> bytes:
        """The archive with its trailer; nothing may be added afterwards."""
        self._append("TRAILER!!!", 0, b"")
        return b"".join(self._parts)

    def _append(self, path: str, mode: int, data: bytes, major: int = 0, minor: int = 0) -> None:
        self._names.add(path)
        name = path.encode() + b"\0"
        links = 2 if stat.S_ISDIR(mode) else 1
        # inode, mode, uid, gid, links, time, size, device, device of a node, name size, checksum
        fields = (len(self._names), mode, 0, 0, links, 0, len(data), 0, 0, major, minor, len(name),
                  0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        self._parts += [_padded(header + name), _padded(data)]


def _padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def build(kernel: Kernel, command: Sequence[str], files: Dict[str, Path], with_vfio: bool,
          with_disks: bool, init: str = "", modules: Sequence[str] = ()) -> bytes:
    """An initramfs that runs `command` once the guest is up.

    files: guest path -> host path, each made executable. An empty command powers off at once.
    init: the one of them that comes in place of init.sh and `command` when there is nothing to set
        up but what every guest has.
    modules: of the kernel, loaded last.
    """
    archive = Archive()
    archive.add_folder("proc")
    archive.add_folder("sys")
    archive.add_character_device("dev/console", 5, 1)
    archive.add_file("bin/busybox", _find_busybox().read_bytes(), 0o755)
    for applet in APPLETS:
        archive.add_link(f"bin/{applet}", "busybox")
    archive.add_file("etc/fstab", FSTAB.encode())
    if init and not with_vfio and not with_disks:
        archive.add_link("init", init)
    else:
        archive.add_file("init", (Path(__file__).parent / "init.sh").read_bytes(), 0o755)

    wanted = [*(VFIO_MODULES if with_vfio else ()), *(DISK_MODULES if with_disks else ()), *modules]
    order = load_order(kernel, wanted)
    for name in order:
        archive.add_file(f"ward/modules/{name}.ko", (kernel.modules / f"{name}.ko").read_bytes())
    archive.add_file("ward/modules/order", "".join(f"{name}\n" for name in order).encode())

    line = f"exec {' '.join(shlex.quote(word) for word in command)}\n" if command else ""
    archive.add_file("ward/command", line.encode())
    for guest_path, host_path in files.items():
        if not Path(host_path).is_file():
            raise VmError(f"guest file {host_path} does not exist\n  mend: ./dev build")
        archive.add_file(guest_path.lstrip("/"), Path(host_path).read_bytes(), 0o755)
    return archive.pack()


def _find_busybox() -> Path:
    """A busybox that needs no libraries."""
    found = shutil.which("busybox", path="/bin:/usr/bin:/usr/local/bin")
    if not found:
        raise VmError("busybox not found: it is the guest's shell\n  mend: ./dev setup")
    # PT_INTERP would name the dynamic loader, which the guest does not have.
    if b"/ld-linux" in Path(found).read_bytes()[:4096]:
        raise VmError(f"{found} is not statically linked (package busybox-static)\n"
                      "  mend: ./dev setup")
    return Path(found)
