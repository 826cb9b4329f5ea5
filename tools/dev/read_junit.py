#!/usr/bin/env python3
"""Reads ctest's JUnit report. usage: read_junit.py counts|failures REPORT

counts prints "PASSED FAILED SKIPPED"; failures prints the failed cases with the end of their output.
"""
import sys
import xml.etree.ElementTree as ElementTree

LINES_PER_FAILURE = 30


def read_cases(path):
    """Yields (name, state, output) of every case; none when ctest found no test and wrote nothing."""
    try:
        root = ElementTree.parse(path).getroot()
    except FileNotFoundError:
        return
    for case in root.iter("testcase"):
        state = {"run": "passed", "fail": "failed"}.get(case.get("status"), "skipped")
        if case.find("failure") is not None or case.find("error") is not None:
            state = "failed"
        # A case that ctest could not start ("Not Run") has not passed: it counts as failed.
        skipped = case.find("skipped")
        if skipped is not None and "SKIP" not in (skipped.get("message") or ""):
            state = "failed"
        yield case.get("name"), state, case.findtext("system-out") or ""


def main():
    if len(sys.argv) != 3 or sys.argv[1] not in ("counts", "failures"):
        sys.exit(__doc__)
    cases = list(read_cases(sys.argv[2]))
    if sys.argv[1] == "counts":
        states = [state for _, state, _ in cases]
        print(states.count("passed"), states.count("failed"), states.count("skipped"))
        return
    for name, state, output in cases:
        if state == "failed":
            print(name)
            for line in output.strip().splitlines()[-LINES_PER_FAILURE:]:
                print("    " + line)


if __name__ == "__main__":
    main()
