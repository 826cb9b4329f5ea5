#!/usr/bin/env python3
"""./dev faults: every fault F1 to F20 of docs/security-model.md, tried again and again.

Runs the cases whose names have the fault's number ("F3_ ..."), prints a line for each with how often
it tried, and ends with `survived N/N`. The cases count their tries themselves (tests/fakes/
fault_tries.h; scripts append to the file WARD_FAULT_REPORT): what is counted here happened.
"""
import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS = [f"F{number}" for number in range(1, 21)]
NUMBER = re.compile(r"(?<![A-Za-z0-9])F([1-9]\d?)(?=_)")
ENOUGH = 100  # tries of each fault
LIMIT_S = 1200
CANNOT_RUN = 77  # the exit code of a case that this machine can't run


@dataclass
class Case:
    name: str
    faults: list
    command: list
    begun: int = 0
    survived: int = 0
    seconds: float = 0.0
    outcome: str = "ok"
    output: str = field(default="", repr=False)


def numbers_in(name):
    return [f"F{number}" for number in NUMBER.findall(name) if int(number) <= len(FAULTS)]


def ctest_cases(build):
    """What ctest knows by such a name."""
    listing = subprocess.run(["ctest", "--test-dir", build, "--show-only=json-v1"], check=True,
                             capture_output=True, text=True).stdout
    return [Case(test["name"], numbers_in(test["name"]), test["command"])
            for test in json.loads(listing)["tests"]
            if numbers_in(test["name"]) and "command" in test]


def vm_cases(build):
    """Files of tests/vm that have such cases; each is one."""
    cases = []
    for path in sorted((ROOT / "tests/vm").glob("test_*.py")):
        numbers = sorted({f"F{n}" for n in re.findall(r"def test_f(\d+)_", path.read_text())})
        if numbers:
            cases.append(Case(f"vm.{path.stem}", numbers,
                              [sys.executable, "-B", str(path), "--build-dir", str(build)]))
    return cases


def read_report(path):
    """Sums of "BEGUN SURVIVED" lines; None without any."""
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return tuple(sum(int(word) for word in column) for column in zip(*lines)) if lines else None


def run(case, seed, folder, at):
    report = folder / f"report{at}"
    environment = os.environ | {"WARD_FAULT_REPORT": str(report), "WARD_FAULT_SEED": str(seed)}
    start = time.monotonic()
    try:
        done = subprocess.run(case.command, cwd=folder, env=environment, timeout=LIMIT_S, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              errors="replace", stdin=subprocess.DEVNULL)
        code, case.output = done.returncode, done.stdout
    except (subprocess.TimeoutExpired, OSError) as trouble:
        code, case.output = -1, str(trouble)
    case.seconds = time.monotonic() - start
    counted = read_report(report)
    if code == CANNOT_RUN or (code in (0, 4) and counted == (0, 0)):
        case.outcome = "skip"
        return case
    # Who counts nothing tried once. Who failed did not survive its last try, at least.
    case.begun, case.survived = counted or (1, int(code == 0))
    if code != 0:
        case.begun = max(case.begun, 1)
        case.survived = min(case.survived, case.begun - 1)
    case.outcome = "ok" if case.survived == case.begun else "FAIL"
    return case


def sort_key(case):
    return (int(case.faults[0][1:]), case.name)


def shown_name(case):
    name = case.name.split(".", 1)[1] if case.name.startswith("unit.") else case.name
    return name if len(name) <= 100 else name[:97] + "..."


def show(case):
    print(f"{case.outcome:4}  {','.join(case.faults):10} {case.begun:7} tries {case.seconds:7.1f} s"
          f"  {shown_name(case)}", flush=True)
    if case.outcome == "FAIL":
        for line in case.output.splitlines()[-40:]:
            print(f"    | {line}")


def lacking(cases, wanted):
    """Faults that were tried too seldom, with how often."""
    tries = {fault: 0 for fault in wanted}
    for case in cases:
        for fault in case.faults:
            if fault in tries:
                tries[fault] += case.begun
    return {fault: count for fault, count in tries.items() if count < ENOUGH}


def read_arguments(arguments):
    parser = argparse.ArgumentParser(prog="./dev faults", description=__doc__.splitlines()[0])
    parser.add_argument("faults", nargs="*", metavar="FAULT", help="F1 to F20; without one: all")
    parser.add_argument("--seed", type=int, default=0, help="other random choices")
    parser.add_argument("--json", metavar="FILE", help="cases and counts")
    parser.add_argument("--vm", action="store_true", help="those too that start a virtual machine")
    parser.add_argument("--build-dir", default=str(ROOT / "build/debug"), help=argparse.SUPPRESS)
    parser.add_argument("--release-dir", default=str(ROOT / "build/release"), help=argparse.SUPPRESS)
    parser.add_argument("--check-arguments", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.json and not Path(options.json).parent.is_dir():
        parser.error(f"--json: there is no folder {Path(options.json).parent}")
    for fault in options.faults:
        if fault not in FAULTS:
            parser.error(f"there is no fault '{fault}'; they are F1 to F20")
    if not 0 <= options.seed < 1 << 32:
        parser.error("a seed is a number from 0 to 4294967295")
    return options


def main(arguments):
    options = read_arguments(arguments)
    if options.check_arguments:
        return 0
    wanted = options.faults or FAULTS
    cases = ctest_cases(options.build_dir) + (vm_cases(options.release_dir) if options.vm else [])
    cases = sorted((case for case in cases if set(case.faults) & set(wanted)), key=sort_key)
    with tempfile.TemporaryDirectory(prefix="ward-faults-") as name:
        folder = Path(name)
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for case in pool.map(lambda pair: run(pair[1], options.seed, folder, pair[0]),
                                 enumerate(cases)):
                show(case)
    few = lacking(cases, wanted)
    for fault, count in few.items():
        print(f"FAIL  {fault}: {count} tries, and {ENOUGH} are wanted")
    begun, survived = sum(case.begun for case in cases), sum(case.survived for case in cases)
    if options.json:
        found = [{key: value for key, value in asdict(case).items() if key != "command"}
                 for case in cases]
        Path(options.json).write_text(json.dumps(
            {"seed": options.seed, "begun": begun, "survived": survived, "too_few": few,
             "cases": found}, indent=1) + "\n")
    print(f"survived {survived}/{begun}")
    return int(survived != begun or bool(few) or any(case.outcome == "FAIL" for case in cases))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
