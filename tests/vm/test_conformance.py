"""The content-protection suite in a booted guest, on the device that QEMU gives it.

Run: python3 tests/vm/test_conformance.py --build-dir DIR
"""

import suite_case
from suite_case import attachments


class Conformance(suite_case.SuiteCase):
    def test_content_protection(self) -> None:
        self.run_suite(attachments.Plugin(self.build), "content protection")


if __name__ == "__main__":
    suite_case.main()
