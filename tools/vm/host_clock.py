"""How fast this processor's time-stamp counter runs. A guest under TCG reads the same counter."""

import ctypes
import functools
import mmap
import platform
import time
from typing import Callable, Optional, Tuple

# rdtsc; shl rdx, 32; or rax, rdx; ret
READ_COUNTER = bytes.fromhex("0f31 48c1e220 4809d0 c3")
SECONDS = 0.005  # with readings 1 us apart from their time that is right to 0.05 %


@functools.lru_cache(maxsize=None)
def counter_khz() -> int:
    """0 where it can't be told: another processor, or a system that forbids it."""
    if platform.machine() != "x86_64":
        return 0
    try:
        code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:
        return 0
    code.write(READ_COUNTER)
    place = ctypes.c_char.from_buffer(code)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(place))
    first_time, first_count = _sample(read)
    time.sleep(SECONDS)
    last_time, last_count = _sample(read)
    return round((last_count - first_count) * 1e6 / (last_time - first_time))


def _sample(read: Callable[[], int]) -> Tuple[int, int]:
    """The time in nanoseconds and the counter, from the attempt of ten that took the shortest."""
    best: Optional[Tuple[int, int, int]] = None
    for _ in range(10):
        before = time.monotonic_ns()
        count = read()
        after = time.monotonic_ns()
        if best is None or after - before < best[0]:
            best = (after - before, (before + after) // 2, count)
    return best[1], best[2]
