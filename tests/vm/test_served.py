"""The suites straight to `ward serve`, without a VM: memory files, messages, and TCP.

Run: python3 tests/vm/test_served.py --build-dir DIR
"""

import argparse
import sys
import unittest
from pathlib import Path
from typing import Sequence

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells

BUILD = Path()
# A defect that is open: now and then a command that an engine reset should end with ENGINE_RESET ends with BUS_ERROR
# where DMA goes by messages. `./dev test matrix --only TCP` shows it.
OPEN_BY_MESSAGES = ("registers and commands",)


class Served(unittest.TestCase):
    def run_suites(self, name: str, leave_out: Sequence[str] = ()) -> None:
        attachment = next(a for a in attachments.list_attachments(BUILD) if a.name == name)
        for suite, program in cells.list_suites(BUILD):
            if suite in leave_out:
                continue
            with self.subTest(suite=suite):
                cell = cells.run_cell(attachment, program)
                print(f"{suite}, {name}: {cell.text()} ({cell.seconds:.0f} s)", flush=True)
                self.assertEqual(cell.not_run, "")
                self.assertEqual([failure[0] for failure in cell.failures], [],
                                 "\n".join(failure[2][:2000] for failure in cell.failures))
                self.assertGreater(cell.passed, cells.LEAST_PASSED[suite])

    def test_memory_files_over_a_unix_socket(self) -> None:
        self.run_suites("vfio-user")

    def test_memory_by_messages_over_a_unix_socket(self) -> None:
        # Its integration suite waits as long as that over TCP; the matrix has it.
        self.run_suites("messages", leave_out=("integration", *OPEN_BY_MESSAGES))

    def test_memory_by_messages_over_tcp(self) -> None:
        self.run_suites("TCP", leave_out=OPEN_BY_MESSAGES)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
