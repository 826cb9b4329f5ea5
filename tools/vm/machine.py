"""One guest in the distribution's own QEMU, from start to certain end."""

import ctypes
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Sequence

from . import accelerator, host_clock, initramfs, kernel
from .channel import Channel
from .deadline import Deadline
from .error import VmError
from .monitor import Monitor
from .scratch import ScratchFolder

QEMU = "qemu-system-x86_64"
SCRATCH_PREFIX = "ward-vm-"
# Quiet and without the work that a test guest never needs: pages that are cleared twice, locks that
# are patched for one processor, a timer that is measured for 0.1 s, an initramfs that is wiped,
# security modules, accounting, watchdogs, kernel pages that are made read-only, IPv6.
KERNEL_ARGUMENTS = ("console=ttyS0 nokaslr tsc=reliable no_timer_check mitigations=off "
                    "init_on_alloc=0 noreplace-smp nolapic_timer retain_initrd cryptomgr.notests "
                    "lsm= psi=0 audit=0 nowatchdog hardened_usercopy=off rodata=off "
                    "cgroup_disable=memory,cpuset,cpu,cpuacct,io,devices,freezer,net_cls,net_prio,"
                    "perf_event,hugetlb,pids,rdma,misc ipv6.disable=1 loglevel=4 panic=-1 "
                    "intel_iommu=on")
# What the kernel sets up at every boot although nothing in the guest uses it: its tracing, what BPF
# knows of its types (and what of TCP wants that), certificates, integrity measurement, self tests.
# Nothing that others build on: that ends in a panic.
KERNEL_LEAVES_OUT = ("trace_eval_init", "tracer_init_tracefs", "ftrace_check_for_weak_functions",
                     "bpf_key_sig_kfuncs_init", "bpf_rstat_kfunc_init", "kfunc_init",
                     "bpf_prog_test_run_init", "bpf_tcp_ca_kfunc_init", "cubictcp_register",
                     "tcp_congestion_default", "load_system_certificate_list", "init_encrypted",
                     "init_ima", "init_evm", "crypto_kdf108_init", "blake2s_mod_init",
                     "slab_sysfs_init", "init_acpi_pm_clocksource", "add_pcspkr")
# No disk controller, keyboard and bus for sensors: firmware and kernel would look after each.
MACHINE = "q35,sata=off,smbus=off,i8042=off,vmport=off"
# Under TCG "rep movsb" and "rep stosb" go byte by byte, and the kernel prefers them where the
# processor calls them fast; access prevention ends a translated block at each copy to user space;
# a fifth level makes each walk of the page tables longer.
TCG_PROCESSOR = "max,erms=off,fsrm=off,smap=off,la57=off"


class Disk(NamedTuple):
    """A raw image, /dev/ward/<name> in the guest. Sizes are multiples of 512 bytes."""
    name: str  # at most 20 characters
    path: Path
    read_only: bool = False


class Memory(NamedTuple):
    """A file that holds the guest's memory. Shared: what the guest writes stays in it."""
    path: Path
    shared: bool


class Machine:
    """Use as a context manager: QEMU is ended and the folder removed whatever happens.

    command: what the guest runs, with `files` (guest path -> host path) put into the guest. Its
        standard input and output are `channel`, its standard error is the console. It finds the
        function's address in WARD_PCI_ADDRESS (all of them in WARD_PCI_ADDRESSES).
    init: one of `files` that does what tools/vm/init.sh does and then what `command` does. It is
        the first process of guests that have neither disks nor a function for vfio-pci.
    devices: -device arguments; the emulated IOMMU comes before all of them.
    pci_id: "VVVV:DDDD" of the functions that the guest binds to vfio-pci, with commas between several;
        empty for none.
    qemu_arguments: put before the devices, for -plugin and the like.
    qemu: the program, and what it needs before all other arguments.
    kernel_package, modules: another kernel than the cloud's, and what of its modules the guest loads
        beside those that disks and vfio-pci want.
    shares_memory: the guest's memory is a memory file that other processes can map.
    memory: the guest's memory is this file; without one it is QEMU's own.
    state: where Machine.save put the rest of an equal machine that had its memory in `memory`. The
        guest goes on from there instead of booting, and runs when `with` has been entered.
    """

    def __init__(self, *, command: Sequence[str] = (), files: Optional[Dict[str, Path]] = None,
                 init: str = "",
                 devices: Sequence[str] = (), disks: Sequence[Disk] = (), pci_id: str = "",
                 qemu_arguments: Sequence[str] = (), kernel_arguments: str = "",
                 memory_mib: int = 512, accel: str = "", memory: Optional[Memory] = None,
                 state: Optional[Path] = None, qemu: Sequence[str] = (QEMU,),
                 shares_memory: bool = False, kernel_package: kernel.Package = kernel.CLOUD,
                 modules: Sequence[str] = ()) -> None:
        self._command = list(command)
        self._files = dict(files or {})
        self._init = init
        self._devices = list(devices)
        self._disks = list(disks)
        self._pci_id = pci_id
        self._qemu_arguments = list(qemu_arguments)
        self._kernel_arguments = kernel_arguments
        self._memory_mib = memory_mib
        self._qemu = list(qemu)
        self._shares_memory = shares_memory
        self._kernel_package = kernel_package
        self._modules = list(modules)
        self._memory = memory
        self._state = state
        self.accel = accel
        self.folder: Optional[Path] = None
        self._scratch: Optional[ScratchFolder] = None
        self._process: Optional[subprocess.Popen] = None
        self._sockets: List[socket.socket] = []

    # The three of them exist between __enter__ and __exit__.
    channel: Channel
    monitor: Monitor
    console_log: Path

    def __enter__(self) -> "Machine":
        if os.environ.get("WARD_VM_KEEP"):
            self.folder = Path(tempfile.mkdtemp(prefix="ward-kept-vm-"))
        else:
            self._scratch = ScratchFolder(SCRATCH_PREFIX)
            self.folder = self._scratch.path
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, kind, value, trace) -> None:
        if isinstance(value, VmError):
            value.args = (self._with_logs(str(value)),)
        self.stop()

    def wait_ready(self, timeout_s: float = 60) -> None:
        """Until the guest's program is about to start."""
        self.channel.wait_line("^ward-guest: ready$", timeout_s)

    def wait_exit(self, timeout_s: float = 60) -> int:
        """The exit code of the guest's program."""
        return int(self.channel.wait_line(r"^ward-guest: exit (\d+)$", timeout_s).group(1))

    def wait_power_off(self, timeout_s: float = 20) -> None:
        """Until QEMU has ended by itself, which flushes the disks."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise VmError(f"QEMU did not end within {timeout_s:g} s of the guest's exit") from None

    def save(self, path: Path, timeout_s: float = 60) -> None:
        """Stops the machine for good and writes what is not in its shared `memory` to a file."""
        self._leave_memory_out()
        self.monitor.execute("migrate", uri=f"exec:cat >{shlex.quote(str(path))}")
        deadline = Deadline(timeout_s)
        while True:
            status = self.monitor.execute("query-migrate")["status"]
            if status == "completed":
                return
            if status in ("failed", "cancelled") or not deadline.left():
                raise VmError(f"the machine's state could not be saved to {path}: {status}")
            time.sleep(0.005)

    @property
    def process_id(self) -> int:
        return self._process.pid

    def stop(self) -> None:
        """Ends QEMU and removes the folder (kept when WARD_VM_KEEP is set). Idempotent."""
        if self._process and self._process.poll() is None:
            self._process.kill()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                print(f"warning: QEMU (process {self._process.pid}) does not end", file=sys.stderr,
                      flush=True)
        for end in self._sockets:
            end.close()
        self._sockets = []
        if self._scratch:
            self._scratch.remove()
        elif self.folder:
            print(f"vm: logs kept in {self.folder}", file=sys.stderr, flush=True)

    def _start(self) -> None:
        if not shutil.which(self._qemu[0]):
            raise VmError(f"{self._qemu[0]} not found (package qemu-system-x86)\n  mend: ./dev setup")
        image = kernel.prepare(self._kernel_package)
        if not self.accel:
            self.accel = accelerator.choose(probe_kvm)
        if not self._state:  # who goes on has all of it in memory
            archive = initramfs.build(image, self._command, self._files, bool(self._pci_id),
                                      bool(self._disks), self._init, self._modules)
            (self.folder / "initramfs").write_bytes(archive)
        self.console_log = self.folder / "console.log"
        monitor_end, monitor_fd = self._open_pair()
        channel_end, channel_fd = self._open_pair()
        for_qemu = [monitor_fd, channel_fd]
        if self._state:
            for_qemu.append(os.open(self._state, os.O_RDONLY | os.O_CLOEXEC))
        arguments = self._compose(image, monitor_fd, channel_fd)
        with open(self.folder / "qemu.log", "wb") as log:
            self._process = subprocess.Popen(
                arguments, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder,
                pass_fds=for_qemu, start_new_session=True,
                preexec_fn=_die_with_parent if _on_main_thread() else None)
        for fd in for_qemu:
            os.close(fd)
        self.channel = Channel(channel_end)
        self.monitor = Monitor(monitor_end)
        try:
            self.monitor.open(timeout_s=20)
            if self._state:
                self._load(for_qemu[-1])
        except VmError as error:
            raise VmError(self._with_logs(f"QEMU did not start: {error}")) from None

    def _load(self, state_fd: int) -> None:
        self._leave_memory_out()
        self.monitor.execute("migrate-incoming", uri=f"fd:{state_fd}")
        self.monitor.wait_event("RESUME", timeout_s=20)

    def _leave_memory_out(self) -> None:
        # QEMU leaves out what is shared; who loads has the same bytes in the same file.
        self.monitor.execute("migrate-set-capabilities", capabilities=[
            {"capability": "x-ignore-shared", "state": True}])

    def _open_pair(self):
        """Our end and the descriptor for QEMU: no socket files, nobody else can connect."""
        ours, theirs = socket.socketpair()
        self._sockets.append(ours)
        return ours, theirs.detach()

    def _compose(self, image: kernel.Kernel, monitor_fd: int, channel_fd: int) -> List[str]:
        # An emulated interrupt remapper can't be used with the in-kernel I/O APIC.
        machine = f"{MACHINE},kernel-irqchip=split" if self.accel == "kvm" else MACHINE
        if self._shares_memory:
            machine += ",memory-backend=memory"
        processor = TCG_PROCESSOR if self.accel == "tcg" else "max"
        result = [
            *self._qemu, "-M", machine, "-accel", self.accel, "-cpu", processor,
            "-m", str(self._memory_mib),
            "-nodefaults", "-no-user-config", "-nic", "none", "-display", "none", "-no-reboot",
            "-kernel", str(image.image), "-append", self._kernel_line(),
            "-chardev", f"socket,id=monitor,fd={monitor_fd}", "-mon", "monitor,mode=control",
            "-serial", "file:console.log",
            "-chardev", f"socket,id=channel,fd={channel_fd}", "-serial", "chardev:channel"]
        if self._shares_memory:
            result += ["-object",
                       f"memory-backend-memfd,id=memory,size={self._memory_mib}M,share=on"]
        result += ["-incoming", "defer"] if self._state else ["-initrd", "initramfs"]
        if self._memory:
            path = str(self._memory.path.resolve()).replace(",", ",,")
            share = "on" if self._memory.shared else "off"
            result += ["-object", f"memory-backend-file,id=memory,size={self._memory_mib}M,"
                       f"share={share},mem-path={path}", "-machine", "memory-backend=memory"]
        result += self._qemu_arguments
        result += ["-device", "intel-iommu,intremap=on,caching-mode=on"]
        for disk in self._disks:
            path = str(Path(disk.path).resolve()).replace(",", ",,")
            access = "on" if disk.read_only else "off"
            result += [
                "-drive", f"if=none,id=disk-{disk.name},format=raw,file={path},read-only={access}",
                "-device", f"virtio-blk-pci,drive=disk-{disk.name},serial={disk.name}"]
        for device in self._devices:
            result += ["-device", device]
        return result

    def _kernel_line(self) -> str:
        words = [KERNEL_ARGUMENTS, f"initcall_blacklist={','.join(KERNEL_LEAVES_OUT)}"]
        if self.accel == "tcg" and host_clock.counter_khz():
            words.append(f"tsc_early_khz={host_clock.counter_khz()}")  # else measured for 0.1 s
        if self._pci_id:
            words.append(f"ward.pci={self._pci_id.lower()}")
        return " ".join([*words, self._kernel_arguments]).strip()

    def _with_logs(self, text: str) -> str:
        """`text` with how QEMU's own output begins and how the guest's console ends."""
        for name, title, part in (("qemu.log", "QEMU", slice(0, 12)),
                                  ("console.log", "guest console", slice(-12, None))):
            path = self.folder / name
            lines = path.read_text(errors="replace").splitlines()[part] if path.exists() else []
            if lines:
                text += f"\n  {title}:" + "".join(f"\n    {line}" for line in lines)
        return text


def probe_kvm() -> None:
    """Boots a guest under KVM, or raises VmError."""
    with Machine(accel="kvm", memory_mib=256) as guest:
        guest.wait_ready(accelerator.PROBE_SECONDS)


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def _die_with_parent() -> None:
    """A killed script takes its QEMU along. The kernel ties this to the starting thread."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGKILL)
