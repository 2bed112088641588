"""Examining the log: its topics, and whether they and the archive are those of the trails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail.doctor_report import Examined, Group, Promise
from sealtrail.exits import ExitCode, one_line
from sealtrail.namesakes import namesakes
from sealtrail.wording import plural
from sealtrail_chainer.anchor import find_anchor
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_transport.check_result import CheckResult, Severity, Status
from sealtrail_transport.errors import StoreDeniedError, StoreError, TopicMissingError, TransportError
from sealtrail_transport.kafka_topic_check import check_chained_topic, check_raw_topic

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail.data_folder import Deployment
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.kafka_topic_check import TopicFacts, TopicFinding
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store

ANSWERS: Final = Promise(
    Group.TOPICS,
    "ST-LOG-ANSWERS",
    "the log answers",
    "an answer",
    "mend the address (--log), the network or the credentials (-X, SEALTRAIL_KAFKA_…)",
    exit_code=ExitCode.IO,
)
THERE: Final = Promise(
    Group.TOPICS,
    "ST-TOPIC-MISSING",
    "both topics are there",
    "the topics that the deployment names",
    "without the chained one, see `sealtrail continue`; without the raw one, `sealtrail init --succeed`",
    exit_code=ExitCode.LINE_STOPPED,
)
EMBEDDED: Final = Promise(
    Group.TOPICS,
    "ST-LOG-EMBEDDED",
    "the log outlives a disk",
    "a Kafka cluster with three replicas",
    "for production, name a cluster: sealtrail init --log kafka://…",
    Severity.WARNING,
)
PARTITIONS: Final = Promise(
    Group.TOPICS,
    "ST-TOPIC-PARTITIONS",
    "each partition has its trail",
    "as many partitions in both topics as there are trails",
    "run `sealtrail init`, which begins a trail for each new partition; till then nothing chains them",
)
SAME_TRAIL: Final = Promise(
    Group.TRAILS,
    "ST-TRAIL-IDS",
    "topics and archive are those that the trail began with",
    "the topic ids of the newest seal, or of the genesis, and all that is not sealed yet",
    "do not start the services: find out who deleted or made anew what, and keep what is left",
    exit_code=ExitCode.LINE_STOPPED,
)
BEGUN: Final = Promise(
    Group.TRAILS,
    "ST-TRAIL-NOT-BEGUN",
    "the trail has begun",
    "a genesis",
    "run `sealtrail init` again: it completes what was cut short",
    Severity.WARNING,
)
ONLY_ONE: Final = Promise(
    Group.TRAILS,
    "ST-TRAIL-NAMESAKE",
    "nobody else seals under the trail's name",
    "one key in all seals of that name",
    "give the other deployment another prefix, topic or base; what it has sealed stays until its locks end",
)


def examine_embedded_topics(log: Log, deployment: Deployment) -> Iterator[Examined]:
    """What there is to say of the SQLite log."""
    try:
        counts = [log.topic(name).partitions for name in (deployment.topic, deployment.chained_topic)]
    except TopicMissingError as error:
        yield THERE.broken(one_line(error))
        return
    except TransportError as error:
        yield ANSWERS.broken(one_line(error))
        return
    yield EMBEDDED.broken("SQLite in the data folder: for trying, all on one disk")
    yield _compare_partitions(deployment, counts)


def examine_topics(raw: TopicFacts, chained: TopicFacts, deployment: Deployment) -> Iterator[Examined]:
    """Judge the properties of a cluster's topics."""
    yield from _judged(raw.name, "raw", check_raw_topic(raw))
    yield from _judged(chained.name, "chained", check_chained_topic(chained, raw))
    yield _compare_partitions(deployment, [raw.partitions, chained.partitions])


def examine_trails(log: Log, store: Store, trails: Sequence[Trail]) -> Iterator[Examined]:
    """Compare topics and archive with what each trail's newest seal or genesis commits to."""
    for trail in trails:
        yield _examine_trail(log, store, trail)
        yield _look_for_namesakes(store, trail)


def _examine_trail(log: Log, store: Store, trail: Trail) -> Examined:
    try:
        anchor = find_anchor(log, store, trail)
    except (LineStoppedError, TopicMissingError) as error:
        return SAME_TRAIL.broken(f"{trail.origin}: {one_line(error)}")
    except StoreDeniedError as error:
        return SAME_TRAIL.not_permitted(f"{trail.origin}: {one_line(error)}")
    except TransportError as error:
        return SAME_TRAIL.not_checked(f"{trail.origin}: {one_line(error)}")
    if anchor is None:
        return BEGUN.broken(f"nothing of {trail.origin}")
    return SAME_TRAIL.kept(f"{trail.origin}, {plural(anchor.state.size, 'entry', 'entries')}")


def _look_for_namesakes(store: Store, trail: Trail) -> Examined:
    try:
        found = namesakes(store, trail)
    except StoreDeniedError as error:
        return ONLY_ONE.not_permitted(f"{trail.origin}: {one_line(error)}")
    except StoreError as error:
        return ONLY_ONE.not_checked(f"{trail.origin}: {one_line(error)}")
    if found:
        return ONLY_ONE.broken(f"{trail.origin} under another key in {', '.join(found)}")
    return ONLY_ONE.kept(trail.origin)


def _compare_partitions(deployment: Deployment, counts: Sequence[int]) -> Examined:
    told = f"{counts[0]} raw, {counts[1]} chained, {plural(deployment.partitions, 'trail')}"
    same = set(counts) == {deployment.partitions}
    return PARTITIONS.kept(told) if same else PARTITIONS.broken(told)


def _judged(topic: str, role: str, findings: Sequence[TopicFinding]) -> Iterator[Examined]:
    title = f"the {role} topic keeps what it is given"
    if not findings:
        expected = "properties that lose nothing"
        code = f"ST-TOPIC-{role.upper()}"
        yield Examined(
            Group.TOPICS, CheckResult(code, title, Status.PASSED, Severity.ERROR, expected, topic, "")
        )
    for finding in findings:
        result = CheckResult(
            f"ST-TOPIC-{finding.code.upper()}",
            title,
            Status.FAILED,
            finding.severity,
            finding.fix,
            finding.message,
            f"alter topic {topic}: {finding.fix}",
        )
        yield Examined(Group.TOPICS, result)
