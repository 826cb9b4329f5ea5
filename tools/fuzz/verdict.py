"""What ended a fuzz target, read from what it said on standard error."""
import re
from typing import Iterable, Optional

# The first that is found tells most: a sanitizer reports the abort of an oracle as well.
MARKS = (
    re.compile(r"oracle [\w.-]+: .*"),
    re.compile(r"\S+: internal error: .* does not hold"),
    re.compile(r"(?:\S+: )?runtime error: .*"),
    re.compile(r"ERROR: (?:Address|Leak|Memory|Thread|UndefinedBehavior)Sanitizer:? .*"),
    re.compile(r"ERROR: libFuzzer: .*"),
)


def read_verdict(lines: Iterable[str]) -> Optional[str]:
    """The line that says which oracle, assertion or sanitizer fell; None where none speaks."""
    lines = list(lines)
    for mark in MARKS:
        for line in lines:
            found = mark.search(line)
            if found:
                return found.group(0).rstrip()
    return None
