"""Debian's packaged kernels, the cloud's unless another is asked for, made ready for a fast boot and kept in a cache folder.

An uncompressed vmlinux enters by PVH, which saves the guest the unpacking (about half of the
boot time under TCG). Nothing is installed on the system.

Run as a program it fills the cache: python3 tools/vm/kernel.py [standard]
"""

import bz2
import contextlib
import fcntl
import gzip
import lzma
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

if __package__:
    from .error import VmError
else:  # run as a program
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from vm.error import VmError



class Package(NamedTuple):
    """A kernel of Debian's, by the package that names its newest version."""
    name: str
    flavour: str  # what stands before -amd64 in its versions; empty for the one of physical machines
    modules: Tuple[str, ...]  # what guests may ask for; everything that these depend on comes along


CLOUD = Package("linux-image-cloud-amd64", "cloud",
                ("vfio-pci", "vfio_iommu_type1", "virtio_pci", "virtio_blk"))
# Larger and slower to boot: for what the cloud's has no modules of.
STANDARD = Package("linux-image-amd64", "", (
    *CLOUD.modules, "virtio_crypto", "algif_skcipher", "aesni-intel", "cbc", "ctr"))


class Kernel(NamedTuple):
    version: str  # like 6.1.0-56-cloud-amd64
    image: Path  # vmlinux (PVH) where that is possible, else the bzImage
    modules: Path  # folder with <name>.ko, uncompressed


def has_apt() -> bool:
    return shutil.which("apt-cache") is not None


def cache_folder() -> Path:
    """build/vm of the checkout, or WARD_VM_CACHE."""
    chosen = os.environ.get("WARD_VM_CACHE")
    folder = Path(chosen) if chosen else Path(__file__).resolve().parents[2] / "build" / "vm"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def prepare(package: Package = CLOUD) -> Kernel:
    """The cached kernel; the first call takes it from the system or downloads the package."""
    cache = cache_folder()
    with _locked(cache):
        found = _find_cached(package, cache)
        if found:
            return found
        with tempfile.TemporaryDirectory(dir=cache, prefix="unpack-") as folder:
            image = _find_installed(package) or _unpack_package(package, Path(folder))
            return _store(package, image, cache)


def load_order(kernel: Kernel, names: List[str]) -> List[str]:
    """`names` with everything they depend on, each after what it needs."""
    order: List[str] = []

    def visit(name: str) -> None:
        name = name.replace("-", "_")
        if name in order:
            return
        for dependency in _dependencies((kernel.modules / f"{name}.ko").read_bytes()):
            visit(dependency)
        order.append(name)

    for wanted in names:
        # A module that this kernel has built in is nothing to load.
        if (kernel.modules / f"{wanted.replace('-', '_')}.ko").exists():
            visit(wanted)
    return order


@contextlib.contextmanager
def _locked(cache: Path) -> Iterator[None]:
    with open(cache / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _is_of(package: Package, version: str) -> bool:
    """Versions are like 6.1.0-56-cloud-amd64, 6.1.0-56-amd64, 6.1.0-56-rt-amd64."""
    match = re.search(r"(?:-([a-z]+))?-amd64$", version)
    return match is not None and (match.group(1) or "") == package.flavour


def _find_cached(package: Package, cache: Path) -> Optional[Kernel]:
    for folder in sorted(cache.glob("kernel-*"), reverse=True):
        version = folder.name[len("kernel-"):]
        for name in ("vmlinux", "vmlinuz") if _is_of(package, version) else ():
            if (folder / name).exists():
                return Kernel(version, folder / name, folder / "modules")
    return None


def _find_installed(package: Package) -> Optional[Path]:
    """The bzImage of the system's own kernel, if it is installed and readable."""
    for image in sorted(Path("/boot").glob("vmlinuz-*"), reverse=True):
        version = image.name[len("vmlinuz-"):]
        if (_is_of(package, version) and os.access(image, os.R_OK) and
                Path("/lib/modules", version, "kernel").is_dir()):
            return image
    return None


def _unpack_package(package: Package, folder: Path) -> Path:
    """The bzImage in the unpacked package: WARD_KERNEL_DEB for the cloud's, or the one apt names."""
    file = os.environ.get("WARD_KERNEL_DEB") if package == CLOUD else None
    if file and not Path(file).is_file():
        raise VmError(f"WARD_KERNEL_DEB: no file {file}; unset it to download the package")
    if not file:
        file = str(_download_package(package, folder))
    root = folder / "root"
    unpacked = subprocess.run(["dpkg-deb", "-x", file, str(root)], capture_output=True,
                              text=True, check=False)
    if unpacked.returncode != 0:
        raise VmError(f"kernel package {file} can't be unpacked: {unpacked.stderr.strip()}")
    images = list((root / "boot").glob("vmlinuz-*"))
    if not images:
        raise VmError(f"{file} holds no kernel image; the package that {package.name} names does")
    return images[0]


def _download_package(package: Package, folder: Path) -> Path:
    name = _versioned_package(package)
    print(f"vm: downloading {name} (once, 30 to 70 MB)", file=sys.stderr, flush=True)
    result = subprocess.run(["apt-get", "download", name], cwd=folder, capture_output=True,
                            text=True, check=False)
    packages = list(folder.glob("*.deb"))
    if result.returncode != 0 or not packages:
        reason = (result.stderr.strip() or "no output").splitlines()[-1]
        instead = ", or point WARD_KERNEL_DEB at a linux-image-*-cloud-amd64 package file"
        raise VmError(f"can't download {name}: {reason}\n"
                      f"  mend: ./dev setup (refreshes apt's lists){instead if package == CLOUD else ''}")
    return packages[0]


def _versioned_package(package: Package) -> str:
    if not has_apt():
        raise VmError("apt-cache not found: guests boot Debian's packaged kernel, so this runs on "
                      "Debian 12 or newer, or with WARD_KERNEL_DEB=<kernel package>")
    listed = subprocess.run(["apt-cache", "depends", package.name], capture_output=True, text=True,
                            check=False).stdout
    match = re.search(r"Depends: (linux-image-\S+)", listed)
    if not match:
        raise VmError(f"apt does not know the package {package.name}\n"
                      "  mend: ./dev setup (refreshes apt's lists)")
    return match.group(1)


def _store(package: Package, image: Path, cache: Path) -> Kernel:
    """Puts the image and its modules into the cache, complete or not at all."""
    version = image.name[len("vmlinuz-"):]
    root = image.parent.parent
    library = next(path for path in (root / "lib/modules", root / "usr/lib/modules")
                   if (path / version).is_dir())
    with tempfile.TemporaryDirectory(dir=cache, prefix="store-") as scratch:
        folder = Path(scratch) / "kernel"
        (folder / "modules").mkdir(parents=True)
        _copy_modules(package, library / version, folder / "modules")
        packed = image.read_bytes()
        vmlinux = unpack_image(packed)
        if vmlinux:
            (folder / "vmlinux").write_bytes(vmlinux)
        else:
            (folder / "vmlinuz").write_bytes(packed)
        folder.rename(cache / f"kernel-{version}")
    return _find_cached(package, cache)


def _copy_modules(package: Package, library: Path, target: Path) -> None:
    available: Dict[str, Path] = {}
    for path in library.rglob("*.ko*"):
        available[path.name.split(".")[0].replace("-", "_")] = path
    waiting = [name.replace("-", "_") for name in package.modules]
    while waiting:
        name = waiting.pop()
        path = available.get(name)
        if path is None or (target / f"{name}.ko").exists():
            continue  # built in, or done
        data = _unpack_module(path)
        (target / f"{name}.ko").write_bytes(data)
        waiting += _dependencies(data)


def _unpack_module(path: Path) -> bytes:
    data = path.read_bytes()
    if path.suffix == ".xz":
        return lzma.decompress(data)
    if path.suffix == ".zst":
        return _run_zstd(data, f"module {path.name}")
    return data


def _dependencies(module: bytes) -> List[str]:
    """The packages carry no modules.dep; each module names what it needs in its .modinfo."""
    match = re.search(rb"\0depends=([^\0]*)\0", module)
    names = match.group(1).decode() if match else ""
    return [name.replace("-", "_") for name in names.split(",") if name]


def unpack_image(image: bytes) -> bytes:
    """The vmlinux inside a bzImage; empty when it can't be had or has no PVH entry."""
    setup_sectors, = struct.unpack_from("<B", image, 0x1F1)
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (setup_sectors + 1) * 512 + offset
    payload = image[start:start + length]
    if payload.startswith(b"\x02\x21\x4c\x18"):
        vmlinux = _unpack_lz4(payload[4:-4])  # the last four bytes are the size
    elif payload.startswith(b"\x28\xb5\x2f\xfd"):
        vmlinux = _run_zstd(payload[:-4], "the kernel image") if shutil.which("zstd") else b""
    elif payload.startswith(b"\x1f\x8b"):
        vmlinux = gzip.decompress(payload[:-4])
    elif payload.startswith(b"\xfd7zXZ"):
        vmlinux = lzma.LZMADecompressor().decompress(payload)
    elif payload.startswith(b"BZh"):
        vmlinux = bz2.BZ2Decompressor().decompress(payload)
    else:
        return b""
    # XEN_ELFNOTE_PHYS32_ENTRY (18) is how QEMU finds the PVH entry point.
    pvh_note = re.search(rb"\x04\0\0\0[\x04\x08]\0\0\0\x12\0\0\0Xen\0", vmlinux)
    return vmlinux if vmlinux.startswith(b"\x7fELF") and pvh_note else b""


def _run_zstd(data: bytes, what: str) -> bytes:
    if not shutil.which("zstd"):
        raise VmError(f"{what} is packed with zstd and the zstd tool is missing\n"
                      "  mend: ./dev setup")
    return subprocess.run(["zstd", "-dcq"], input=data, capture_output=True, check=True).stdout


def _unpack_lz4(data: bytes) -> bytes:
    """LZ4's legacy framing: blocks of at most 8 MiB, each after its packed size."""
    result = bytearray()
    position = 0
    while position + 4 <= len(data):
        size, = struct.unpack_from("<I", data, position)
        result += _unpack_lz4_block(data[position + 4:position + 4 + size])
        position += 4 + size
    return bytes(result)


def _unpack_lz4_block(block: bytes) -> bytearray:
    out = bytearray()
    position, end = 0, len(block)
    while position < end:
        token = block[position]
        position += 1
        literals = token >> 4
        if literals == 15:
            literals, position = _extend_length(block, position, literals)
        out += block[position:position + literals]
        position += literals
        if position >= end:
            break  # the last sequence has no match
        distance = block[position] | block[position + 1] << 8
        position += 2
        length = token & 15
        if length == 15:
            length, position = _extend_length(block, position, length)
        length += 4
        start = len(out) - distance
        if distance >= length:
            out += out[start:start + length]
        else:  # the match runs into what it writes
            pattern = out[start:]
            out += (pattern * (length // distance + 1))[:length]
    return out


def _extend_length(block: bytes, position: int, length: int) -> Tuple[int, int]:
    while True:
        extra = block[position]
        position += 1
        length += extra
        if extra != 255:
            return length, position


def main(words: List[str]) -> None:
    packages = [CLOUD, STANDARD] if words == ["standard"] else [CLOUD]
    for package in packages:
        if package == STANDARD and not has_apt():
            print(f"without apt there is no {package.name}: what wants it is not run")
            continue
        ready = prepare(package)
        print(f"kernel {ready.version}: {ready.image}")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except VmError as error:
        sys.exit(f"error: {error}")
