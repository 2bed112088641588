"""What `sealtrail replay --into TARGET` means, and opening it."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol

from sealtrail.exits import CommandError
from sealtrail.wording import plural
from sealtrail_schemas.origin import split_origin
from sealtrail_transport.errors import LogError
from sealtrail_transport.kafka_address import KAFKA_SCHEME, parse_kafka_address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sealtrail_auditor.reading import TrailFolder
    from sealtrail_auditor.replay import ReplayRecord
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.kafka_topic_check import TopicFacts
    from sealtrail_transport.log import Log

_SQLITE: Final = "sqlite:"
_FILE: Final = "file:"
_STDOUT: Final = "-"
_ANY_SIZE: Final = {"retention.ms": "-1", "retention.bytes": "-1"}


class TargetKind(Enum):
    """What can take a replay."""

    KAFKA = "Kafka"
    SQLITE = "embedded log"
    LINES = "JSON lines"
    STDOUT = "standard output"
    FOLDER = "folder"

    @property
    def is_log(self) -> bool:
        """Whether it has topics and partitions."""
        return self in {TargetKind.KAFKA, TargetKind.SQLITE}


class Target(NamedTuple):
    """A target as it was named: `place` are the brokers, or a path."""

    kind: TargetKind
    place: str


class Taker(Protocol):
    """What takes the records of a replay."""

    def put(self, put: ReplayRecord) -> None:
        """Take one."""
        ...


def parse_target(text: str) -> Target:
    """Read the value of --into.

    Raises:
        CommandError: it names nothing.
    """
    if text.startswith(KAFKA_SCHEME):
        try:
            return Target(TargetKind.KAFKA, parse_kafka_address(text))
        except LogError as error:
            raise CommandError(str(error)) from None
    if text == _STDOUT:
        return Target(TargetKind.STDOUT, "")
    for scheme, kind in ((_SQLITE, TargetKind.SQLITE), (_FILE, TargetKind.LINES)):
        if text.startswith(scheme):
            if not text.removeprefix(scheme):
                raise CommandError(f"--into {scheme} wants a path behind it")
            return Target(kind, text.removeprefix(scheme))
    if text.endswith((".json", ".jsonl")):
        raise CommandError(
            f"--into {text} would be a folder; for a file of JSON lines write --into file:{text}"
        )
    if not text or "://" in text:
        raise CommandError(
            "--into is kafka://HOST:PORT[,…], sqlite:FILE, file:FILE.jsonl, the name of a new folder, or -"
        )
    return Target(TargetKind.FOLDER, text)


@dataclass(frozen=True, slots=True)
class TopicChoice:
    """What was said of the topic that takes the replay.

    Attributes:
        name: the topic.
        create: make it if there is none.
        partition: for every record; None: that of the trail.
    """

    name: str
    create: bool
    partition: int | None

    def partitions(self, trails: Sequence[TrailFolder]) -> list[int]:
        """The partition for each of the trails.

        Raises:
            CommandError: two of them would share one, which would be in nobody's order.
        """
        chosen: dict[int, TrailFolder] = {}
        for trail in trails:
            own = split_origin(trail.origin).partition
            partition = own if self.partition is None else self.partition
            if (other := chosen.setdefault(partition, trail)) is not trail:
                how = "--folder" if other.origin == trail.origin else "--trail"
                raise CommandError(
                    f"{other.folder} and {trail.folder} would both go to partition {partition}: "
                    f"choose one with {how}"
                )
        return list(chosen)


@dataclass(frozen=True, slots=True)
class OpenTopic:
    """A topic that can take a replay.

    Attributes:
        log: the log.
        topic: its name.
        retention_ms: how long it keeps records, by their own timestamps; None: without limit.
        caveats: how else it may lose records, in sentences.
    """

    log: Log
    topic: str
    retention_ms: int | None = None
    caveats: tuple[str, ...] = ()


@contextmanager
def opened_topic(
    target: Target, choice: TopicChoice, partitions: Sequence[int], librdkafka: Mapping[str, Property]
) -> Iterator[OpenTopic]:
    """Open the topic for as long as the context lasts.

    Raises:
        CommandError: it has too few partitions, or there is no such log.
        LogError: it can't be reached, or there is none.
    """
    with ExitStack() as stack:
        if target.kind is TargetKind.KAFKA:
            opened = _open_kafka(stack, target.place, choice, partitions, librdkafka)
        else:
            opened = _open_sqlite(stack, Path(target.place), choice, partitions)
        has = opened.log.topic(choice.name).partitions
        if max(partitions) >= has:
            raise CommandError(
                f"topic {choice.name} has {plural(has, 'partition')}, and trails go to partition "
                f"{max(partitions)}: add partitions, or choose one with --partition"
            )
        yield opened


def _open_kafka(
    stack: ExitStack,
    servers: str,
    choice: TopicChoice,
    partitions: Sequence[int],
    librdkafka: Mapping[str, Property],
) -> OpenTopic:
    from sealtrail_transport.kafka_access import open_kafka_log, require_kafka
    from sealtrail_transport.kafka_settings import KafkaSettings

    require_kafka()
    from sealtrail_transport.kafka_admin import topic_properties
    from sealtrail_transport.kafka_topics import KafkaTopics
    from sealtrail_transport.log import DEFAULT_MAX_RECORD_BYTES

    settings = KafkaSettings(servers, librdkafka)
    topics = KafkaTopics(settings)
    if choice.create:
        properties = topic_properties(
            append_time=False, max_record_bytes=DEFAULT_MAX_RECORD_BYTES, min_insync_replicas=None
        )
        topics.create(
            choice.name, properties | _ANY_SIZE, partitions=max(partitions) + 1, replication_factor=None
        )
    facts = topics.facts(choice.name)
    log = stack.enter_context(open_kafka_log(settings))
    return OpenTopic(log, choice.name, facts.retention_ms, tuple(_caveats(facts)))


def _caveats(facts: TopicFacts) -> Iterator[str]:
    if "compact" in facts.configs["cleanup.policy"]:
        yield f"topic {facts.name} is compacted: of several records of one key it keeps the last"
    if int(facts.configs["retention.bytes"]) >= 0:
        limit = facts.configs["retention.bytes"]
        yield f"topic {facts.name} keeps about {limit} bytes of a partition, and deletes what is older"


def _open_sqlite(stack: ExitStack, path: Path, choice: TopicChoice, partitions: Sequence[int]) -> OpenTopic:
    from sealtrail_transport.sqlite_log import SqliteLog

    if not path.exists() and not choice.create:
        raise CommandError(f"there is no log at {path}: have it made with --create-topic")
    log = stack.enter_context(SqliteLog(path))
    if choice.create:
        log.create_topic(choice.name, partitions=max(partitions) + 1, append_time=False)
    return OpenTopic(log, choice.name)


@contextmanager
def opened_files(target: Target, *, in_base64: bool) -> Iterator[Taker]:
    """Open what is no log for as long as the context lasts; files and folders get their names at its end.

    Raises:
        CommandError: something lies there.
        OSError: it can't be written.
    """
    from sealtrail.new_file import new_file, new_folder
    from sealtrail.replay_files import FolderTarget, JsonLinesTarget

    with ExitStack() as stack:
        if target.kind is TargetKind.FOLDER:
            yield FolderTarget(stack.enter_context(new_folder(Path(target.place))))
        elif target.kind is TargetKind.LINES:
            stream = stack.enter_context(new_file(Path(target.place)))
            yield JsonLinesTarget(stream, in_base64=in_base64)
        else:
            yield JsonLinesTarget(sys.stdout.buffer, in_base64=in_base64)
