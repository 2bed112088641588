"""What names one trail to the chainer and the archiver."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_schemas.origin import split_origin

if TYPE_CHECKING:
    from sealtrail_schemas.keys import Verifier


@dataclass(frozen=True, slots=True)
class Trail:
    """One trail: the raw partition that the name of `verifier` (the origin) gives, and its chained topic.

    `succeeds`: it may go on from another trail of its origin. Its operator says so, since a genesis is not
    signed: whoever made the chained topic anew could write one that leaves raw records out.
    """

    verifier: Verifier
    chained_topic: str
    succeeds: bool = False

    @property
    def origin(self) -> str:
        """`<base>/<raw topic>/<partition>`."""
        return self.verifier.name

    @property
    def raw_topic(self) -> str:
        """The topic that services publish to."""
        return split_origin(self.origin)[1]

    @property
    def partition(self) -> int:
        """The partition, the same number in both topics."""
        return split_origin(self.origin)[2]


def writer_name(trail: Trail) -> str:
    """The name under which a trail's chainers fence each other; on Kafka, the transactional id."""
    return f"sealtrail-chainer/{trail.origin}"
