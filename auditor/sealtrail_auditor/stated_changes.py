"""Key changes as the trail itself states them, for where their notes under `keys/` are missing.

The entry that states one is the last of its batch, so the seals lead to it: forwards from the last seal of
the old key, and backwards from the first one of the new key, which names the seal before it by its hash.
"""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.sealed_entries import read_last
from sealtrail_auditor.seals import read_bounded
from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import open_key_change
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import seal_key
from sealtrail_schemas.note import note_text
from sealtrail_schemas.seal import MAX_SEAL_BYTES
from sealtrail_schemas.seal_text import parse_seal_text

if TYPE_CHECKING:
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.seal import Seal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store


def stated_change(store: Store, folder: str, seal: Seal) -> Control | None:
    """The key change in the last entry of a seal's batch, signed by both of its keys; None: there is none."""
    entry = read_last(store, folder, seal)
    if entry is None:
        return None
    with suppress(FormatError):
        body = parse_body(entry.leaf.kind, entry.payload.value)
        if isinstance(body, ControlBody) and body.note is not None:
            control = open_key_change(body.note.encode())
            return control if control.is_at(entry.leaf) else None
    return None


def change_before(store: Store, folder: str, keys: TrailKeys) -> Control | None:
    """The key change that the trail states before the first seal of these keys; None: none is there."""
    first = SealSearch(store, folder, keys).first()
    if first is None or first.opened.seal.previous is None:
        return None
    before = _named_seal(store, folder, first.opened.seal)
    return None if before is None else stated_change(store, folder, before)


def change_after(store: Store, folder: str, keys: TrailKeys) -> Control | None:
    """The key change that the trail states under the last seal of these keys; None: none is there."""
    last = SealSearch(store, folder, keys).last()
    return None if last is None else stated_change(store, folder, last.opened.seal)


def _named_seal(store: Store, folder: str, seal: Seal) -> Seal | None:
    """What the seal says that `seal` names as the one before it, whoever signed that."""
    with suppress(FormatError):
        key = folder + seal_key(seal.first.sequence)
        for name in list_names(store, key):
            for version in name.versions if name.key == key else ():
                note = read_bounded(store, key, version.version_id, MAX_SEAL_BYTES)
                with suppress(FormatError):
                    text = note_text(note)
                    if seal.previous and sha256(text.encode()).digest() == seal.previous.sha256:
                        return parse_seal_text(text)
    return None
