#!/usr/bin/env bash
# Builds ward-qemu.so (for QEMU's -plugin) and the device object for the installed QEMU, into
# build/qemu/. Objects for other versions of QEMU that were built before stay usable there.
set -euo pipefail
cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")/.."

output=$PWD/build/qemu
headers=$(python3 tools/qemu_headers.py "$@")
# A tree of its own: what is loaded into QEMU has no sanitizers, brings its own libraries and shows
# none of their symbols.
cmake -S . -B "$output/tree" -G Ninja \
  -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=gcc -DCMAKE_CXX_COMPILER=g++ \
  -DCMAKE_CXX_VISIBILITY_PRESET=hidden -DCMAKE_VISIBILITY_INLINES_HIDDEN=ON \
  -DCMAKE_CXX_FLAGS=-DFMT_HEADER_ONLY -DOPENSSL_USE_STATIC_LIBS=ON \
  -DWARD_TESTS=OFF \
  -DWARD_QEMU_HEADERS="$headers" -DWARD_QEMU_OUTPUT="$output"
ninja -C "$output/tree" ward_qemu_loader ward_qemu_device
