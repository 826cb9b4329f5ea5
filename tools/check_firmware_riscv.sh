#!/usr/bin/env bash
# Links firmware/*.cc for RISC-V as the security processor would get it: freestanding, nothing
# unresolved but the four memory functions, and no writable globals (all state lives in the object
# that the platform places). A compile alone would not keep the firmware honest.
# usage: check_firmware_riscv.sh [DIRECTORY_OF_SOURCES]
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "$0")")/.."

sources=${1:-firmware}
prefix=riscv64-linux-gnu-
command -v ${prefix}g++ >/dev/null || {
  echo "${prefix}g++ is missing; mend it with: ./dev setup"
  exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Fixed address, no PIC: a vtable is read-only data then, as it would be in ROM.
flags=(-std=c++20 -O2 -ffreestanding -fno-exceptions -fno-rtti -fno-pic -mcmodel=medany
  -fno-asynchronous-unwind-tables -fno-stack-protector -Wall -Wextra -Wshadow -Werror -I.)
objects=()
for source in "$sources"/*.cc; do
  object=$work/$(basename "$source" .cc).o
  ${prefix}g++ "${flags[@]}" -c "$source" -o "$object"
  objects+=("$object")
done
${prefix}g++ -nostdlib -no-pie -r -o "$work/linked.elf" "${objects[@]}"

failed=
unresolved=$(${prefix}nm --undefined-only --demangle "$work/linked.elf" | sed 's/^ *[UwV] //' |
  grep -vxE 'mem(cpy|move|set|cmp)' || true)
if [ -n "$unresolved" ]; then
  printf 'unresolved symbol: %s\n' "$unresolved"
  failed="symbols are unresolved: the firmware reaches outside its platform.h"
fi

# A relocatable link keeps input sections apart (.data.rel.ro, .sbss.x): sum them by kind.
section_bytes() {
  ${prefix}size -A -d "$work/linked.elf" |
    awk -v kind="$1" '$1 ~ "^[.](" kind ")([.]|$)" { sum += $2 } END { print sum + 0 }'
}
for kind in data sdata bss sbss init_array fini_array tdata tbss; do
  bytes=$(section_bytes "$kind")
  [ "$bytes" -ne 0 ] || continue
  ${prefix}nm --demangle --size-sort "$work/linked.elf" | grep -iE ' [bdgs] ' || true
  failed=".$kind holds $bytes bytes: the firmware has writable globals"
done

echo "text $(section_bytes text) bytes, read-only data $(section_bytes 'rodata|srodata') bytes"
if [ -n "$failed" ]; then
  echo "$failed"
  exit 1
fi
echo "${#objects[@]} files: text $(section_bytes text), read-only data $(section_bytes 'rodata|srodata'), writable 0 bytes; only mem* unresolved"
