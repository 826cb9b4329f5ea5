"""A guest that boots once and is restored instead of booting again: some 0.1 s for a test case.

Its memory stays in a file that every restored machine maps for itself alone; the state of the
devices is in another one. Both last as long as the snapshot.
"""

from typing import Any, Callable, Optional

from .machine import Machine, Memory
from .scratch import ScratchFolder


class Snapshot:
    """Boots a Machine of these options and keeps it as it stands when `prepare` has returned.

    prepare: brings the guest to where every restored one is to begin. Its program has to wait for a
        line of the channel then, with nothing under way in either direction.
    """

    def __init__(self, prepare: Callable[[Machine], None], timeout_s: float = 60,
                 **options: Any) -> None:
        self._options = options
        self._scratch: Optional[ScratchFolder] = ScratchFolder("ward-snapshot-")
        self._memory = self._scratch.path / "memory"
        self._state = self._scratch.path / "state"
        try:
            with Machine(memory=Memory(self._memory, shared=True), **options) as guest:
                guest.wait_ready(timeout_s)
                prepare(guest)
                guest.save(self._state)
        except BaseException:
            self.close()
            raise

    def restore(self) -> Machine:
        """The guest once more, to be used by `with`. No restored one sees what another did."""
        return Machine(memory=Memory(self._memory, shared=False), state=self._state,
                       **self._options)

    def close(self) -> None:
        """Idempotent. Restored machines have to have ended."""
        self._scratch.remove()
