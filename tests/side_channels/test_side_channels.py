"""No branch, no address and no answer of the chip depends on a secret: memcheck watches, with secrets as undefined bytes.

Run: python3 tests/side_channels/test_side_channels.py --build-dir build/release
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path


def fail(text: str) -> int:
    print(f"side channels: {text}")
    return 1


def main(build_dir: Path) -> int:
    program = build_dir / "tests/side_channels/ward_side_channels"
    valgrind = shutil.which("valgrind")
    # Not left out: without it nobody knows.
    if valgrind is None:
        return fail("valgrind is missing; mend it with: ./dev setup")
    if not program.exists():
        return fail(f"{program} is missing; mend it with: ./dev setup && ./dev build release")
    # The program counts the reports itself. No suppression but valgrind's own for the C library.
    return subprocess.run([valgrind, "--tool=memcheck", "-q", "--undef-value-errors=yes", "--leak-check=no",
                           "--error-limit=no", str(program)], check=False).returncode


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build-dir", type=Path, required=True)
    sys.exit(main(parser.parse_args().build_dir.resolve()))
