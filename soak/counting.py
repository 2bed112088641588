"""What the archive holds of a run's events, counted one by one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.leaf import Kind, Leaf
from sealtrail_schemas.payload import decode_payload
from soak.events import event_number

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class Counted:
    """Events of the archive against what the producer was told.

    Attributes:
        archived: Events in the archive.
        lost: Acknowledged ones that are not there.
        repeated: Events that are there more than once, each time but the first.
        unknown: Events whose delivery failed, and which are there: nobody was told so.
        foreign: Entries of the kind event that nobody has published.
    """

    archived: int
    lost: int
    repeated: int
    unknown: int
    foreign: int

    @property
    def is_exact(self) -> bool:
        """Whether each acknowledged event is there once, and nothing else."""
        return not (self.lost or self.repeated or self.foreign)


def archived_values(store: Store) -> Iterable[bytes | None]:
    """The values of all events in an archive that `verify` has called intact."""
    for version in store.versions(""):
        if "/batches/" in version.key and version.key.endswith(".avro"):
            with store.open(version.key, version.version_id) as stream:
                for leaf, payload in BatchReader(stream):
                    if Leaf.parse(leaf).kind is Kind.EVENT:
                        yield decode_payload(payload).value


def count_events(values: Iterable[bytes | None], *, published: int, failed: Collection[int]) -> Counted:
    """Count by number.

    Args:
        values: of the archived events.
        published: events were published with the numbers below this one.
        failed: those of which the producer does not know whether they are stored.
    """
    seen = bytearray(published)
    archived = repeated = foreign = 0
    for value in values:
        archived += 1
        number = event_number(value)
        if number is None or number >= published:
            foreign += 1
        elif seen[number]:
            repeated += 1
        else:
            seen[number] = 1
    unknown = sum(seen[number] for number in failed)
    lost = published - sum(seen) - (len(failed) - unknown)
    return Counted(archived, lost, repeated, unknown, foreign)
