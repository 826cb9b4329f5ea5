"""The other suites in a booted guest, on the device that QEMU gives it.

Run: python3 tests/vm/test_guest_suites.py --build-dir DIR
"""

import argparse
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells

BUILD = Path()


class GuestSuites(unittest.TestCase):
    def run_suite(self, name: str) -> None:
        """Every case passes, or is left out for a need that its tags name (cells.run_cell)."""
        cell = cells.run_cell(attachments.Plugin(BUILD), dict(cells.list_suites(BUILD))[name])
        print(f"{name}: {cell.text()} ({cell.seconds:.0f} s); n/a for want of "
              f"{cell.explain_unmet()}", flush=True)
        self.assertEqual(cell.not_run, "")
        self.assertEqual([failure[:2] for failure in cell.failures], [],
                         "\n".join(failure[2][:2000] for failure in cell.failures))
        self.assertGreater(cell.passed, cells.LEAST_PASSED[name])

    def test_integration(self) -> None:
        self.run_suite("integration")

    def test_registers_and_commands(self) -> None:
        self.run_suite("registers and commands")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
