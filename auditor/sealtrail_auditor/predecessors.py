"""Trails that go on from one another under other keys: which key the one states for the other.

A trail's first entry may name the one that it goes on from, by its size and its last seal, and the key that
signed that. So who trusts the key of the one can judge the other (docs/format.md, "Verification", step 11).
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.sealed_entries import read_first
from sealtrail_auditor.seals import read_seal_name
from sealtrail_schemas.body import GenesisBody, parse_body
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.keys import Verifier
from sealtrail_schemas.layout import seal_key
from sealtrail_schemas.trail_keys import TrailKeys

if TYPE_CHECKING:
    from sealtrail_schemas.body import Predecessor
    from sealtrail_transport.store import Store


class SignedFolder(NamedTuple):
    """The folder of a trail, the keys under which its seals open, and whether the policy's key is one."""

    folder: str
    keys: TrailKeys
    is_of_policy: bool = False


def key_led_to(store: Store, folder: str, beside: SignedFolder) -> Verifier | None:
    """The key that may have signed the trail in `folder`, by a trail of its origin whose keys are known.

    Either that one goes on from the trail in `folder`, whose last key it states; or the trail in `folder`
    begins under the last of its keys. Where those were only led to, it has to go on from it as well: the key
    of a trail that ended may be in other hands since.
    """
    genesis = read_genesis(store, beside)
    if genesis is not None and genesis.predecessor is not None:
        with suppress(FormatError):
            key = Verifier.parse(genesis.predecessor.key or genesis.keys[0])
            if _is_named(store, SignedFolder(folder, TrailKeys.only(key)), genesis.predecessor):
                return key
    newest = beside.keys.newest
    if beside.is_of_policy:
        return newest
    genesis = read_genesis(store, SignedFolder(folder, TrailKeys.only(newest)))
    if genesis is not None and genesis.predecessor is not None:
        return newest if _is_named(store, beside, genesis.predecessor) else None
    return None


def read_genesis(store: Store, trail: SignedFolder) -> GenesisBody | None:
    """The body of a trail's first entry, as its first seal vouches for it; None where that is gone."""
    placed = SealSearch(store, trail.folder, trail.keys).covering(0)
    if placed is None or placed.opened.seal.first.sequence:
        return None
    entry = read_first(store, trail.folder, placed.opened.seal)
    if entry is None:
        return None
    with suppress(FormatError):
        body = parse_body(entry.leaf.kind, entry.payload.value)
        return body if isinstance(body, GenesisBody) else None
    return None


def _is_named(store: Store, trail: SignedFolder, named: Predecessor) -> bool:
    """Whether the seal that a first entry names as the last of its predecessor lies in this folder."""
    with suppress(FormatError):
        key = trail.folder + seal_key(named.size)
        for name in list_names(store, key):
            if name.key == key:
                found = read_seal_name(
                    store, trail.folder, name, size=named.size, keys=trail.keys, previous=None
                )
                return any(placed.opened.text_sha256 == named.last_seal for placed in found.opened)
    return False
