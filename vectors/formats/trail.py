"""A short trail, in two batches with two seals: what the vectors of batch and seal are made of."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from formats.body import GENESIS, INCARNATION, REJECTED, trail_id
from formats.build import ORIGIN, Leaf, canonical, digest, entry_hash, payload

TRAIL_ID = trail_id(ORIGIN, INCARNATION)
START_MS = 1_795_426_200_000


def entries() -> list[tuple[bytes, bytes]]:
    """Genesis, event, rejected, heartbeat, event: each as leaf and payload."""
    event = payload(
        digest("salt 1")[:16], b"user-7", [(b"ce_type", b"payment.approved")], b'{"amount":"12.00"}'
    )
    tombstone = payload(digest("salt 4")[:16], b"user-7", [], None)
    own = {"source_timestamp": -1, "source_timestamp_type": 0, "source_offset": -1}
    rows = [
        (Leaf(kind=0, next_source_offset=0, **own), _own_payload(0, GENESIS)),
        (Leaf(source_offset=0, next_source_offset=1), event),
        (Leaf(kind=2, source_offset=17, next_source_offset=18), _own_payload(2, REJECTED)),
        (Leaf(kind=3, next_source_offset=18, **own), _own_payload(3, {"type": "heartbeat"})),
        (Leaf(source_offset=20, next_source_offset=21), tombstone),
    ]
    chained: list[tuple[bytes, bytes]] = []
    previous = bytes(32)
    for sequence, (fields, data) in enumerate(rows):
        leaf = replace(
            fields,
            sequence=sequence,
            previous_hash=previous,
            trail_id=TRAIL_ID,
            payload_hash=sha256(data).digest(),
            chained_at=START_MS + 1000 * sequence,
        ).encode()
        previous = entry_hash(leaf)
        chained.append((leaf, data))
    return chained


def _own_payload(number: int, body: dict[str, object]) -> bytes:
    return payload(digest(f"salt {number}")[:16], None, [], canonical(body).encode())
