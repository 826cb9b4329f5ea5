"""Files that are there as a whole or not at all, and what is wrong where one can't be written."""
import errno
import hashlib
import os
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import List, Optional, Set, Union

from toolfailed import ToolFailed, Unwritable

FULL = (errno.ENOSPC, errno.EDQUOT)
CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
IN_THE_WAY = (errno.ENOTDIR, errno.EEXIST)
SMALL_BYTES = 1 << 16  # what is left of a disk that is as good as full
SHA1 = re.compile(r"(?:[a-z-]+-)?([0-9a-f]{40})")
KEPT = 5  # earlier logs of a target
PAUSE_S = 0.2  # that another run has to end a file that it has begun


def explain(error: OSError) -> str:
    """One line: what is wrong, where, and what mends it."""
    name = error.filename2 or error.filename
    said = error.strerror or str(error)
    if not isinstance(name, (str, bytes, os.PathLike)):
        return f"{'standard output, or a file for the while' if name is None else name}: {said}"
    path = Path(os.fsdecode(name))
    there = next(folder for folder in (path, *path.absolute().parents) if os.path.lexists(folder))
    folder = there if there.is_dir() else there.parent
    if error.errno in FULL:
        return f"{path}: {said}; make room (df -h {folder}), then run it again"
    if error.errno in CLOSED:
        return f"{path}: {said}; who may write there: ls -ld {folder}"
    if error.errno in IN_THE_WAY and not there.is_dir():
        return f"{there} is a file, and a folder is wanted; move it away: mv {there} {there}.old"
    if error.errno == errno.EISDIR or (error.errno in IN_THE_WAY and there == path):
        return f"{path} is a folder, and a file is wanted; name another one"
    return f"{path}: {said}"


def end_with(error: OSError) -> int:
    """Says what is wrong; the exit code."""
    print(f"error: {explain(error)}", file=sys.stderr)
    try:
        sys.stdout.flush()
    except OSError:
        # Else the interpreter tries once more, and complains in its own way.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return Unwritable.exit_code


def failed(text: str, *folders: Path) -> ToolFailed:
    """Of a program that does not say it: whether one of the folders that it writes to is full."""
    for folder in folders:
        if is_full(folder):
            return Unwritable(f"{text}; there is no space left: make room (df -h {folder}), then run it again")
    return ToolFailed(text)


def is_full(folder: Path) -> bool:
    left = os.statvfs(folder)
    return left.f_blocks > 0 and left.f_bavail * left.f_frsize < SMALL_BYTES


def write_whole(path: Path, content: Union[str, bytes]) -> None:
    """Replaces `path`, or leaves what was there. What is no regular file (a pipe, /dev/stdout) is written to."""
    data = content.encode() if isinstance(content, str) else content
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
        else:
            write_beside(path.resolve(), data)  # a link stays one
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(path)) from None


def write_beside(path: Path, data: bytes) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".ward-")
    try:
        with open(handle, "wb") as file:
            file.write(data)
        os.chmod(name, 0o666 & ~read_umask())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def copy_whole(source: Path, target: Path) -> None:
    write_whole(target, source.read_bytes())


def digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()


def is_cut_short(path: Path) -> bool:
    """Of a file that libFuzzer named by its SHA-1: it does not look whether it could write all of it."""
    named = SHA1.fullmatch(path.name)
    return named is not None and path.is_file() and digest(path) != named[1]


def drop_cut_short(folder: Path, before: Set[str]) -> List[str]:
    """Removes what is new since `before` (names) and not whole; its names."""
    found = [path for path in folder.iterdir() if path.name not in before and is_cut_short(path)]
    if found:
        time.sleep(PAUSE_S)
    names = []
    for path in found:
        if is_cut_short(path):
            path.unlink(missing_ok=True)
            names.append(path.name)
    return names


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def own_name(folder: Path, name: str, kept: int = KEPT, pid: Optional[int] = None) -> Path:
    """`folder`/`name`_PID: nobody else writes there. Of earlier ones, files or folders that begin so, those of the `kept`
    last processes stay, and those of any that lives still."""
    folder.mkdir(parents=True, exist_ok=True)
    pid = pid or os.getpid()
    mine = re.compile(re.escape(name) + r"_(\d+)(?:_\d+)?(?:\.log)?")
    others = {}
    for path in folder.iterdir():
        found = mine.fullmatch(path.name)
        if found:
            others.setdefault(int(found[1]), []).append(path)
    old = sorted((other for other in others if other != pid and not is_alive(other)),
                 key=lambda other: max(modified(path) for path in others[other]), reverse=True)
    for other in [*old[kept:], pid]:  # a number comes again
        for path in others.get(other, []):
            remove(path)
    return folder / f"{name}_{pid}"


def modified(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # another run was quicker
        return 0.0


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
