"""What a reader of figures has to know of the machine that gave them."""

import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any, Dict, List, Tuple


def processor_flags() -> List[str]:
    """What the processor can do, as Linux names it; empty where that is not said."""
    return _read_processor().get("flags", "").split()


def describe(build: Path) -> Dict[str, Any]:
    processor = _read_processor()
    family, model = processor.get("cpu family", "?"), processor.get("model", "?")
    return {
        "processors": os.cpu_count(),
        "processor": f"{processor.get('model name', 'unknown')}, family {family}, model {model}",
        "widest": _name_widest(processor.get("flags", "").split()),
        "system": _name_system(),
        "compiler": _name_compiler(build),
        "libcrypto": " ".join(_ask("openssl", "version").split()[:2]) or "no openssl",
        "when": time.strftime("%Y-%m-%d", time.gmtime()),
    }


def _read_processor() -> Dict[str, str]:
    """The first one's lines of /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace").split("\n\n")[0]
    except OSError:
        return {}
    lines: List[Tuple[str, str]] = []
    for line in text.splitlines():
        name, _, value = line.partition(":")
        lines.append((name.strip(), value.strip()))
    return dict(lines)


def _name_widest(flags: List[str]) -> str:
    names = [name for flag, name in (("vaes", "VAES"), ("avx512f", "AVX-512")) if flag in flags]
    return " and ".join(names) or ("AES-NI" if "aes" in flags else "no AES instructions")


def _name_system() -> str:
    try:
        match = re.search(r'^PRETTY_NAME="?([^"\n]*)', Path("/etc/os-release").read_text(), re.MULTILINE)
    except OSError:
        match = None
    return match[1] if match else "unknown system"


def _name_compiler(build: Path) -> str:
    try:
        cache = (build / "CMakeCache.txt").read_text()
    except OSError:
        return "unknown compiler"
    match = re.search(r"^CMAKE_CXX_COMPILER:[A-Z]+=(.*)$", cache, re.MULTILINE)
    said = _ask(match[1], "--version").splitlines() if match else []
    found = re.search(r"(clang|g\+\+|gcc).*?(\d+\.\d+\.\d+)", said[0]) if said else None
    return f"{found[1]} {found[2]}" if found else "unknown compiler"


def _ask(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False).stdout
    except OSError:
        return ""
