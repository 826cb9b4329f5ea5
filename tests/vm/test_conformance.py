"""The content-protection suite in a booted guest, on the device that QEMU gives it.

Run: python3 tests/vm/test_conformance.py --build-dir DIR
"""

import argparse
import sys
import tempfile
import time
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tools"), str(ROOT / "tools/conformance")]
import suite
from demo import playback
from matrix import attachments, cells
from vm.machine import Machine

BUILD = Path()
LIMIT_S = 400
# What needs the host's hand inside the machine, which nobody has in a guest.
HOST = "host"


class Conformance(unittest.TestCase):
    def test_every_case_passes_in_a_guest_or_needs_the_host(self) -> None:
        program = BUILD / "tests/vm/ward_conformance"
        cases = suite.list_cases(program)
        with tempfile.TemporaryDirectory() as folder:
            report = self.run_guest(program, Path(folder))
        outcomes = suite.read_report(report)
        states = list(outcomes.values())
        skipped = [name for name, outcome in outcomes.items() if outcome == "skipped"]
        bad = {name: outcome for name, outcome in outcomes.items()
               if outcome not in ("passed", "skipped")}
        print(f"{states.count('passed')} passed, {len(bad)} failed, {len(skipped)} not applicable")
        for name in skipped:
            print(f"not applicable: {name}: needs a machine set up from the host's side")
        for name, outcome in bad.items():
            print(f"{outcome}: {name}\n{suite.explain(report, name)}")
        self.assertEqual(list(bad), [])
        self.assertEqual(set(outcomes), {case.name for case in cases})
        self.assertEqual(set(skipped), {case.name for case in cases if HOST in case.tags})
        self.assertGreater(states.count("passed"), 150)

    def test_integration_suite(self) -> None:
        cell = cells.run_cell(attachments.Plugin(BUILD),
                              dict(cells.list_suites(BUILD))["integration"])
        print(f"integration: {cell.text()} ({cell.seconds:.0f} s)", flush=True)
        self.assertEqual(cell.not_run, "")
        self.assertEqual([failure[0] for failure in cell.failures], [],
                         "\n".join(failure[2][:2000] for failure in cell.failures))
        self.assertGreater(cell.passed, cells.LEAST_PASSED["integration"])

    def run_guest(self, program: Path, folder: Path) -> str:
        """The program's report of all cases."""
        root = playback.create_identity(BUILD / "emulator/cli/ward", folder / "identity")
        start = time.monotonic()
        command = ["sh", "-c", "mkdir -p /tmp && exec /ward_conformance --reporter xml "
                   "--function $WARD_PCI_ADDRESS --root /root.pem"]
        with Machine(command=command, files={"/ward_conformance": program, "/root.pem": root},
                     devices=[f"ward-gpu,identity={folder / 'identity'}"], pci_id=playback.PCI_ID,
                     qemu_arguments=["-plugin", str(ROOT / "build/qemu/ward-qemu.so")]) as guest:
            guest.wait_ready()
            booted = time.monotonic()
            guest.wait_exit(LIMIT_S)
            guest.wait_power_off()
            lines = guest.channel.transcript
        print(f"guest ready after {booted - start:.1f} s, the suite took "
              f"{time.monotonic() - booted:.1f} s ({guest.accel})", flush=True)
        first = next(i for i, line in enumerate(lines) if line.startswith("<?xml"))
        last = max(i for i, line in enumerate(lines) if line.startswith("</Catch2TestRun>"))
        return "\n".join(lines[first:last + 1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
