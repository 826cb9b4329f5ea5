#!/usr/bin/env python3
"""Proves the conformance suite: for every rule, breaks it and wants its cases to fail.

Rules stand in tests/conformance/rules/*.toml and around the checks in the sources (base/rule.h). A
case that crashes, hangs or throws has not caught its rule. Without a broken rule every case has to
pass. usage: prove_rules.py [--build DIR] [--json FILE] [--jobs N] [--only PREFIX]
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import sys
import tempfile
import time

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


def make_table(rules, cases, results):
    """Rows of (job, cases, negative, rules, caught); the last one is the sum."""
    rows = []
    for job in sorted({case.job for case in cases}):
        own = [case for case in cases if case.job == job]
        named = [rule for rule in rules if any(rule.names(case.name) for case in own)]
        caught = sum(results.get(rule.name) == {} for rule in named)
        rows.append((job, len(own), sum(case.is_negative for case in own), len(named), caught))
    caught = sum(result == {} for result in results.values())
    # A rule that cases of two jobs catch counts once in the sum.
    rows.append(("all", len(cases), sum(case.is_negative for case in cases), len(rules), caught))
    return rows


def print_table(rows):
    print(f"{'job':<22} {'cases':>6} {'negative':>9} {'rules':>6} {'mutants caught':>15}")
    for job, *counts in rows:
        print(f"{job:<22} {counts[0]:>6} {counts[1]:>9} {counts[2]:>6} {counts[3]:>15}")


def write_json(path, rows, results, mistakes, passed, failed):
    keys = ("job", "cases", "negative", "rules", "caught")
    document = {"jobs": [dict(zip(keys, row)) for row in rows],
                "rules": {name: "caught" if result == {} else result
                          for name, result in sorted(results.items())},
                "mistakes": mistakes, "passed": passed, "failed": failed}
    pathlib.Path(path).write_text(json.dumps(document, indent=2) + "\n")


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
    return make_table(rules, cases, results), results, mistakes


def main():
    arguments = parse_arguments()
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="ward-rules-") as folder:
        # The first program makes it, the others find it there: keys take most of their time.
        rows, results, mistakes = run(arguments, pathlib.Path(folder) / "identity")
    escaped = {name: result for name, result in results.items() if result}
    for mistake in mistakes:
        print(f"mistake: {mistake}")
    for name, outcomes in sorted(escaped.items()):
        for case, outcome in outcomes.items():
            print(f"not caught: rule '{name}': case '{case}' {outcome}")
    passed, failed = len(results) - len(escaped), len(escaped) + len(mistakes)
    if arguments.json:
        write_json(arguments.json, rows, results, mistakes, passed, failed)
    print(f"{passed} rules caught, {failed} mistakes, {time.monotonic() - started:.0f} s\n")
    print_table(rows)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
