"""Do the properties of a topic keep sealtrail's promises? Pure rules over what a broker says.

Names and defaults of properties: "Topic Configs" in Kafka's documentation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_transport.check_result import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

ROOM_FOR_LINK_BYTES: Final = 1 << 20
"""How much larger than a raw record a chained one may be. The link itself takes less than 64 KiB; the rest is
for raw records that the broker took compressed and that compress less well with it."""

SHORTEST_RETENTION_MS: Final = 24 * 3_600_000
"""A raw topic that keeps less than a day is short for an outage."""

_MOST_RETENTION_MS: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class TopicFinding:
    """One thing that is not as it should be.

    Attributes:
        code: what it is; stable.
        severity: how much it matters.
        message: what is, and what that leads to.
        fix: what to do, mostly a property to set, as `kafka-configs.sh --alter --add-config` takes it.
    """

    code: str
    severity: Severity
    message: str
    fix: str


@dataclass(frozen=True, slots=True)
class TopicFacts:
    """What a broker says of a topic.

    Attributes:
        name: the topic.
        partitions: how many it has.
        replication: replicas of the partition that has fewest.
        configs: its properties, those that are the broker's defaults included.
    """

    name: str
    partitions: int
    replication: int
    configs: Mapping[str, str]

    @property
    def max_record_bytes(self) -> int:
        """How large one record (as the broker counts: one compressed batch) may be."""
        return int(self.configs["max.message.bytes"])

    @property
    def retention_ms(self) -> int | None:
        """How long it keeps records, by their own timestamps; None: as long as there is room."""
        limit = int(self.configs["retention.ms"])
        is_limited = "delete" in self.configs["cleanup.policy"] and 0 <= limit < _MOST_RETENTION_MS
        return limit if is_limited else None


def check_raw_topic(raw: TopicFacts) -> list[TopicFinding]:
    """What a raw topic's properties mean for the trail. Nothing in them breaks a promise without a trace."""
    return list(_raw_findings(raw))


def check_chained_topic(chained: TopicFacts, raw: TopicFacts) -> list[TopicFinding]:
    """What is wrong with a chained topic. What the archiver has not sealed is nowhere else."""
    return [*_losses(chained), *_sizes(chained, raw), *_replicas(chained)]


def _raw_findings(raw: TopicFacts) -> Iterator[TopicFinding]:
    configs = raw.configs
    if "compact" in configs["cleanup.policy"]:
        yield _warning(
            "raw-compacted",
            f"topic {raw.name} is compacted: records that were replaced before they are chained are not in "
            "the trail, and the trail can't tell",
            "cleanup.policy=delete",
        )
    retention_ms = int(configs["retention.ms"])
    if "delete" in configs["cleanup.policy"] and 0 <= retention_ms < SHORTEST_RETENTION_MS:
        hours = retention_ms / 3_600_000
        yield _warning(
            "raw-retention-short",
            f"topic {raw.name} keeps records for {hours:g} hours: the line stops if chaining pauses longer",
            "retention.ms of several days",
        )


def _losses(chained: TopicFacts) -> Iterator[TopicFinding]:
    name, configs = chained.name, chained.configs
    if configs["cleanup.policy"] != "delete":
        yield _error(
            "chained-compacted",
            f"topic {name} has cleanup.policy={configs['cleanup.policy']}: entries would be removed",
            "cleanup.policy=delete",
        )
    # "No limit" is -1; a limit that no clock reaches is as good.
    if 0 <= int(configs["retention.ms"]) < _MOST_RETENTION_MS:
        yield _error(
            "chained-time-retention",
            f"topic {name} has retention.ms={configs['retention.ms']}: entries would be deleted by age, "
            "sealed or not",
            "retention.ms=-1",
        )
    if int(configs["retention.bytes"]) >= 0:
        yield _error(
            "chained-size-retention",
            f"topic {name} has retention.bytes={configs['retention.bytes']}: entries would be deleted by "
            "size, sealed or not",
            "retention.bytes=-1",
        )
    if configs["message.timestamp.type"] != "LogAppendTime":
        yield _error(
            "chained-create-time",
            f"topic {name} has message.timestamp.type={configs['message.timestamp.type']}: events with odd "
            "times would be refused",
            "message.timestamp.type=LogAppendTime",
        )
    if configs.get("unclean.leader.election.enable") == "true":
        yield _error(
            "chained-unclean-election",
            f"topic {name} allows unclean leader elections: acknowledged entries could be lost",
            "unclean.leader.election.enable=false",
        )


def _sizes(chained: TopicFacts, raw: TopicFacts) -> Iterator[TopicFinding]:
    wanted = raw.max_record_bytes + ROOM_FOR_LINK_BYTES
    if chained.max_record_bytes < wanted:
        yield _error(
            "chained-records-small",
            f"topic {chained.name} has max.message.bytes={chained.max_record_bytes}, {raw.name} has "
            f"{raw.max_record_bytes}: events that the one took would not fit the other",
            f"max.message.bytes={wanted}",
        )


def _replicas(chained: TopicFacts) -> Iterator[TopicFinding]:
    name, in_sync = chained.name, int(chained.configs["min.insync.replicas"])
    if chained.replication == 1:
        yield _warning(
            "chained-one-replica",
            f"topic {name} has one replica: what is not sealed yet is lost with one disk",
            "a replication factor of 3",
        )
    elif in_sync == 1:
        yield _error(
            "chained-one-in-sync",
            f"topic {name} has min.insync.replicas=1 with {chained.replication} replicas: an acknowledged "
            "entry may be on one disk only",
            "min.insync.replicas=2",
        )
    if in_sync > chained.replication:
        yield _error(
            "chained-never-in-sync",
            f"topic {name} has min.insync.replicas={in_sync}, but {chained.replication} replicas: nothing "
            "could be written",
            f"min.insync.replicas={min(2, chained.replication)}",
        )


def _error(code: str, message: str, fix: str) -> TopicFinding:
    return TopicFinding(code, Severity.ERROR, message, fix)


def _warning(code: str, message: str, fix: str) -> TopicFinding:
    return TopicFinding(code, Severity.WARNING, message, fix)
