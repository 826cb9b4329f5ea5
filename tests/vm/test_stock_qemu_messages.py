"""Suites in a guest of a QEMU that shares no memory: all DMA of the served chip goes by messages.

Of content protection the cases about sessions, a third of them; all suites are a column of the matrix, which takes ten
minutes.

Run: python3 tests/vm/test_stock_qemu_messages.py --build-dir DIR   exit code 77: no such QEMU here
"""

import argparse
import re
import sys
import unittest
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells
from vm import newer_qemu
from vm.error import VmError

BUILD = Path()
SESSIONS = ("*session*",)  # of the name
LEAST_SESSIONS_PASSED = 120


class StockQemuMessages(unittest.TestCase):
    def run_suite(self, name: str, least: int, cases: Sequence[str] = ()) -> None:
        program = dict(cells.list_suites(BUILD))[name]
        attachment = attachments.StockQemu(BUILD, shares_memory=False, cases=cases)
        cell = cells.run_cell(attachment, program)
        print(f"{name}: {cell.text()} ({cell.seconds:.0f} s); {attachment.last_words}", flush=True)
        self.assertEqual(cell.not_run, "")
        self.assertEqual([failure[0] for failure in cell.failures], [],
                         "\n".join(failure[2][:2000] for failure in cell.failures))
        self.assertGreater(cell.passed, least)
        # Were its memory shared after all, this would be another test.
        told = re.search(r"(\d+) DMA messages", attachment.last_words)
        self.assertGreater(int(told.group(1)) if told else 0, 1000, attachment.last_words)

    def test_sessions(self) -> None:
        self.run_suite("content protection", LEAST_SESSIONS_PASSED, SESSIONS)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    try:
        print(f"QEMU {newer_qemu.find().version}", flush=True)
    except VmError as error:
        print(str(error).splitlines()[0])
        sys.exit(77)
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
