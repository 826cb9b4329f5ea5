"""The other suites in a booted guest, on the device that QEMU gives it.

Run: python3 tests/vm/test_guest_suites.py --build-dir DIR
"""

import suite_case
from suite_case import attachments


class GuestSuites(suite_case.SuiteCase):
    def test_integration(self) -> None:
        self.run_suite(attachments.Plugin(self.build), "integration")

    def test_registers_and_commands(self) -> None:
        self.run_suite(attachments.Plugin(self.build), "registers and commands")


if __name__ == "__main__":
    suite_case.main()
