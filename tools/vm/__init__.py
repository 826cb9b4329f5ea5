"""Boots small Linux guests in the distribution's QEMU: shared by the demo and the VM tests.

kernel: Debian's packaged kernel. initramfs: what the guest runs. machine: QEMU itself.
accelerator: TCG or a KVM that was seen to work. channel, monitor: talking to guest and QEMU.
snapshot: a guest that boots once and is restored for each case. shell: one that does what it is told.
measure: how long both take.
"""
