"""What the tests have in common that run the suites over one attachment or another."""

import argparse
import sys
import unittest
from pathlib import Path
from typing import Optional

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
from matrix import attachments, cells  # noqa: E402
from vm import newer_qemu  # noqa: E402
from vm.error import VmError  # noqa: E402

NO_SUCH_QEMU = 77  # exit code: the test can't run on this machine


class SuiteCase(unittest.TestCase):
    build = Path()

    def run_suite(self, attachment: attachments.Attachment, name: str,
                  least: Optional[int] = None) -> None:
        """Every case passes, or is left out for a need that its tags name (cells.run_cell); more
        than `least` pass."""
        cell = cells.run_cell(attachment, dict(cells.list_suites(self.build))[name])
        print(f"{name}, {attachment.name}: {cell.text()} ({cell.seconds:.0f} s); n/a for want of "
              f"{cell.explain_unmet()}", flush=True)
        self.assertEqual(cell.not_run, "")
        self.assertEqual([failure[:2] for failure in cell.failures], [],
                         "\n".join(failure[2][:2000] for failure in cell.failures))
        self.assertGreater(cell.passed, cells.LEAST_PASSED[name] if least is None else least)


def main(needs_newer_qemu: bool = False) -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    SuiteCase.build = options.build_dir.resolve()
    if needs_newer_qemu:
        try:
            print(f"QEMU {newer_qemu.find().version}", flush=True)
        except VmError as error:
            print(str(error).splitlines()[0])
            sys.exit(NO_SUCH_QEMU)
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
