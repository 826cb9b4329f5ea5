"""One cell of the matrix: a suite on an attachment, and what became of its cases."""

import collections
import time
from pathlib import Path
from typing import Dict, FrozenSet, List, NamedTuple, Optional, Tuple

import suite
from vm.error import VmError

from . import attachments

SUITES = (("content protection", "tests/vm/ward_conformance"),
          ("integration", "tests/vm/ward_integration_suite"),
          ("registers and commands", "tests/vm/ward_contract"))
# Fewer than these and a suite that hardly ran would look green.
LEAST_PASSED = {"content protection": 450, "integration": 60, "registers and commands": 20}
NEEDS = "needs-"


class Cell(NamedTuple):
    passed: int = 0
    failed: int = 0
    not_applicable: int = 0
    not_run: str = ""  # why, instead of numbers
    seconds: float = 0
    failures: tuple = ()  # (case, what became of it, places)
    unmet: tuple = ()  # (need, cases that are not applicable for it); one may lack several

    def text(self) -> str:
        if self.not_run:
            return "not run"
        failed = f" {self.failed} FAILED" if self.failed else ""
        return f"{self.passed} passed{failed} {self.not_applicable} n/a"

    def explain_unmet(self) -> str:
        return ", ".join(f"{need} {count}" for need, count in self.unmet)


def list_suites(build: Path) -> List[Tuple[str, Path]]:
    return [(name, build / path) for name, path in SUITES]


def run_cell(attachment: attachments.Attachment, program: Path) -> Cell:
    start = time.monotonic()
    try:
        needs = {name: frozenset(tag[len(NEEDS):] for tag in tags if tag.startswith(NEEDS))
                 for name, tags in suite.list_tags(program).items()}
        outcomes, places = _run_all(attachment, program, needs)
    except attachments.NotHere as reason:
        return Cell(not_run=str(reason))
    except (VmError, suite.ElementTree.ParseError) as error:
        return Cell(failed=1, failures=(("the run", "broke off", str(error)),),
                    seconds=time.monotonic() - start)
    failures = [(name, outcome, places[name]) for name, outcome in outcomes.items()
                if outcome not in ("passed", "skipped")]
    failures += _find_wrong_tags(attachment, needs, outcomes)
    states = list(outcomes.values())
    skipped = [name for name, outcome in outcomes.items() if outcome == "skipped"]
    return Cell(states.count("passed"), len(failures), len(skipped), "", time.monotonic() - start,
                tuple(failures), _count_unmet(attachment, needs, skipped))


def _run_all(attachment: attachments.Attachment, program: Path,
             needs: Dict[str, FrozenSet[str]]) -> Tuple[Dict[str, str], Dict[str, str]]:
    """Outcomes and places of failures by case. What needs a set-up runs again, where there is it."""
    outcomes: Dict[str, str] = {}
    places: Dict[str, str] = {}
    wanted = set() if attachment.cases else set().union(*needs.values())
    for set_up in ("", *(need for need in attachment.set_ups if need in wanted)):
        report = attachment.run(program, set_up)
        for name, outcome in suite.read_report(report).items():
            outcomes[name] = outcome
            if outcome not in ("passed", "skipped"):
                places[name] = suite.explain(report, name)
    return outcomes, places


def _list_met(attachment: attachments.Attachment) -> Optional[FrozenSet[str]]:
    """One of the set-ups at a time. None: all of them."""
    if attachment.offers is None:
        return None
    return attachment.offers | (frozenset() if attachment.cases else frozenset(attachment.set_ups))


def _find_wrong_tags(attachment: attachments.Attachment, needs: Dict[str, FrozenSet[str]],
                     outcomes: Dict[str, str]) -> List[Tuple[str, str, str]]:
    """A case is left out for a need that is not met, and for nothing else; none is lost."""
    met = _list_met(attachment)
    missing = () if attachment.cases else needs.keys() - outcomes.keys()
    wrong = [(name, "did not run", "") for name in sorted(missing)]
    for name, outcome in outcomes.items():
        lacks = needs.get(name, frozenset()) - met if met is not None else frozenset()
        if (outcome == "skipped") != bool(lacks):
            wrong.append((name, "left out or run against its tags", f"  lacks: {sorted(lacks)}"))
    return wrong


def _count_unmet(attachment: attachments.Attachment, needs: Dict[str, FrozenSet[str]],
                 skipped: List[str]) -> tuple:
    met = _list_met(attachment) or frozenset()
    counts = collections.Counter(need for name in skipped for need in needs[name] - met)
    return tuple(sorted(counts.items()))
