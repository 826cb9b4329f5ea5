# shellcheck shell=bash
# ./dev test: ctest for the Catch2 and Python cases; tests/vm/test_*.py for those that boot a guest, and
# tests/bench/test_*.py for those that count or run figures and tests/side_channels/test_*.py for what
# memcheck says about secrets, with the release build.

ctest_labels=(unit conformance integration fuzz)

# Where hosts and drivers have threads: workers of the chip's bulk work, devices and clients of a server, the driver's
# side of a served device. Programs of the preset `threads`, and cases that run the `ward` of it.
threads_programs=(race_control unit_executor unit_vfio_user unit_kmd unit_kmd_vfio_user)
threads_scripts=(serve_command serve_recordings serve_kills serve_ends serve_starved client_deaths)

run_tests() {
  local labels=() release_labels=() label
  case ${1:-all} in
    all) labels=("${ctest_labels[@]}") release_labels=(side_channels bench vm) ;;
    bench | vm) release_labels=("$1") ;;
    threads)
      run_threads
      return
      ;;
    side_channels)
      run_watched side_channels ward_side_channels
      return
      ;;
    valgrind)
      run_watched valgrind ward_whole_path
      return
      ;;
    matrix)
      shift
      run_matrix "$@"
      return
      ;;
    unit | conformance | integration | fuzz) labels=("$1") ;;
    *) fail_usage "there is no test label '$1'; ./dev test [unit|conformance|integration|fuzz|side_channels|bench|vm|threads|valgrind|matrix]" ;;
  esac
  ensure_packages
  passed=0 failed=0 skipped=0
  rules_report=$log_dir/rules.json
  rm -f "$rules_report"
  # All builds come first: what does not build is known before the long part.
  [ ${#labels[@]} -eq 0 ] || build_debug
  [[ " ${labels[*]-} " != *" conformance "* ]] || build_mutants
  [ ${#release_labels[@]} -eq 0 ] || build_release
  if [[ " ${release_labels[*]-} " == *" vm "* ]]; then
    build_device
    fetch_guest_kernel standard
  fi
  make_scratch
  for label in ${labels[@]+"${labels[@]}"}; do
    run_ctest "$label" debug --label-regex "^$label\$"
    [ "$label" != conformance ] || prove_rules
  done
  for label in ${release_labels[@]+"${release_labels[@]}"}; do run_release_label "$label"; done
  [ -n "${WARD_VM_KEEP:-}" ] || rm -rf "$TMPDIR"

  [ ! -f "$rules_report" ] || python3 tools/conformance/result.py table "$rules_report"
  say_sum
}

# A test that is killed can't clean up: what the tests write goes to a folder that is removed here.
make_scratch() {
  export TMPDIR=$PWD/build/tmp
  rm -rf "$TMPDIR" && mkdir "$TMPDIR"
}

# Prints the sums; fails when they are not good.
say_sum() {
  local summary="$passed passed, $failed failed"
  [ "$skipped" -eq 0 ] || summary+=", $skipped skipped"
  say "$summary"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

# A race that ThreadSanitizer sees ends its process, and with it the case.
run_threads() {
  local names
  ensure_packages
  passed=0 failed=0 skipped=0
  build_preset threads "${threads_programs[@]}" ward
  make_scratch
  export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 ${TSAN_OPTIONS:-}"
  names=$(IFS='|' && printf '%s' "${threads_programs[*]}|${threads_scripts[*]}")
  run_ctest threads threads --tests-regex "^unit\\.($names)(\\.|\$)"
  rm -rf "$TMPDIR"
  say_sum
}

# run_watched LABEL TARGET: a label whose one program memcheck watches, without the rest of the release build.
run_watched() {
  ensure_packages
  passed=0 failed=0 skipped=0
  build_preset release "$2"
  make_scratch
  run_release_label "$1"
  rm -rf "$TMPDIR"
  say_sum
}

# Adds "PASSED FAILED SKIPPED" to the sums.
add_counts() {
  passed=$((passed + $1)) failed=$((failed + $2)) skipped=$((skipped + $3))
}

# run_ctest NAME PRESET OPTION...: the cases that ctest's options choose, of that build.
run_ctest() {
  local label=$1 preset=$2 report=$PWD/$log_dir/ctest_$1.xml log=$log_dir/ctest_$1.log start code=0 counts=()
  shift 2
  start=$(now_us)
  rm -f "$report"
  run_logged "test $label" "$log" ctest --test-dir "build/$preset" "$@" \
    --parallel "$(nproc)" --output-on-failure --no-tests=ignore --output-junit "$report" || code=$?
  # ctest that failed without a report could not run at all.
  [ "$code" -eq 0 ] || [ -f "$report" ] || fail "ctest did not run; look at $log, then run the same again"
  read -ra counts < <(python3 tools/dev/read_junit.py counts "$report") || counts=(0 1 0)
  add_counts "${counts[@]}"
  if [ "${counts[1]}" -gt 0 ]; then
    print_result FAIL "test $label" "$start" "${counts[1]} of $((counts[0] + counts[1])) cases failed"
    python3 tools/dev/read_junit.py failures "$report" | sed 's/^/    | /'
    say "    whole log: $log"
  elif [ "${counts[0]}" -eq 0 ]; then
    print_result skip "test $label" "$start" "no case has this label yet"
  else
    print_result ok "test $label" "$start" "${counts[0]} cases"
  fi
}

# Breaks each rule of content protection and wants the suite to notice.
prove_rules() {
  local log=$log_dir/rules.log start counts=()
  start=$(now_us)
  run_logged "mutants" "$log" python3 tools/conformance/prove_rules.py --json "$PWD/$rules_report" || true
  read -ra counts < <(python3 tools/conformance/result.py counts "$rules_report" 2>>"$log") || counts=(0 1 0)
  add_counts "${counts[@]}"
  if [ "${counts[1]}" -gt 0 ] || [ "${counts[0]}" -eq 0 ]; then
    print_result FAIL "mutants" "$start" "${counts[1]} mistakes or rules that no case catches"
    [ ! -f "$rules_report" ] || python3 tools/conformance/result.py failures "$rules_report" | sed 's/^/    | /'
    [ -f "$rules_report" ] || show_log_end "$log"
    say "    whole log: $log"
  else
    print_result ok "mutants" "$start" "${counts[0]} passed"
  fi
}

# Wrong arguments of `test matrix` end it, and --help prints, before anything is built.
read_matrix_arguments() {
  local check=(--check-arguments) word
  for word in "$@"; do
    case $word in --help | -h) check=() ;; esac
  done
  # A fresh machine has no python3 before the setup.
  if command -v python3 >/dev/null; then
    python3 tools/matrix/matrix.py ${check[@]+"${check[@]}"} "$@" || exit
  fi
  [ ${#check[@]} -gt 0 ] || exit 0
}

# The suites over every attachment, as one table; arguments are those of tools/matrix/matrix.py.
run_matrix() {
  ensure_packages
  build_release
  build_device
  fetch_guest_kernel
  python3 tools/matrix/matrix.py "$@"
}

run_release_label() {
  local label=$1 cases=() script name start log code
  mapfile -t cases < <(find "tests/$label" -maxdepth 1 -name 'test_*.py' 2>/dev/null | sort)
  start=$(now_us)
  if [ ${#cases[@]} -eq 0 ]; then
    print_result skip "test $label" "$start" "there is no tests/$label/test_*.py yet"
    return 0
  fi
  for script in "${cases[@]}"; do
    name=$(basename "$script" .py)
    log=$log_dir/${label}_$name.log
    start=$(now_us) code=0
    # A guest that hangs must not hang the suite. 77: the case cannot run on this machine.
    run_logged "$label $name" "$log" timeout --kill-after=10 900 python3 "$script" --build-dir build/release || code=$?
    case $code in
      # The last line of counted instructions says when fewer of them are to be kept.
      0) add_counts 1 0 0 && print_result ok "$label $name" "$start" "$([ "$label" = vm ] || tail -n 1 "$log")" ;;
      77) add_counts 0 0 1 && print_result skip "$label $name" "$start" "$(tail -n 1 "$log")" ;;
      *)
        add_counts 0 1 0
        print_result FAIL "$label $name" "$start" "exit code $code$([ "$code" -ne 124 ] || printf ' (stopped after 900 s)')"
        show_log_end "$log"
        ;;
    esac
  done
}
