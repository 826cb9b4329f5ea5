#!/usr/bin/env bash
# Configures (when needed) and builds one CMake preset. usage: build_preset.sh PRESET [TARGET...]
set -euo pipefail

preset=$1
shift
# A checkout that was moved keeps absolute paths in its cache that lead nowhere.
cache=build/$preset/CMakeCache.txt
if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
  rm -rf "build/$preset"
fi
[ -f "build/$preset/build.ninja" ] || cmake --preset "$preset"
cmake --build --preset "$preset" ${1:+--target "$@"}
