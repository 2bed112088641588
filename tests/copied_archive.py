"""What a fetched copy of an archive holds, read as its seals name it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.layout import partition_prefix
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.policy import Policy
from sealtrail_schemas.seal import open_seal
from sealtrail_transport.folder_store import FolderStore
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from pathlib import Path


def archived_values(copy: Path, policy: Path, topic: str = "events") -> list[bytes | None]:
    """The values of all events of the topic's one trail, in order."""
    (verifier,) = Policy.parse(policy.read_bytes()).logs.values()
    store = FolderStore(copy)
    (trail,) = trail_folders(store, partition_prefix(topic, 0))
    values = []
    for line in store.versions(trail + "seals/"):
        with store.open(line.key, line.version_id) as stream:
            batch = open_seal(stream.read(), verifier).seal.batch
        with store.open(trail + batch.key, batch.version_id) as stream:
            for leaf, payload in BatchReader(stream):
                if Leaf.parse(leaf).kind is Kind.EVENT:
                    values.append(decode_payload(payload).value)
    return values
