# shellcheck shell=bash
# Messages, timed steps and the lock. Sourced by ./dev and by what it calls.

log_dir=build/log
lock_file=build/.lock

if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
  green=$'\e[32m' red=$'\e[31m' yellow=$'\e[33m' plain=$'\e[0m'
else
  green='' red='' yellow='' plain=''
fi

say() { printf '%s\n' "$*"; }
warn() { printf '%swarning:%s %s\n' "$yellow" "$plain" "$*" >&2; }
fail() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 1
}
fail_usage() {
  printf '%serror:%s %s\n' "$red" "$plain" "$*" >&2
  exit 2
}

now_us() { printf '%s' "${EPOCHREALTIME/[.,]/}"; }

# Seconds since `start` (microseconds), with one decimal.
seconds_since() {
  local tenths=$((($(now_us) - $1) / 100000))
  printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

# print_result STATE NAME START TEXT: one line of the report; STATE is ok, FAIL, skip or missing.
print_result() {
  local colour=$green
  case $1 in
    ok) ;;
    skip) colour=$yellow ;;
    *) colour=$red ;;
  esac
  printf '%s%-4s%s  %-28s %7s s  %s\n' "$colour" "$1" "$plain" "$2" "$(seconds_since "$3")" "$4"
}

# The newest "[12/345]" (ninja) or "12/345 Test" (ctest) of a log.
latest_count() {
  tail -c 4000 "$1" 2>/dev/null | tr '\r' '\n' |
    grep -oE '^ *(\[[0-9]+/[0-9]+\]|[0-9]+/[0-9]+ Test)' | tail -n 1 | tr -d ' []Tesr' || true
}

# Runs in the background beside a step: a live line on a terminal, one line each 30 s elsewhere. Waits on a pipe that never
# speaks: no sleep process is left behind when the step ends.
show_progress() {
  local name=$1 log=$2 start=$3 pause=$4 interval=30
  [ -t 1 ] && interval=0.5
  while read -rt "$interval" -u "$pause" _ || kill -0 "$$" 2>/dev/null; do
    if [ -t 1 ]; then
      printf '\r\e[K...   %-28s %7s s  %s' "$name" "$(seconds_since "$start")" "$(latest_count "$log")"
    else
      printf '...   %-28s %7s s  %s still at it\n' "$name" "$(seconds_since "$start")" "$(latest_count "$log")"
    fi
  done
}

# On every way out: no work goes on without the lock. Each job has a process group of its own.
end_jobs() {
  local groups group tries
  trap '' INT TERM HUP
  # Not what run_logged noted: a signal may come before its note. Through a file: bash loses count of
  # its children when a trap forks one.
  jobs -p >"$log_dir/.jobs.$$"
  mapfile -t groups <"$log_dir/.jobs.$$"
  rm -f "$log_dir/.jobs.$$"
  for group in ${groups[@]+"${groups[@]}"}; do
    # With root_prefix, a step may be root's.
    ${root_prefix[@]+"${root_prefix[@]}"} kill -TERM -- "-$group" 2>/dev/null || true
    for ((tries = 0; tries < 100; tries++)); do
      kill -0 -- "-$group" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
    [ ! -t 1 ] || printf '\r\e[K'
  done
}

# run_logged NAME LOG COMMAND...: runs COMMAND with its output in LOG and shows that it lives.
# Returns COMMAND's exit code.
run_logged() {
  local name=$1 log=$2 code=0 ticker step start pause fifo
  shift 2
  mkdir -p "$log_dir"
  # Not where they are used: in the background, with job control, bash loses count of the children that a command
  # substitution and a process substitution are.
  start=$(now_us)
  fifo=$log_dir/.pause.$$
  rm -f "$fifo"
  mkfifo "$fifo"
  exec {pause}<>"$fifo"
  rm -f "$fifo"
  trap end_jobs EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  trap 'exit 129' HUP
  set -m # for the process groups
  show_progress "$name" "$log" "$start" "$pause" 9>&- &
  ticker=$!
  "$@" >"$log" 2>&1 </dev/null 9>&- {pause}>&- &
  step=$!
  set +m
  wait "$step" || code=$?
  # Not TERM: one that has only begun would act upon it as this shell does.
  { kill -KILL "$ticker" && wait "$ticker"; } 2>/dev/null || true
  exec {pause}>&-
  [ ! -t 1 ] || printf '\r\e[K'
  return "$code"
}

# run_step NAME LOGNAME COMMAND...: a step that must succeed; on failure the end of its log is shown.
run_step() {
  local name=$1 log=$log_dir/$2.log start code=0
  shift 2
  start=$(now_us)
  run_logged "$name" "$log" "$@" || code=$?
  if [ "$code" -eq 0 ]; then
    print_result ok "$name" "$start" ""
    return 0
  fi
  print_result FAIL "$name" "$start" "exit code $code"
  show_log_end "$log"
  return 1
}

show_log_end() {
  tail -n 40 "$1" | sed 's/^/    | /'
  say "    whole log: $1"
}

# One ./dev at a time per checkout: two builds in one folder would trample each other.
take_lock() {
  [ -z "${WARD_DEV_LOCK_HELD:-}" ] || return 0
  { mkdir -p build && : >>"$lock_file"; } 2>/dev/null ||
    fail "build/ cannot be written by $(id -un); mend it with: sudo chown -R $(id -un) build"
  exec 9<>"$lock_file"
  if ! flock -n 9; then
    fail "another ./dev is at work in this checkout ($(head -n 1 "$lock_file")); wait for it, or end it with: kill $(sed -n '1s/^pid \([0-9]*\).*/\1/p' "$lock_file")"
  fi
  printf 'pid %d: ./dev %s\n' "$$" "$1" >"$lock_file"
  export WARD_DEV_LOCK_HELD=1
}

release_lock() {
  { exec 9>&-; } 2>/dev/null || true
  unset WARD_DEV_LOCK_HELD
}
