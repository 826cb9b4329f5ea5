# shellcheck shell=bash
# ./dev build: the CMake presets and the QEMU device object.

run_build() {
  case ${1:-all} in
    all | release | device | debug | mutants | fuzz | coverage | windows) ;;
    *) fail_usage "there is no build '$1'; ./dev build [release|device|debug|mutants|fuzz|coverage|windows]" ;;
  esac
  ensure_packages
  case ${1:-all} in
    all)
      build_release
      build_device
      fetch_guest_kernel
      build_debug
      ;;
    release) build_release ;;
    device) build_device ;;
    debug) build_debug ;;
    mutants) build_mutants ;;
    fuzz) build_fuzz ;;
    coverage) build_coverage ;;
    windows) build_windows ;;
  esac
}

build_release() { build_preset release; } # what the demo runs: clang 19, optimised
build_debug() { build_preset debug; }     # what the tests run: gcc, ASan and UBSan
build_mutants() { build_preset mutants; } # what the conformance suite is proven with
build_fuzz() { build_preset fuzz; }
# Replays of the fuzz targets, which count branches.
build_coverage() { build_preset coverage; }
build_windows() { build_preset windows; } # the driver's side by mingw-w64

# build_preset PRESET [TARGET...]
build_preset() {
  local preset=$1
  shift
  run_step "build $preset" "build_$preset" bash tools/dev/build_preset.sh "$preset" "$@" ||
    fail "the $preset build failed; its whole log: build/log/build_$preset.log; run it again with: bash tools/dev/build_preset.sh $preset"
}

# The device object fits exactly one QEMU package, so it is built on the machine that runs it.
build_device() {
  local script=tools/build_qemu_device.sh
  [ -f "$script" ] || return 0
  run_step "build QEMU device" build_device bash "$script" ||
    fail "the QEMU device object could not be built; run it again with: ./dev build device"
}

# Debian's packaged kernel, unpacked once: no guest waits for the network later. "standard": the larger one too, which
# a guest of the figures boots.
# shellcheck disable=SC2120  # test.sh and bench.sh give it one
fetch_guest_kernel() {
  [ -f tools/vm/kernel.py ] || return 0
  run_step "guest kernel" guest_kernel python3 tools/vm/kernel.py "$@" ||
    fail "the guest's kernel could not be had; look at $log_dir/guest_kernel.log, then run: ./dev build"
}
