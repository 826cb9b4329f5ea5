# shellcheck shell=bash
# ./dev check: named checks, each timed; goes on after a failure and fails at the end.

check_names=(generated format includes sizes words pages shell gcc clang riscv windows fuzz)
# Only when they are asked for: they build everything once more.
asked_check_names=(oss_fuzz planted)

run_checks() {
  local fix='' names=() name
  for name in "$@"; do
    case " ${check_names[*]} ${asked_check_names[*]} --fix " in
      *" $name "*) ;;
      *) fail_usage "there is no check '$name'; ./dev check [--fix] [${check_names[*]} ${asked_check_names[*]}]" ;;
    esac
    if [ "$name" = --fix ]; then fix=--fix; else names+=("$name"); fi
  done
  [ ${#names[@]} -gt 0 ] || names=("${check_names[@]}")
  ensure_packages

  local failed_checks=() start
  start=$(now_us)
  for name in "${names[@]}"; do
    run_check "$name" "$fix" || failed_checks+=("$name")
  done
  if [ ${#failed_checks[@]} -gt 0 ]; then
    say "check: failed in $(seconds_since "$start") s: ${failed_checks[*]}"
    return 1
  fi
  say "check: ${#names[@]} checks in $(seconds_since "$start") s"
}

# The last line that a check prints is its verdict; exit code 77 means that it has nothing to check.
run_check() {
  local name=$1 fix=$2 log=$log_dir/check_$1.log start code=0
  start=$(now_us)
  run_logged "$name" "$log" bash tools/dev/one_check.sh "$name" "$fix" || code=$?
  case $code in
    0) print_result ok "$name" "$start" "$(tail -n 1 "$log")" ;;
    77) print_result skip "$name" "$start" "$(tail -n 1 "$log")" ;;
    *)
      print_result FAIL "$name" "$start" "$(tail -n 1 "$log")"
      show_log_end "$log"
      return 1
      ;;
  esac
}
