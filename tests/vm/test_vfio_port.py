"""The VFIO port (kmd/ports/vfio) in a booted guest, on devices that are not ours.

Run: python3 tests/vm/test_vfio_port.py --build-dir DIR
"""

import argparse
import sys
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from vm.machine import Machine

BUILD = Path()


class VfioPort(unittest.TestCase):
    def run_probe(self, program: str, devices: list, pci_id: str, arguments=(),
                  on_waiting=None) -> None:
        """Every line of the guest program is "ok ..." and it exits with 0.

        on_waiting: called with the machine at the program's line "waiting".
        """
        start = time.monotonic()
        with Machine(command=["/probe", *arguments],
                     files={"/probe": BUILD / "tests/vm" / program},
                     devices=devices, pci_id=pci_id) as guest:
            guest.wait_ready()
            booted = time.monotonic() - start
            if on_waiting:
                guest.channel.wait_line("^waiting$", 60)
                on_waiting(guest)
            code = guest.wait_exit(120)
            guest.wait_power_off()
            lines = [line for line in guest.channel.transcript
                     if line.startswith(("ok ", "not ok "))]
        print("\n".join(f"{program}: {line}" for line in lines))
        print(f"{program}: guest ready after {booted:.2f} s, "
              f"{time.monotonic() - start:.2f} s in all ({guest.accel})", flush=True)
        self.assertEqual([line for line in lines if not line.startswith("ok ")], [])
        self.assertEqual(code, 0)
        self.assertGreaterEqual(len(lines), 3)

    def test_edu_registers_dma_and_msi(self) -> None:
        # Its DMA mask has 28 bits unless told otherwise.
        self.run_probe("ward_edu_probe", ["edu,dma_mask=0xffffffffff"], "1234:11e8")

    def test_nvme_msix_dma_and_reset(self) -> None:
        self.run_probe("ward_nvme_probe", ["nvme,serial=ward-probe"], "1b36:0010")

    def test_unplugged_nvme_ends_the_wait(self) -> None:
        # Only a slot behind a root port can be emptied.
        devices = ["pcie-root-port,id=port1", "nvme,id=gone,bus=port1,serial=ward-probe"]
        self.run_probe("ward_nvme_probe", devices, "1b36:0010", ["await-removal"],
                       lambda guest: guest.monitor.execute("device_del", id="gone"))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build-dir", type=Path, required=True)
    options, rest = parser.parse_known_args()
    BUILD = options.build_dir.resolve()
    unittest.main(argv=[sys.argv[0]] + rest, verbosity=2)
