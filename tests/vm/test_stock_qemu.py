"""The suites in a guest of a QEMU that knows nothing of us, on a device that `ward serve` serves.

Run: python3 tests/vm/test_stock_qemu.py --build-dir DIR      exit code 77: no such QEMU here
"""

import argparse
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells
from vm import newer_qemu
from vm.error import VmError

BUILD = Path()


class StockQemu(unittest.TestCase):
    def run_suite(self, name: str) -> None:
        program = dict(cells.list_suites(BUILD))[name]
        cell = cells.run_cell(attachments.StockQemu(BUILD), program)
        print(f"{name}: {cell.text()} ({cell.seconds:.0f} s)", flush=True)
        self.assertEqual(cell.not_run, "")
        self.assertEqual([failure[0] for failure in cell.failures], [],
                         "\n".join(failure[2][:2000] for failure in cell.failures))
        self.assertGreater(cell.passed, cells.LEAST_PASSED[name])

    def test_content_protection(self) -> None:
        self.run_suite("content protection")

    def test_integration(self) -> None:
        self.run_suite("integration")

    def test_registers_and_commands(self) -> None:
        self.run_suite("registers and commands")


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
