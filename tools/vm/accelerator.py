"""TCG, or a KVM that was seen to work.

On some machines /dev/kvm is there, a VM can be created, and its processor never runs. So KVM is
believed only after a probe guest has come up under it; the answer is kept until the next boot.
"""

import json
import os
from pathlib import Path
from typing import Callable

from .error import VmError
from .kernel import cache_folder

PROBE_SECONDS = 5


def choose(probe: Callable[[], None]) -> str:
    """"tcg" or "kvm", by WARD_ACCEL (tcg, kvm, auto; tcg when unset).

    `probe` boots a guest under KVM within PROBE_SECONDS or raises VmError.
    """
    wish = os.environ.get("WARD_ACCEL", "tcg")
    if wish not in ("tcg", "kvm", "auto"):
        raise VmError(f"WARD_ACCEL={wish} is unknown\n  mend: WARD_ACCEL=tcg, kvm or auto")
    if wish == "tcg":
        return "tcg"
    problem = _find_problem(probe)
    if not problem:
        return "kvm"
    if wish == "kvm":
        raise VmError(f"KVM is not usable here: {problem}\n  mend: WARD_ACCEL=tcg")
    return "tcg"


def _find_problem(probe: Callable[[], None]) -> str:
    """Why KVM can't be used; empty when it works."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "/dev/kvm is missing or not accessible (group kvm)"
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record = cache_folder() / "kvm-probe.json"
    try:
        known = json.loads(record.read_text())
    except (OSError, ValueError):
        known = {}
    if known.get("boot") == boot:
        return known.get("problem", "")
    try:
        probe()
        problem = ""
    except VmError as error:
        first_line = str(error).splitlines()[0]
        problem = f"a probe guest did not come up under it ({first_line})"
    scratch = record.with_suffix(f".{os.getpid()}")
    scratch.write_text(json.dumps({"boot": boot, "problem": problem}))
    scratch.replace(record)
    return problem
