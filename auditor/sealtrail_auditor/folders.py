"""Which trail of the policy a folder holds. Its name decides nothing: a seal that opens under a key does."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.seals import claimed_origins, read_bounded
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_trail_prefix
from sealtrail_schemas.origin import split_origin
from sealtrail_schemas.seal import MAX_SEAL_BYTES, open_seal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.store import Store

LOOK_AT: Final = 64
"""How many seals are tried before a folder whose seals name another trail counts as that one's."""


class FolderOwner(NamedTuple):
    """A folder, the key to judge it by, and why that one.

    Attributes:
        folder: as the store lists it.
        verifier: the key to judge it by; None: the policy has none.
        claimed: the origins that its seals name.
        is_signed: whether one of its seals opens under that key.
    """

    folder: str
    verifier: Verifier | None
    claimed: frozenset[str]
    is_signed: bool


def find_owner(store: Store, folder: str, verifiers: Iterable[Verifier]) -> FolderOwner:
    """Find out by which key of the policy to judge a folder.

    Candidates are the policy's trails of the folder's topic and partition. The first one under whose key a
    seal opens is taken; where none opens, the one whose name the seals claim. Where they claim only other
    names, the folder is another trail's; where they claim nothing, the folder's name has to do.
    """
    candidates = [key for key in verifiers if _lies_in(key.name, folder)]
    claimed: set[str] = set()
    for data in islice(_seals(store, folder), LOOK_AT):
        claimed |= claimed_origins(data)
        for verifier in candidates:
            if _opens(data, verifier):
                return FolderOwner(folder, verifier, frozenset(claimed), is_signed=True)
    named = [key for key in candidates if key.name in claimed] if claimed else candidates
    return FolderOwner(folder, next(iter(named), None), frozenset(claimed), is_signed=False)


def _lies_in(origin: str, folder: str) -> bool:
    place = parse_trail_prefix(folder)
    try:
        parts = split_origin(origin)
    except FormatError:  # a log of the policy that is no trail of ours
        return False
    return (parts.topic, parts.partition) == (place.topic, place.partition)


def _seals(store: Store, folder: str) -> Iterator[bytes]:
    for name in list_names(store, folder + SEALS):
        for version in name.versions:
            yield read_bounded(store, name.key, version.version_id, MAX_SEAL_BYTES)


def _opens(data: bytes, verifier: Verifier) -> bool:
    try:
        open_seal(data, verifier)
    except FormatError:
        return False
    return True
