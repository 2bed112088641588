"""Python as a service needs it: many objects that live for seconds, and threads that compute side by side."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_NEW_OBJECTS: Final = 50_000
_SWITCH_S: Final = 0.0005


@contextmanager
def set_up_for_service() -> Iterator[None]:
    """Collect garbage rarely and change threads often, in the whole process (figures: docs/bench.md).

    Python looks for cycles whenever 700 containers were made and not freed. An archiver holds tens of
    thousands of entries, which are in no cycle; to look at them again and again took a sixth of its time.

    A thread that comes back from the network waits for the interpreter until the one that computes has had
    its turn of 5 ms. The thread that seals comes back some hundred times for each batch.
    """
    threshold, *others = gc.get_threshold()
    interval_s = sys.getswitchinterval()
    gc.set_threshold(_NEW_OBJECTS, *others)
    sys.setswitchinterval(_SWITCH_S)
    try:
        yield
    finally:
        gc.set_threshold(threshold, *others)
        sys.setswitchinterval(interval_s)
