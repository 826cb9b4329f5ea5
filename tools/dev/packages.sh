# shellcheck shell=bash
# What the project needs from Debian 12 and 13. Sourced by setup.sh and doctor.sh.

# Builds the host's code.
packages_build=(g++ clang-19 clang-format-19 libclang-rt-19-dev cmake ninja-build pkg-config ccache
  git)
packages_libraries=(libssl-dev libpng-dev libfmt-dev libcli11-dev nlohmann-json3-dev libboost-dev
  libseccomp-dev catch2)
# The widest AES block; without it (other architectures) libcrypto's is used.
if [ "$(dpkg --print-architecture 2>/dev/null)" = amd64 ]; then packages_libraries+=(libipsec-mb-dev); fi
# Links the firmware for the security processor.
packages_firmware=(g++-riscv64-linux-gnu)
# Builds the driver's side for Windows.
packages_windows=(g++-mingw-w64-x86-64-posix)
# Runs the machine, the demo and the VM tests.
packages_machine=(qemu-system-x86 busybox-static cpio edid-decode ffmpeg openssl pciutils python3 procps
  tshark debootstrap util-linux)
# Shows QEMU's own windows to the VM tests.
packages_desktop=(qemu-system-gui xvfb)
# Makes the headers of the installed QEMU, and links the device object (a static libcrypto wants zstd).
packages_qemu_headers=(meson libglib2.0-dev libpixman-1-dev libfdt-dev dpkg-dev ca-certificates
  python3-venv libzstd-dev zlib1g-dev)
# What figures are held against: `./dev bench`. Valgrind counts instructions and watches secrets and memory: `./dev test
# bench`, `side_channels` and `valgrind`.
packages_bench=(libgcrypt20-dev nettle-dev libyuv-dev valgrind)

# What tells the branches that fuzz targets reach, and names lines in the sanitizers' reports: `./dev fuzz`.
packages_fuzz=(llvm-19)

# shellcheck disable=SC2034  # read by those who source this file
packages=("${packages_build[@]}" "${packages_libraries[@]}" "${packages_firmware[@]}"
  "${packages_windows[@]}" "${packages_machine[@]}" "${packages_desktop[@]}"
  "${packages_qemu_headers[@]}" "${packages_bench[@]}" "${packages_fuzz[@]}")

# Prints the packages that are not installed; catch2 counts only from version 3 on.
list_missing_packages() {
  local -A installed=()
  local name status version
  while read -r name status version; do
    [ "$status" = installed ] || continue
    if [ "$name" = catch2 ] && dpkg --compare-versions "$version" lt 3; then continue; fi
    installed[$name]=1
  done < <(dpkg-query -W -f '${Package} ${db:Status-Status} ${Version}\n' "${packages[@]}" 2>/dev/null)
  for name in "${packages[@]}"; do
    [ -n "${installed[$name]:-}" ] || printf '%s\n' "$name"
  done
}
