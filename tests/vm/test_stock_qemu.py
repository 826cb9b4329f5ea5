"""The suites in a guest of a QEMU that knows nothing of us, on a device that `ward serve` serves.

Run: python3 tests/vm/test_stock_qemu.py --build-dir DIR      exit code 77: no such QEMU here
"""

import suite_case
from suite_case import attachments


class StockQemu(suite_case.SuiteCase):
    def test_content_protection(self) -> None:
        self.run_suite(attachments.StockQemu(self.build), "content protection")

    def test_integration(self) -> None:
        self.run_suite(attachments.StockQemu(self.build), "integration")

    def test_registers_and_commands(self) -> None:
        self.run_suite(attachments.StockQemu(self.build), "registers and commands")


if __name__ == "__main__":
    suite_case.main(needs_newer_qemu=True)
