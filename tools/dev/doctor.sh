#!/usr/bin/env bash
# ./dev doctor: looks at the machine and changes nothing. One line per subject, "ok" or "missing"
# with the command that mends it; "note" is for what the project can do without.
set -euo pipefail
source tools/dev/common.sh
source tools/dev/packages.sh

problems=0

report_ok() { printf '%sok%s       %-12s %s\n' "$green" "$plain" "$1" "$2"; }
report_note() { printf '%snote%s     %-12s %s\n' "$yellow" "$plain" "$1" "$2"; }
# report_missing SUBJECT WHAT MEND
report_missing() {
  printf '%smissing%s  %-12s %s; mend it with: %s\n' "$red" "$plain" "$1" "$2" "$3"
  problems=$((problems + 1))
}

examine_system() {
  local name
  name=$(. /etc/os-release 2>/dev/null && printf '%s' "${PRETTY_NAME:-unknown}")
  case $name in
    *"Linux 12"* | *"Linux 13"*) report_ok system "$name, $(nproc) cores" ;;
    *) report_note system "$name: ./dev setup knows Debian 12 and 13" ;;
  esac
}

examine_packages() {
  local missing=()
  if ! command -v dpkg-query >/dev/null; then
    report_missing packages "dpkg-query: this is no Debian" "install by hand what tools/dev/packages.sh lists"
    return
  fi
  mapfile -t missing < <(list_missing_packages)
  if [ ${#missing[@]} -eq 0 ]; then
    report_ok packages "all ${#packages[@]} installed"
  else
    report_missing packages "${missing[*]}" "./dev setup"
  fi
}

# examine_tool SUBJECT COMMAND: the first line of its --version.
examine_tool() {
  local version
  if version=$("$2" --version 2>/dev/null); then
    report_ok "$1" "${version%%$'\n'*}"
  else
    report_missing "$1" "$2" "./dev setup"
  fi
}

# The name of the symbol that QEMU asks of its own modules; it changes with every build of QEMU.
find_qemu_stamp() { grep -aom1 'qemu_stamp_[0-9a-f]\{40\}' "$1" | head -n 1 | cut -c12-; }

examine_qemu_device() {
  local qemu stamp device
  qemu=$(command -v qemu-system-x86_64) || return 0 # said by its own line
  stamp=$(find_qemu_stamp "$qemu" || true)
  if [ -z "$stamp" ]; then
    report_missing device "$qemu has no module stamp, so no device object can match it" \
      "apt-get install --reinstall qemu-system-x86"
    return
  fi
  device=build/qemu/ward-gpu-$stamp.so
  if [ ! -f "$device" ] || [ ! -f build/qemu/ward-qemu.so ]; then
    report_missing device "no device object for this QEMU (stamp $stamp)" "./dev build device"
  elif [ -n "$(find device firmware abi emulator/qemu -newer "$device" -name '*.[ch]*' -print -quit)" ]; then
    report_note device "$device is older than the sources; renew it with: ./dev build device"
  else
    report_ok device "$device"
  fi
}

# TCG is the default, so KVM is never a must. The probe guest's answer is kept until the next boot.
examine_kvm() {
  local record=${WARD_VM_CACHE:-build/vm}/kvm-probe.json answer
  if [ ! -e /dev/kvm ]; then
    report_note kvm "/dev/kvm is not there: guests run under TCG"
  elif [ ! -r /dev/kvm ] || [ ! -w /dev/kvm ]; then
    report_note kvm "/dev/kvm is closed to $(id -un): guests run under TCG; open it with: sudo usermod -aG kvm $(id -un)"
  elif [ ! -f "$record" ]; then
    report_note kvm "/dev/kvm is there, not probed yet; probe it with: WARD_ACCEL=auto ./dev demo"
  elif ! answer=$(python3 -c 'import json, sys
known = json.load(open(sys.argv[1]))
boot = open("/proc/sys/kernel/random/boot_id").read().strip()
print(known["problem"] if known["boot"] == boot else "probed before the last boot")' "$record" 2>/dev/null); then
    report_note kvm "$record cannot be read; mend it with: rm $record"
  elif [ -n "$answer" ]; then
    report_note kvm "not usable: $answer; guests run under TCG"
  else
    report_ok kvm "a probe guest came up under it; use it with: WARD_ACCEL=kvm ./dev demo"
  fi
}

examine_disk() {
  local free_mib
  free_mib=$(df --output=avail -m . | tail -n 1 | tr -d ' ')
  if [ "$free_mib" -ge 3000 ]; then
    report_ok disk "$((free_mib / 1024)) GiB free"
  else
    report_missing disk "$free_mib MiB free, a build wants 3000" "./dev clean, or free some space on $(df --output=target . | tail -n 1)"
  fi
}

# Files that somebody else owns or holds make the strangest errors later.
examine_outputs() {
  local folder holder
  for folder in out build; do
    if [ ! -e "$folder" ] && [ ! -w . ]; then
      report_missing "$folder/" "cannot be made by $(id -un)" "sudo chown $(id -un) $(printf '%q' "$PWD")"
    elif [ -n "$(find "$folder" ! -writable ! -type l -print -quit 2>/dev/null)" ]; then
      report_missing "$folder/" "not all writable by $(id -un)" "sudo chown -R $(id -un) $folder"
    else
      report_ok "$folder/" "writable"
    fi
  done
  if [ -f "$lock_file" ] && ! flock -n "$lock_file" true; then
    holder=$(head -n 1 "$lock_file")
    report_note busy "another ./dev is at work: $holder"
  fi
  if [ -f out/.demo.lock ] && ! flock -n out/.demo.lock true; then
    report_note busy "a demo is at work (pid $(head -n 1 out/.demo.lock))"
  fi
  for holder in $(pgrep -f "plugin [^ ]*$PWD/build/qemu/ward-qemu[.]so" 2>/dev/null || true); do
    report_note busy "a guest runs with this checkout's device (pid $holder); end it with: kill $holder"
  done
}

examine_system
examine_packages
examine_tool gcc g++
examine_tool clang clang++-19
examine_tool riscv riscv64-linux-gnu-g++
examine_tool windows x86_64-w64-mingw32-g++-posix
examine_tool cmake cmake
examine_tool qemu qemu-system-x86_64
examine_qemu_device
examine_kvm
examine_disk
examine_outputs

if [ "$problems" -gt 0 ]; then
  say "doctor: $problems to mend"
  exit 1
fi
say "doctor: nothing to mend"
