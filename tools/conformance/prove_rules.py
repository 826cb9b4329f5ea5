#!/usr/bin/env python3
"""Proves the conformance suite: for every rule, breaks it and wants its cases to fail.

Rules stand in tests/conformance/rules/*.toml and around the checks in the sources (base/rule.h). A
case that crashes, hangs or throws has not caught its rule. Without a broken rule every case has to
pass. usage: prove_rules.py [--build DIR] [--json FILE] [--jobs N] [--only PREFIX]
"""
import argparse
import concurrent.futures
import os
import pathlib
import sys
import tempfile
import time

import result
import rules as rule_list
import suite

ROOT = pathlib.Path(__file__).resolve().parents[2]


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", default=ROOT / "build/mutants", help="the build of mutants")
    parser.add_argument("--rules", default=ROOT / "tests/conformance/rules")
    parser.add_argument("--json", metavar="FILE", help="write the result there as well")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--limit", type=float, default=60, help="seconds for a program to end")
    parser.add_argument("--only", default="", help="rules that begin so")
    return parser.parse_args()


def group_by_program(cases):
    groups = {}
    for case in cases:
        groups.setdefault(case.program, []).append(case)
    return groups.values()


def run_everywhere(cases, limit_s, identity, broken_rule=None):
    outcomes = {}
    for group in group_by_program(cases):
        outcomes |= suite.run_cases(group, broken_rule, limit_s, identity)
    return outcomes


def prove(rule, cases, arguments, identity):
    """What its cases did that they should not; empty when the rule is caught."""
    own = [case for case in cases if rule.names(case.name)]
    outcomes = run_everywhere(own, arguments.limit, identity, rule.name)
    return {case: outcome for case, outcome in outcomes.items() if outcome != "failed"}


def show_progress(done, total, started):
    if sys.stdout.isatty():
        print(f"\r\033[K[{done}/{total}] {time.monotonic() - started:.0f} s", end="", flush=True)
    elif done % 25 == 0 or done == total:
        print(f"[{done}/{total}] rules broken, {time.monotonic() - started:.0f} s", flush=True)


def prove_all(rules, cases, arguments, identity):
    """Rule -> what its cases did wrong."""
    started, results = time.monotonic(), {}
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {pool.submit(prove, rule, cases, arguments, identity): rule for rule in rules}
        for done, finished in enumerate(concurrent.futures.as_completed(running), 1):
            results[running[finished].name] = finished.result()
            show_progress(done, len(rules), started)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    return results


def run(arguments, identity):
    rules, explanations, mistakes = rule_list.read_folder(arguments.rules)
    cases = [case for program in suite.find_programs(arguments.build)
             for case in suite.list_cases(program)]
    if not cases:
        mistakes.append(f"there is no conformance program in {arguments.build}")
    mistakes += rule_list.compare(rules, explanations, rule_list.find_marks(ROOT), cases)
    unbroken = run_everywhere(cases, 10 * arguments.limit, identity)
    mistakes += [f"without a broken rule '{name}': {outcome}"
                 for name, outcome in unbroken.items() if outcome != "passed"]
    chosen = [rule for rule in rules if rule.name.startswith(arguments.only)]
    results = prove_all(chosen, cases, arguments, identity)
    return result.Result.make(rules, cases, results, mistakes)


def main():
    arguments = parse_arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ward-rules-") as folder:
        # The first program makes it, the others find it there: keys take most of their time.
        found = run(arguments, pathlib.Path(folder) / "identity")
    if arguments.json:
        found.write(arguments.json)
    found.print_failures()
    print(f"{found.passed} rules caught, {found.failed} mistakes, "
          f"{time.monotonic() - started:.0f} s\n")
    found.print_table()
    return 1 if found.failed or not found.passed else 0


if __name__ == "__main__":
    sys.exit(main())
