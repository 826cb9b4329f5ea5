# shellcheck shell=bash
# ./dev bench: figures of this machine. The rows are tools/bench's.

bench_arguments=()

# Fills bench_arguments; paths are the caller's. What is wrong with them is said before anything is built.
read_bench_arguments() {
  local check=(--check-arguments)
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) check=() && bench_arguments+=("$1") ;;
      --json)
        [ $# -ge 2 ] || fail_usage "--json wants a file: ./dev bench --json FILE"
        bench_arguments+=(--json "$(absolute_path "$2")")
        shift
        ;;
      --json=*) bench_arguments+=("--json=$(absolute_path "${1#*=}")") ;;
      *) bench_arguments+=("$1") ;;
    esac
    shift
  done
  # A fresh machine has no python3 before the setup.
  if command -v python3 >/dev/null; then
    python3 tools/bench/bench.py ${check[@]+"${check[@]}"} ${bench_arguments[@]+"${bench_arguments[@]}"} || exit
  fi
  [ ${#check[@]} -gt 0 ] || exit 0
}

run_bench() {
  ensure_packages
  build_release
  build_device
  fetch_guest_kernel standard
  build_preset fuzz device_measure
  build_preset fuzz-fast device_measure
  python3 tools/bench/bench.py ${bench_arguments[@]+"${bench_arguments[@]}"}
}
