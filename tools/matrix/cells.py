"""One cell of the matrix: a suite on an attachment, and what became of its cases."""

import time
from pathlib import Path
from typing import List, NamedTuple, Tuple

import suite
from vm.error import VmError

from . import attachments

SUITES = (("content protection", "tests/vm/ward_conformance"),
          ("integration", "tests/vm/ward_integration_suite"))
# Fewer than these and a suite that hardly ran would look green.
LEAST_PASSED = {"content protection": 400, "integration": 50}


class Cell(NamedTuple):
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    not_run: str = ""  # why, instead of numbers
    seconds: float = 0
    failures: tuple = ()  # (case, what became of it, places)

    def text(self) -> str:
        if self.not_run:
            return "not run"
        failed = f" {self.failed} FAILED" if self.failed else ""
        return f"{self.passed} passed{failed} {self.not_applicable} n/a"


def list_suites(build: Path) -> List[Tuple[str, Path]]:
    return [(name, build / path) for name, path in SUITES]


def run_cell(attachment: attachments.Attachment, program: Path) -> Cell:
    start = time.monotonic()
    try:
        report = attachment.run(program)
        outcomes = suite.read_report(report)
    except attachments.NotHere as reason:
        return Cell(not_run=str(reason))
    except (VmError, suite.ElementTree.ParseError) as error:
        return Cell(failed=1, failures=(("the run", "broke off", str(error)),),
                    seconds=time.monotonic() - start)
    failures = tuple((name, outcome, suite.explain(report, name))
                     for name, outcome in outcomes.items() if outcome not in ("passed", "skipped"))
    states = list(outcomes.values())
    return Cell(states.count("passed"), len(failures), states.count("skipped"), "",
                time.monotonic() - start, failures)
