"""The suites straight to `ward serve`, without a VM: memory files, messages, and TCP.

Run: python3 tests/vm/test_served.py --build-dir DIR
"""

import suite_case
from suite_case import attachments, cells


class Served(suite_case.SuiteCase):
    def run_suites(self, name: str) -> None:
        found = attachments.list_attachments(self.build)
        attachment = next(one for one in found if one.name == name)
        for suite, _ in cells.list_suites(self.build):
            with self.subTest(suite=suite):
                self.run_suite(attachment, suite)

    def test_memory_files_over_a_unix_socket(self) -> None:
        self.run_suites("vfio-user")

    def test_memory_by_messages_over_a_unix_socket(self) -> None:
        self.run_suites("messages")

    def test_memory_by_messages_over_tcp(self) -> None:
        self.run_suites("TCP")


if __name__ == "__main__":
    suite_case.main()
