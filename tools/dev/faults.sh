# shellcheck shell=bash
# ./dev faults: the faults F1 to F20 of docs/security-model.md, each tried again and again by the
# cases of its name. The rows are tools/faults'.

faults_arguments=()
faults_want_vm=

# Fills faults_arguments; paths are the caller's. What is wrong with them is said before anything is built.
read_faults_arguments() {
  local check=(--check-arguments)
  while [ $# -gt 0 ]; do
    case $1 in
      --help | -h) check=() && faults_arguments+=("$1") ;;
      --json)
        [ $# -ge 2 ] || fail_usage "--json wants a file: ./dev faults --json FILE"
        faults_arguments+=(--json "$(absolute_path "$2")")
        shift
        ;;
      --json=*) faults_arguments+=("--json=$(absolute_path "${1#*=}")") ;;
      --vm) faults_want_vm=1 && faults_arguments+=("$1") ;;
      *) faults_arguments+=("$1") ;;
    esac
    shift
  done
  # A fresh machine has no python3 before the setup.
  if command -v python3 >/dev/null; then
    python3 tools/faults/faults.py ${check[@]+"${check[@]}"} ${faults_arguments[@]+"${faults_arguments[@]}"} || exit
  fi
  [ ${#check[@]} -gt 0 ] || exit 0
}

run_faults() {
  ensure_packages
  build_preset debug unit_tests
  if [ -n "$faults_want_vm" ]; then
    build_release
    build_device
    fetch_guest_kernel
  fi
  python3 tools/faults/faults.py ${faults_arguments[@]+"${faults_arguments[@]}"}
}
