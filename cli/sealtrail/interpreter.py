"""Python as a service needs it: many objects that live for seconds, and threads that compute side by side."""

from __future__ import annotations

import ctypes
import gc
import platform
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_OBJECTS: Final = 50_000
_SWITCH_S: Final = 0.0005
_M_MMAP_THRESHOLD: Final = -3  # of malloc.h
_LARGE_BYTES: Final = 128 * 1024  # glibc's own first value


@contextmanager
def set_up_for_service() -> Iterator[None]:
    """Collect garbage rarely, change threads often and give large blocks back, in the whole process.

    Python looks for cycles whenever 700 containers were made and not freed. An archiver holds tens of
    thousands of entries, which are in no cycle; to look at them again and again took a sixth of its time.

    A thread that comes back from the network waits for the interpreter until the one that computes has had
    its turn of 5 ms. The thread that seals comes back some hundred times for each batch. (Figures:
    docs/bench.md.)

    The last of them stays so when the context ends.
    """
    give_back_large_blocks()
    threshold, *others = gc.get_threshold()
    interval_s = sys.getswitchinterval()
    gc.set_threshold(_NEW_OBJECTS, *others)
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        gc.set_threshold(threshold, *others)
        sys.setswitchinterval(interval_s)


def give_back_large_blocks() -> None:
    """Keep glibc from holding on to blocks of 128 KiB and more that were freed.

    Such blocks are mapped each on its own, and unmapped when they are freed. But with each that is freed,
    glibc raises the size from which it does so, up to 32 MiB (mallopt(3), M_MMAP_THRESHOLD): after some
    batches, the next ones come from heaps, which seldom shrink. With another C library, nothing is done.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
