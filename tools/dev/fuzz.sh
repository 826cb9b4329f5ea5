# shellcheck shell=bash
# ./dev fuzz: fuzz targets, coverage, minimising, planted bugs. The work is tools/fuzz'.

fuzz_arguments=()
fuzz_planted=
fuzz_play=

# Fills fuzz_arguments; paths are the caller's. What is wrong with them is said before anything is built.
read_fuzz_arguments() {
  local word
  fuzz_arguments=(--caller-dir "$caller_dir")
  for word in "$@"; do
    case $word in
      --planted) fuzz_planted=1 ;;
      --play) fuzz_play=1 ;;
      --help | -h) fuzz_arguments=() ;;
    esac
  done
  if [ -n "$fuzz_planted" ]; then
    read_planted_arguments "$@"
    return
  fi
  if [ -n "$fuzz_play" ]; then
    read_play_arguments "$@"
    return
  fi
  # A list or a help needs nothing, and a fresh machine has no python3 before the setup.
  if [ $# -eq 0 ] || [ ${#fuzz_arguments[@]} -eq 0 ]; then exec python3 tools/fuzz/fuzz.py "$@"; fi
  fuzz_arguments+=("$@")
  ! command -v python3 >/dev/null || list_fuzz_builds >/dev/null || exit
}

read_planted_arguments() {
  fuzz_arguments=()
  [ -f tools/fuzz/planted.py ] || fail "tools/fuzz/planted.py is missing from this checkout; mend it with: git restore tools/fuzz"
  while [ $# -gt 0 ]; do
    case $1 in
      --planted) ;;
      --help | -h) exec python3 tools/fuzz/planted.py --help ;;
      --json)
        [ $# -ge 2 ] || fail_usage "--json wants a file: ./dev fuzz --planted --json FILE"
        fuzz_arguments+=(--json "$(absolute_path "$2")")
        shift
        ;;
      --json=*) fuzz_arguments+=("--json=$(absolute_path "${1#*=}")") ;;
      *) fuzz_arguments+=("$1") ;;
    esac
    shift
  done
  ! command -v python3 >/dev/null ||
    python3 tools/fuzz/planted.py --check-arguments ${fuzz_arguments[@]+"${fuzz_arguments[@]}"} || exit
}

read_play_arguments() {
  local word
  fuzz_arguments=(--caller-dir "$caller_dir")
  for word in "$@"; do
    case $word in
      --play) ;;
      --help | -h) exec python3 tools/fuzz/play.py --help ;;
      *) fuzz_arguments+=("$word") ;;
    esac
  done
  ! command -v python3 >/dev/null || list_play_builds >/dev/null || exit
}

# Lines of a preset and its targets; `device` is QEMU's.
list_play_builds() { python3 tools/fuzz/play.py --builds "${fuzz_arguments[@]}"; }

run_play() {
  local builds=() line words=()
  mapfile -t builds < <(list_play_builds)
  for line in "${builds[@]}"; do
    read -ra words <<<"$line"
    if [ "$line" = device ]; then build_device; else build_preset "${words[@]}"; fi
  done
  go_on_unlocked tools/fuzz/play.py "${fuzz_arguments[@]}"
}

# Lines of a preset and its targets.
list_fuzz_builds() { python3 tools/fuzz/fuzz.py --builds "${fuzz_arguments[@]}"; }

run_fuzz() {
  local builds=() line words=()
  ensure_packages
  if [ -n "$fuzz_planted" ]; then
    build_preset planted
    go_on_unlocked tools/fuzz/planted.py ${fuzz_arguments[@]+"${fuzz_arguments[@]}"}
  fi
  if [ -n "$fuzz_play" ]; then run_play; fi
  mapfile -t builds < <(list_fuzz_builds)
  for line in ${builds[@]+"${builds[@]}"}; do
    read -ra words <<<"$line"
    build_preset "${words[@]}"
  done
  go_on_unlocked tools/fuzz/fuzz.py "${fuzz_arguments[@]}"
}

# A run may take days: others build meanwhile, and what runs keeps its program. Only `./dev clean` waits, by a lock that
# this process holds and its children do not.
go_on_unlocked() {
  mkdir -p build
  exec 8<>build/.fuzz.lock
  flock -s 8
  release_lock
  exec python3 "$@"
}
