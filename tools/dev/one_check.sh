#!/usr/bin/env bash
# One check of ./dev check. usage: one_check.sh NAME [--fix]
# Its last line is the verdict; exit code 77 means that there is nothing to check yet.
set -euo pipefail

nothing() {
  printf '%s\n' "$*"
  exit 77
}

# Tracked files and new ones that git would track, so that a check sees what a commit would hold.
list_files() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
  [ ! -f "$file" ] || printf '%s\n' "$file"
done; }

# The state tables are C++, so a program renders their page.
write_state_page() {
  local sources=tests/unit/state_page page=docs/spec/content-protection.md
  mkdir -p build
  "${CXX:-c++}" -std=c++20 -I. -o build/write_state_page \
    "$sources"/{state_machine,state_machines,write_state_page}.cc
  build/write_state_page "$@" "$page"
}

check_generated() {
  [ -f tools/abi_generator.py ] || nothing "there is no tools/abi_generator.py yet"
  if [ "$1" = --fix ]; then python3 tools/abi_generator.py && write_state_page && python3 tools/bench/report.py && python3 tools/fuzz/planted_page.py; fi
  python3 tools/abi_generator.py --check || {
    echo "generated files differ from abi/*.toml; mend it with: python3 tools/abi_generator.py"
    exit 1
  }
  write_state_page --check || {
    echo "a page differs from the state tables; mend it with: ./dev check --fix generated"
    exit 1
  }
  python3 tools/bench/report.py --check || exit 1
  python3 tools/fuzz/planted_page.py --check || exit 1
  echo "generated files match abi/*.toml, the state tables, the kept figures and the planted bugs"
}

check_format() {
  local files
  mapfile -t files < <(list_files '*.h' '*.cc' '*.c' '*.inc' ':!tests/vectors')
  if [ "$1" = --fix ]; then clang-format-19 -i "${files[@]}"; fi
  clang-format-19 --dry-run -Werror "${files[@]}" || {
    echo "not formatted; mend it with: ./dev check --fix format"
    exit 1
  }
  echo "${#files[@]} files"
}

check_includes() { python3 tools/check_includes.py; }
check_sizes() { python3 tools/check_sizes.py; }
check_words() { python3 tools/check_words.py; }
check_pages() { python3 tools/check_pages.py; }

check_shell() {
  local files
  mapfile -t files < <(list_files '*.sh' dev .ci/run)
  for file in "${files[@]}"; do bash -n "$file"; done
  list_files '*.py' | xargs -r -d '\n' python3 -c \
    'import ast, sys; [ast.parse(open(f, encoding="utf-8").read(), f) for f in sys.argv[1:]]'
  if command -v shellcheck >/dev/null; then
    # SC2154: sourced files share names with ./dev; set -u catches a name that nobody sets.
    shellcheck -x -P . -S warning -e SC2154 "${files[@]}" || {
      echo "shellcheck has something to say about these scripts"
      exit 1
    }
    echo "${#files[@]} scripts, bash -n and shellcheck"
  else
    echo "${#files[@]} scripts, bash -n (shellcheck is not installed)"
  fi
}

# -Werror is on: a build that succeeds had no warning.
check_gcc() {
  bash tools/dev/build_preset.sh debug
  g++ --version | sed -n 's/^g++.* \([0-9.]*\)$/gcc \1: no warning/p'
}

# The release build, and what it has not compiled: the tests. gcc links them, and warnings come before that.
check_clang() {
  local objects
  bash tools/dev/build_preset.sh release
  bash tools/dev/build_preset.sh clang-tests build.ninja
  objects=$(python3 tools/dev/other_objects.py build/clang-tests build/release)
  mapfile -t objects <<<"$objects"
  bash tools/dev/build_preset.sh clang-tests "${objects[@]}"
  clang++-19 --version | sed -n 's/.*clang version \([0-9.]*\).*/clang \1: no warning/p'
}

check_riscv() {
  [ -n "$(list_files 'firmware/*.cc')" ] || nothing "there is no firmware/*.cc yet"
  bash tools/check_firmware_riscv.sh
}

check_windows() { bash tools/check_windows.sh; }

# 40 seconds over the chip and a quarter of that over each other target; what is found goes to build/, the corpora in the tree stay.
check_fuzz() {
  local seconds=${WARD_FUZZ_SECONDS:-40} names=() name share
  mapfile -t names < <(python3 tools/fuzz/targets.py names)
  bash tools/dev/build_preset.sh fuzz fuzz_targets
  for name in "${names[@]}"; do
    share=$((seconds / 4 + 1))
    [ "$name" != device ] || share=$seconds
    # Its last line is this check's.
    python3 tools/fuzz/fuzz.py "$name" --seconds "$share" --no-coverage
  done
  echo "${#names[@]} targets, nothing fell"
}

# That the fuzzers' oracles fall: the inputs that show planted bugs, and none of them without its bug.
check_planted() {
  bash tools/dev/build_preset.sh planted
  python3 tools/fuzz/planted.py --replay
}

# OSS-Fuzz's build, here.
check_oss_fuzz() { python3 tools/fuzz/try_oss_fuzz.py; }

"check_$1" "${2:-}"
