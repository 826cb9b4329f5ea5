"""Folders that don't outlive the process that made them, not even when it is killed."""

import fcntl
import os
import shutil
import tempfile
from pathlib import Path


class ScratchFolder:
    """A private folder in the temporary directory, `path`, until `remove` or the end of `with`.

    Its owner holds a lock on it, so whoever makes the next one of the same prefix knows the folders
    that a killed process left behind, and removes them. A prefix belongs to this class alone.
    """

    def __init__(self, prefix: str) -> None:
        sweep(prefix)
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=prefix))
            try:
                self._lock = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if _is_same(self._lock, self.path):
                    return
                os.close(self._lock)
            except FileNotFoundError:
                pass  # a sweep was quicker than our lock

    def remove(self) -> None:
        """Idempotent."""
        if self._lock < 0:
            return
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._lock)
        self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_) -> None:
        self.remove()


def sweep(prefix: str) -> None:
    """Removes our own user's folders of this prefix that nobody holds any more."""
    for path in Path(tempfile.gettempdir()).glob(f"{prefix}*"):
        try:
            folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except OSError:
            continue  # no folder, not ours, or gone
        try:
            if os.fstat(folder).st_uid == os.geteuid():
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except BlockingIOError:
            pass  # its owner lives
        finally:
            os.close(folder)


def _is_same(folder: int, path: Path) -> bool:
    return os.path.samestat(os.fstat(folder), os.stat(path))
