"""What `init` does to the topics of a Kafka cluster, and what it refuses to begin a trail with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail.exits import CommandError, ExitCode
from sealtrail.wording import plural
from sealtrail_transport.check_result import Severity
from sealtrail_transport.errors import TopicMissingError
from sealtrail_transport.kafka_access import open_kafka_log, require_kafka
from sealtrail_transport.kafka_topic_check import (
    ROOM_FOR_LINK_BYTES,
    check_chained_topic,
    check_raw_topic,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

    from sealtrail.data_folder import Deployment
    from sealtrail_transport.kafka_settings import KafkaSettings
    from sealtrail_transport.kafka_topic_check import TopicFacts, TopicFinding
    from sealtrail_transport.kafka_topics import KafkaTopics

_MOST_REPLICAS: Final = 3


@dataclass(frozen=True, slots=True)
class TopicWishes:
    """What was asked of `init` about topics.

    Attributes:
        raw: the topic that services publish to.
        chained: the topic that the chainer writes.
        partitions: as many as the raw topic must have; None: as many as it has, or one.
        create_raw: make the raw topic if there is none.
        replication: replicas of topics that are made; None: three, or as many as there are brokers.
    """

    raw: str
    chained: str
    partitions: int | None = None
    create_raw: bool = False
    replication: int | None = None


@dataclass(frozen=True, slots=True)
class PreparedTopics:
    """Topics that a trail can begin with: how many partitions they have, and what somebody should know."""

    partitions: int
    warnings: tuple[TopicFinding, ...]


def prepare_topics(settings: KafkaSettings, wishes: TopicWishes) -> PreparedTopics:
    """Make the topics of a new deployment, those that are not there.

    Raises:
        CommandError: there is no raw topic, or the topics are not as they have to be.
        LogError: the cluster can't be reached, or does not allow it.
    """
    with _Cluster(settings) as cluster:
        raw = cluster.find(wishes.raw) or cluster.make_raw(wishes)
        _compare_partitions(raw, wishes.partitions)
        chained = cluster.find(wishes.chained) or cluster.make_chained(wishes, raw)
        return cluster.match(raw, chained)


def extend_topics(settings: KafkaSettings, deployment: Deployment, partitions: int | None) -> PreparedTopics:
    """Give the chained topic of a deployment as many partitions as the raw one has by now.

    Args:
        settings: how to reach the cluster.
        deployment: what it is about.
        partitions: as many as the raw topic must have; None: as many as it has.

    Raises:
        CommandError: a topic is gone, was made anew with fewer partitions, or is not as it has to be.
        LogError: as `prepare_topics`.
    """
    with _Cluster(settings) as cluster:
        raw, chained = cluster.find(deployment.topic), cluster.find(deployment.chained_topic)
        for name, facts in ((deployment.topic, raw), (deployment.chained_topic, chained)):
            if facts is None or facts.partitions < deployment.partitions:
                has = "is gone" if facts is None else f"has {plural(facts.partitions, 'partition')}"
                raise CommandError(
                    f"topic {name} {has}, and this deployment has {plural(deployment.partitions, 'trail')}: "
                    "without the chained one, see `sealtrail continue`; without the raw one, "
                    "`sealtrail init --succeed`",
                    exit_code=ExitCode.LINE_STOPPED,
                )
        assert raw is not None  # noqa: S101 - for the type checker
        assert chained is not None  # noqa: S101 - as above
        _compare_partitions(raw, partitions)
        return cluster.match(raw, chained)


class _Cluster:
    """The two views of a cluster that this takes."""

    def __init__(self, settings: KafkaSettings) -> None:
        require_kafka()
        from sealtrail_transport.kafka_topics import KafkaTopics

        self._topics: KafkaTopics = KafkaTopics(settings)
        self._log = open_kafka_log(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._log.close()

    def find(self, topic: str) -> TopicFacts | None:
        """What the cluster says of a topic; None if there is none of that name."""
        try:
            return self._topics.facts(topic)
        except TopicMissingError:
            return None

    def make_raw(self, wishes: TopicWishes) -> TopicFacts:
        """Make the raw topic, if that was asked for."""
        if not wishes.create_raw:
            raise CommandError(
                f"there is no topic {wishes.raw}: create it, or have it made with --create-raw"
            )
        replication = self._replication(wishes)
        self._log.create_topic(
            wishes.raw,
            partitions=wishes.partitions or 1,
            append_time=False,
            replication_factor=replication,
            min_insync_replicas=min(2, replication),
        )
        return self._topics.facts(wishes.raw)

    def make_chained(self, wishes: TopicWishes, raw: TopicFacts) -> TopicFacts:
        """Make the chained topic for a raw one."""
        replication = self._replication(wishes)
        self._log.create_topic(
            wishes.chained,
            partitions=raw.partitions,
            append_time=True,
            max_record_bytes=raw.max_record_bytes + ROOM_FOR_LINK_BYTES,
            replication_factor=replication,
            min_insync_replicas=min(2, replication),
        )
        return self._topics.facts(wishes.chained)

    def match(self, raw: TopicFacts, chained: TopicFacts) -> PreparedTopics:
        """Check both topics, and only then give the chained one the partitions that it lacks."""
        if chained.partitions > raw.partitions:
            raise CommandError(
                f"topic {chained.name} has {plural(chained.partitions, 'partition')}, {raw.name} only "
                f"{raw.partitions}: they do not belong together"
            )
        findings = [*check_raw_topic(raw), *check_chained_topic(chained, raw)]
        _refuse([finding for finding in findings if finding.severity is Severity.ERROR])
        if chained.partitions < raw.partitions:
            self._topics.add_partitions(chained.name, raw.partitions)
        return PreparedTopics(raw.partitions, tuple(findings))

    def _replication(self, wishes: TopicWishes) -> int:
        return wishes.replication or min(_MOST_REPLICAS, self._topics.brokers())


def _compare_partitions(raw: TopicFacts, wanted: int | None) -> None:
    if wanted not in {None, raw.partitions}:
        raise CommandError(
            f"topic {raw.name} has {plural(raw.partitions, 'partition')}, not {wanted}: leave --partitions "
            "out"
        )


def _refuse(errors: Sequence[TopicFinding]) -> None:
    if errors:
        # Each of them, so that one alteration of the topic mends all.
        raise CommandError("; ".join(f"{finding.message}. Set {finding.fix}" for finding in errors))
