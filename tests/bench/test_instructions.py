"""Hot commands take no more instructions of our own code than is kept: no clock, the same everywhere.

Run: python3 tests/bench/test_instructions.py --build-dir DIR
"""

import argparse
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
from bench import instructions

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    sys.exit(instructions.check(parser.parse_args().build_dir.resolve()))
