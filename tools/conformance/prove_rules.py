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
    parser.add_argument("--limit", type=float, default=120, help="seconds for a program to end")
    parser.add_argument("--only", default="", help="rules that begin so")
    return parser.parse_args()


def group(cases, key):
    groups = {}
    for case in cases:
        groups.setdefault(key(case), []).append(case)
    return list(groups.values())


def run_everywhere(cases, arguments, identity, broken_rule=None):
    """What a process does that breaks the rule, or none: case -> outcome."""
    outcomes = {}
    for part in group(cases, lambda case: case.program):
        outcomes |= suite.run_cases(part, broken_rule, arguments.limit, identity)
    return outcomes


def show_progress(done, total, started):
    if sys.stdout.isatty():
        print(f"\r\033[K[{done}/{total}] {time.monotonic() - started:.0f} s", end="", flush=True)
    elif done % 25 == 0 or done == total:
        print(f"[{done}/{total}] {time.monotonic() - started:.0f} s", flush=True)


def run_all(rules, cases, arguments, identity):
    """([outcomes without a broken rule], rule -> outcomes of its cases)."""
    started, unbroken, results = time.monotonic(), [], {}
    # The first program makes the identity, the others find it: keys take most of their time.
    run_everywhere(cases[:1], arguments, identity)
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        running = {pool.submit(run_everywhere, part, arguments, identity): None
                   for part in group(cases, lambda case: case.job)}
        for rule in rules:
            own = [case for case in cases if rule.names(case.name)]
            if not own:
                continue  # a mistake by itself
            running[pool.submit(run_everywhere, own, arguments, identity, rule.name)] = rule
        for done, finished in enumerate(concurrent.futures.as_completed(running), 1):
            rule = running[finished]
            if rule is None:
                unbroken.append(finished.result())
            else:
                results[rule.name] = finished.result()
            show_progress(done, len(running), started)
    if sys.stdout.isatty():
        print("\r\033[K", end="")
    return unbroken, results


def select_others(outcomes, expected):
    """What is not as expected."""
    return {case: outcome for case, outcome in outcomes.items() if outcome != expected}


def run(arguments, identity):
    rules, explanations, mistakes = rule_list.read_folder(arguments.rules)
    cases = [case for program in suite.find_programs(arguments.build)
             for case in suite.list_cases(program)]
    if not cases:
        mistakes.append(f"there is no conformance program in {arguments.build}")
    mistakes += rule_list.compare(rules, explanations, rule_list.find_marks(ROOT), cases)
    chosen = [rule for rule in rules if rule.name.startswith(arguments.only)]
    unbroken, broken = run_all(chosen, cases, arguments, identity)
    for outcomes in unbroken:
        mistakes += [f"without a broken rule '{name}': {outcome}"
                     for name, outcome in select_others(outcomes, "passed").items()]
    results = {name: select_others(outcomes, "failed") for name, outcomes in broken.items()}
    return result.Result.make(rules, cases, results, mistakes)


def main():
    arguments = parse_arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ward-rules-") as folder:
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
