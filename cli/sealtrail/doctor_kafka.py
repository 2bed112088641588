"""Asking a Kafka cluster what only a cluster can answer: whether its transactions fence, who may do what.

Nothing is written to any topic of the deployment.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AclOperation  # type: ignore[attr-defined] # exported, but not by the letter

from sealtrail.doctor_log import ANSWERS, THERE, examine_topics
from sealtrail.doctor_report import Group, Promise
from sealtrail.exits import one_line
from sealtrail_chainer.trail import writer_name
from sealtrail_transport.check_result import Severity
from sealtrail_transport.errors import LogDeniedError, LogError, TopicMissingError
from sealtrail_transport.kafka_client import ClientEvents
from sealtrail_transport.kafka_errors import FENCED, Attempt, kafka_errors
from sealtrail_transport.kafka_rights import KafkaRights
from sealtrail_transport.kafka_scratch import ScratchTransactions

if TYPE_CHECKING:
    from collections.abc import Iterator
    from collections.abc import Set as AbstractSet

    from sealtrail.data_folder import Deployment
    from sealtrail.doctor_report import Examined
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.kafka_settings import KafkaSettings

TRANSACTS: Final = Promise(
    Group.TRANSACTIONS,
    "ST-LOG-TRANSACTIONS",
    "transactions begin and end",
    "a transaction under a scratch id, with a group's offset in it, is begun and aborted",
    "mend the brokers' transaction log: transaction.state.log.replication.factor and .min.isr",
)
FENCES: Final = Promise(
    Group.TRANSACTIONS,
    "ST-LOG-NOT-FENCED",
    "a second writer of a name fences the first",
    "the first writer is refused once the second is open",
    "do not run sealtrail on this cluster: two chainers could fork a trail",
)


def _narrow(code: str, where: str) -> Promise:
    return Promise(
        Group.PERMISSIONS,
        f"ST-RIGHT-{code}",
        f"this principal may do no more than it needs to {where}",
        "less: no service needs that",
        "run the services under principals with narrower ACLs; an administrator's is right for this one look",
        Severity.WARNING,
    )


RAW_TOPIC: Final = _narrow("RAW-TOPIC", "the raw topic")
CHAINED_TOPIC: Final = _narrow("CHAINED-TOPIC", "the chained topic")
CLUSTER: Final = _narrow("CLUSTER", "the cluster")

_CHANGES: Final = frozenset({AclOperation.ALTER, AclOperation.ALTER_CONFIGS})
_TOO_MUCH: Final = {
    # Who chains or seals reads it only; who publishes has no data folder to examine.
    RAW_TOPIC: _CHANGES | {AclOperation.WRITE, AclOperation.DELETE},
    # The archiver frees what is sealed, which takes Delete.
    CHAINED_TOPIC: _CHANGES,
    CLUSTER: _CHANGES | {AclOperation.CREATE, AclOperation.CLUSTER_ACTION},
}


def examine_cluster(settings: KafkaSettings, deployment: Deployment) -> Iterator[Examined]:
    """Examine topics and permissions."""
    try:
        cluster = KafkaRights(settings)
        raw, chained = cluster.facts(deployment.topic), cluster.facts(deployment.chained_topic)
        yield ANSWERS.kept(deployment.log)
        yield from examine_topics(raw, chained, deployment)
        yield _judge_rights(RAW_TOPIC, cluster.topic_rights(raw.name))
        yield _judge_rights(CHAINED_TOPIC, cluster.topic_rights(chained.name))
        yield _judge_rights(CLUSTER, cluster.cluster_rights())
    except TopicMissingError as error:
        yield THERE.broken(one_line(error))
    except LogDeniedError as error:
        yield ANSWERS.not_permitted(one_line(error)) if _is_acl(error) else ANSWERS.broken(one_line(error))
    except LogError as error:
        yield ANSWERS.broken(one_line(error))


def examine_transactions(settings: KafkaSettings, trail: Trail) -> Iterator[Examined]:
    """Open two writers of one scratch name, and see that the second fences the first.

    The names of writer and group go on where those of the trail's chainer end, so that ACLs by prefix cover
    them.
    """
    suffix = f"/doctor-{secrets.token_hex(8)}"
    base, _, _ = trail.origin.rpartition("/")
    name, group = f"{writer_name(trail)}{suffix}", f"sealtrail-chain/{base}{suffix}"
    events = ClientEvents(settings.bootstrap_servers)
    place = TopicPartition(trail.raw_topic, trail.partition, 0)
    attempt = Attempt("try a transaction", topic=trail.raw_topic, operation="Read", writer=name, group=group)
    with ScratchTransactions(settings, name, group, place, events) as tried:
        try:
            with kafka_errors(attempt, events):
                first = tried.open()
                tried.run(first)
        except LogDeniedError as error:
            yield TRANSACTS.not_permitted(one_line(error))
            return
        except LogError as error:
            yield TRANSACTS.broken(one_line(error))
            return
        yield TRANSACTS.kept(f"as {name}")
        try:
            with kafka_errors(attempt, events):
                tried.run(tried.open())
        except LogError as error:
            yield FENCES.not_checked(one_line(error))
            return
        yield _judge_fencing(tried, first)


def _judge_fencing(tried: ScratchTransactions, first: Producer) -> Examined:
    try:
        tried.run(first)
    except KafkaException as error:
        if error.args[0].name() in FENCED:
            return FENCES.kept(error.args[0].name())
        return FENCES.not_checked(error.args[0].str())
    return FENCES.broken("the first writer went on as before")


def _judge_rights(promise: Promise, rights: AbstractSet[AclOperation] | None) -> Examined:
    if rights is None:
        return promise.not_permitted("the broker does not say; to be told takes Describe there")
    excess = sorted(right.name for right in rights & _TOO_MUCH[promise])
    return promise.broken(f"it may {', '.join(excess)}") if excess else promise.kept("no more")


def _is_acl(error: LogError) -> bool:
    """Whether it is an action that is denied, not the connection."""
    cause = error.__cause__
    return isinstance(cause, KafkaException) and cause.args[0].name().endswith("_AUTHORIZATION_FAILED")
