"""Suites in a guest of a QEMU that shares no memory: all DMA of the served chip goes by messages.

Of content protection the cases about sessions, a third of them; of integration those on a device as it
is, because each interrupt that an injected fault loses has the driver wait for ten seconds. All are a
column of the matrix.

Run: python3 tests/vm/test_stock_qemu_messages.py --build-dir DIR   exit code 77: no such QEMU here
"""

import re
from typing import Optional, Sequence

import suite_case
from suite_case import attachments

SESSIONS = ("*session*",)  # of the name
LEAST_SESSIONS_PASSED = 120
AS_IT_IS = ("~[needs-injection]",)
LEAST_INTEGRATION_PASSED = 60


class StockQemuMessages(suite_case.SuiteCase):
    def run_by_messages(self, name: str, cases: Sequence[str] = (),
                        least: Optional[int] = None) -> None:
        attachment = attachments.StockQemu(self.build, shares_memory=False, cases=cases)
        self.run_suite(attachment, name, least)
        print(attachment.last_words, flush=True)
        # Were its memory shared after all, this would be another test.
        told = re.search(r"(\d+) DMA messages", attachment.last_words)
        self.assertGreater(int(told.group(1)) if told else 0, 1000, attachment.last_words)

    def test_sessions(self) -> None:
        self.run_by_messages("content protection", SESSIONS, LEAST_SESSIONS_PASSED)

    def test_integration(self) -> None:
        self.run_by_messages("integration", AS_IT_IS, LEAST_INTEGRATION_PASSED)


if __name__ == "__main__":
    suite_case.main(needs_newer_qemu=True)
