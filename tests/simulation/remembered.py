"""What makes a history cheap and changes nothing in it.

Seals are opened again and again: what a pure function has said once is remembered. And the newest seal is
searched for among as many sizes as a history can have, not among 2^63.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

from sealtrail_auditor import folders, seals
from sealtrail_schemas import seal
from sealtrail_transport import seal_shelf

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_ENTRIES = 2**10
_USERS = (seal, seal_shelf, seals, folders)


@contextmanager
def remembered_seals() -> Iterator[None]:
    """Within, the same bytes under the same key are opened once, and sizes end at `MOST_ENTRIES`."""
    most = seal_shelf._MAX_SIZE
    open_seal = seal.open_seal
    remembered = lru_cache(maxsize=1024)(open_seal)
    for module in _USERS:
        module.open_seal = remembered
    seal_shelf._MAX_SIZE = MOST_ENTRIES
    try:
        yield
    finally:
        for module in _USERS:
            module.open_seal = open_seal
        seal_shelf._MAX_SIZE = most
