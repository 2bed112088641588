"""Trails of somebody else in our archive that carry our trail's name.

Two deployments of one name would go on undisturbed, each in a folder of its own. But an auditor has the key
of one of them and can't tell the other from a forgery, and what is sealed stays. So `init` begins no second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail.exits import CommandError
from sealtrail_auditor.folders import find_owner
from sealtrail_schemas.layout import partition_prefix
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.store import Store


def namesakes(store: Store, trail: Trail, *, also: Verifier | None = None) -> list[str]:
    """Folders of a trail's partition whose seals name its origin, and of which none opens under its key.

    `also` is a key that those may be signed with, too: that of a predecessor.

    Raises:
        StoreError: the store does not let us look.
    """
    folders = trail_folders(store, partition_prefix(trail.raw_topic, trail.partition))
    keys = [trail.verifier] if also is None else [trail.verifier, also]
    owners = [find_owner(store, folder, keys) for folder in folders]
    return [owner.folder for owner in owners if trail.origin in owner.claimed and not owner.is_signed]


def refuse_namesakes(store: Store, trail: Trail, *, also: Verifier | None = None) -> None:
    """Raise CommandError if the archive holds a trail of this origin under another key, but for `also`."""
    found = namesakes(store, trail, also=also)
    if found:
        raise CommandError(
            f"{store.url}/{found[0]} was sealed under the name {trail.origin} with another key, and auditors "
            "could not tell the one trail from a forgery of the other: name another --archive, --topic or "
            "--base; or, if it is that trail which is to go on, restore its keys"
        )
