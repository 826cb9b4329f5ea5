# shellcheck shell=bash
# ./dev soak: the whole stack for an hour; what its processes hold must not grow. Arguments are those of
# tools/soak/soak.py.

soak_arguments=()

# Fills soak_arguments; paths are the caller's. What is wrong with them is said before anything is built.
read_soak_arguments() {
  local check=(--check-arguments)
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) check=() && soak_arguments+=("$1") ;;
      --json)
        [ $# -ge 2 ] || fail_usage "--json wants a file: ./dev soak --json FILE"
        soak_arguments+=(--json "$(absolute_path "$2")")
        shift
        ;;
      --json=*) soak_arguments+=("--json=$(absolute_path "${1#*=}")") ;;
      *) soak_arguments+=("$1") ;;
    esac
    shift
  done
  # A fresh machine has no python3 before the setup.
  if command -v python3 >/dev/null; then
    python3 tools/soak/soak.py ${check[@]+"${check[@]}"} ${soak_arguments[@]+"${soak_arguments[@]}"} || exit
  fi
  [ ${#check[@]} -gt 0 ] || exit 0
}

run_soak() {
  ensure_packages
  build_preset release ward ward_soak_player
  # For an hour: others may build and test meanwhile.
  release_lock
  exec python3 tools/soak/soak.py ${soak_arguments[@]+"${soak_arguments[@]}"}
}
