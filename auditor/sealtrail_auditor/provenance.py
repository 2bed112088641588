"""Headers by which a replayed record says where it comes from (docs/format.md, "Replayed records").

They are the record's last ones. Those that stand before belong to the event: a record that was replayed,
chained and is replayed again has several runs of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sealtrail_schemas.canonical_json import dumps_canonical
from sealtrail_schemas.leaf import entry_hash

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail_schemas.record import Header

ORIGIN: Final = b"sealtrail.origin"
SEQUENCE: Final = b"sealtrail.sequence"
ENTRY: Final = b"sealtrail.entry"
REPLAY: Final = b"sealtrail.replay"
UNVERIFIED: Final = b"sealtrail.unverified"

_MAX_HEADERS: Final = 5
_ID_DOMAIN: Final = b"sealtrail replay 1\n"
_ID_HEX: Final = 32


@dataclass(frozen=True, slots=True)
class Provenance:
    """What every record of one replay of one trail says.

    Attributes:
        origin: the trail.
        replay_id: tells this replay from others into the same topic; 32 hex digits.
    """

    origin: str
    replay_id: str

    def headers(self, sequence: int, leaf: bytes) -> tuple[Header, ...]:
        """The headers of one record."""
        return (
            (ORIGIN, self.origin.encode()),
            (SEQUENCE, b"%d" % sequence),
            (ENTRY, entry_hash(leaf).hex().encode()),
            (REPLAY, self.replay_id.encode()),
        )


def make_replay_id(folder: str, query: Mapping[str, Any]) -> str:
    """The id of a replay: the same for the same question to the same trail, whoever asks it and when.

    Args:
        folder: the trail's folder, which holds a part of the trail id.
        query: see `sealtrail_auditor.query_json`.
    """
    text = dumps_canonical({"folder": folder, "query": query})
    return sha256(_ID_DOMAIN + text).hexdigest()[:_ID_HEX]


def is_of_replay(headers: tuple[Header, ...], replay_id: str) -> bool:
    """Whether a record was put by that replay."""
    return (REPLAY, replay_id.encode()) in headers[-2:]  # `sealtrail.unverified` may stand behind it


def sequence_of(headers: tuple[Header, ...]) -> int | None:
    """The sequence that a replayed record states; None where it states none."""
    stated = dict(headers[-_MAX_HEADERS:]).get(SEQUENCE)
    return int(stated) if stated is not None and stated.isdigit() and len(stated) < 20 else None
