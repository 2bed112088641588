"""Which trail of the policy a folder holds. Its name decides nothing: a seal that opens under a key does."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.archive import list_folders, list_names
from sealtrail_auditor.folder_keys import FolderKeys, follow_keys
from sealtrail_auditor.predecessors import SignedFolder, key_led_to
from sealtrail_auditor.seals import claimed_origins, opens_under, read_bounded
from sealtrail_auditor.stated_changes import change_after, change_before
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_trail_prefix
from sealtrail_schemas.origin import split_origin
from sealtrail_schemas.seal import MAX_SEAL_BYTES
from sealtrail_transport.key_shelf import key_changes

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.key_shelf import PlacedChange
    from sealtrail_transport.store import Store

LOOK_AT: Final = 64
"""How many seals are tried before a folder whose seals name another trail counts as that one's."""


class FolderOwner(NamedTuple):
    """A folder, the keys to judge it by, and why those.

    Attributes:
        folder: as the store lists it.
        keys: the keys to which a key of the policy leads; None: the policy has none of the trail.
        claimed: the origins that its seals name.
        is_signed: whether one of its seals opens under one of these keys.
        vouched_by: the folder of the trail before or behind it that led to its key; None: the policy did.
    """

    folder: str
    keys: FolderKeys | None
    claimed: frozenset[str]
    is_signed: bool
    vouched_by: str | None = None


def find_owners(store: Store, verifiers: Collection[Verifier]) -> list[FolderOwner]:
    """Find out by which keys to judge each folder of an archive, in order.

    A trail that stopped and the one that goes on from it may have other keys: where the policy's key has not
    signed one of the two, the other one's first entry vouches for it.

    Raises:
        ListingOrderError: the store does not list names in order.
    """
    owners = [find_owner(store, folder, verifiers) for folder in list_folders(store)]
    while (led := _led_to(store, owners)) is not None:
        owners[led[0]] = led[1]
    return owners


def find_owner(store: Store, folder: str, verifiers: Iterable[Verifier]) -> FolderOwner:
    """Find out by which keys to judge a folder.

    Candidates are the policy's trails of the folder's topic and partition. The first one is taken under whose
    key, or one to which that leads, a seal opens; where none opens, the one whose name the seals claim. Where
    they claim only other names, the folder is another trail's; where they claim nothing, the folder's name
    has to do.
    """
    placed = list(key_changes(store, folder))
    candidates = [follow_keys(key, placed) for key in verifiers if _lies_in(key.name, folder)]
    claimed: set[str] = set()
    for data in islice(_seals(store, folder), LOOK_AT):
        before, claimed = claimed, claimed | claimed_origins(data)
        for candidate in candidates:
            if any(opens_under(data, key) for key in candidate.keys.keys):
                # Where there are seals under its name before, another key has signed them.
                has_others = candidate.keys.origin in before
                keys = _led_back(store, folder, candidate, placed) if has_others else candidate
                return FolderOwner(folder, keys, frozenset(claimed), is_signed=True)
    named = [candidate for candidate in candidates if candidate.keys.origin in claimed or not claimed]
    for candidate in named:
        led = _led_back(store, folder, candidate, placed)
        if led != candidate:
            return FolderOwner(folder, led, frozenset(claimed), is_signed=True)
    return FolderOwner(folder, next(iter(named), None), frozenset(claimed), is_signed=False)


def lead_forward(store: Store, owner: FolderOwner) -> FolderOwner:
    """The owner with the keys behind those that are known, as far as the trail itself states the changes.

    Verification comes to them by itself; this is for whoever needs them before.
    """
    if owner.keys is None or not owner.is_signed:
        return owner
    keys, stated = owner.keys, list(owner.keys.keys.changes)
    while (change := change_after(store, owner.folder, keys.keys)) is not None and change not in stated:
        stated.append(change)
        keys = follow_keys(keys.keys.keys[0], keys.changes, stated)
    return owner._replace(keys=keys)


def _led_back(store: Store, folder: str, candidate: FolderKeys, placed: Sequence[PlacedChange]) -> FolderKeys:
    """The keys with those before them, as far as the trail itself states key changes that `keys/` lacks."""
    stated: list[Control] = []
    while (change := change_before(store, folder, candidate.keys)) is not None and change not in stated:
        stated.append(change)
        candidate = follow_keys(candidate.keys.newest, placed, stated)
    return candidate


def _led_to(store: Store, owners: list[FolderOwner]) -> tuple[int, FolderOwner] | None:
    """A folder that none of the policy's keys signed, by the key to which a trail beside it leads."""
    for index, owner in enumerate(owners):
        if owner.keys is None or owner.is_signed or not owner.claimed:
            continue
        origin = owner.keys.keys.origin
        for other in owners:
            if other.keys is None or not other.is_signed or other.keys.keys.origin != origin:
                continue
            beside = SignedFolder(other.folder, other.keys.keys, other.vouched_by is None)
            key = key_led_to(store, owner.folder, beside)
            if key is None or key in owner.keys.keys.keys:  # with these it was tried
                continue
            led = find_owner(store, owner.folder, [key])
            if led.is_signed:
                return index, led._replace(vouched_by=other.folder)
    return None


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
