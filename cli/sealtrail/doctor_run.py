"""Examining a whole deployment, or one store: every part that can be reached, whatever ails the others."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from sealtrail import doctor_keys, doctor_log, doctor_store, logs, stores
from sealtrail.data_folder import EMBEDDED
from sealtrail.doctor_report import Diagnosis, Group
from sealtrail.exits import CommandError, one_line
from sealtrail_schemas.errors import FormatError
from sealtrail_transport.check_result import Status
from sealtrail_transport.errors import TransportError
from sealtrail_transport.store import LockKnowledge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail.doctor_report import Examined
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.check_result import CheckResult
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.store import Store

    Progress = Callable[[CheckResult], None]


def examine_archive(store: Store, *, strict: bool, progress: Progress, embedded: bool = False) -> Diagnosis:
    """Examine one store, whoever's it is."""
    examined, probe = _examine_store(store, embedded=embedded, progress=progress)
    return Diagnosis(examined, strict, {Group.STORE: store.url}, probe)


def examine_deployment(
    folder: DataFolder,
    deployment: Deployment,
    librdkafka: Mapping[str, Property],
    *,
    strict: bool,
    progress: Progress,
) -> Diagnosis:
    """Examine everything that a deployment rests on.

    Args:
        folder: the data folder.
        deployment: what `init` fixed, reached as the user said.
        librdkafka: properties for a cluster.
        strict: see `Diagnosis`.
        progress: told each result of the store probe.

    Raises:
        CommandError: somebody holds the data folder and serves nobody.
    """
    examined = list(doctor_keys.examine_folder(folder, deployment))
    probe: dict[str, Any] | None = None
    embedded = deployment.archive == EMBEDDED
    log_examined, trails = _examine_log(folder, deployment, librdkafka)
    examined += log_examined
    with ExitStack() as stack:
        try:
            store = stack.enter_context(_opened(folder, deployment))
        except TransportError as error:
            examined.append(doctor_store.ANSWERS.broken(one_line(error)))
            examined.append(doctor_log.SAME_TRAIL.not_checked("the store could not be opened"))
        else:
            told, probe = _examine_store(store, embedded=embedded, progress=progress)
            examined += told
            obstacle = _obstacle(trails, examined)
            if obstacle:
                examined.append(doctor_log.SAME_TRAIL.not_checked(obstacle))
            else:
                log = stack.enter_context(logs.open_log(folder, deployment, librdkafka))
                examined += doctor_log.examine_trails(log, store, trails)
    subjects = {
        Group.STORE: "embedded" if embedded else deployment.archive,
        Group.TOPICS: f"{deployment.topic}, {deployment.chained_topic} in {deployment.log}",
        Group.KEYS: str(folder.keys),
        Group.POLICY: str(folder.policy),
    }
    return Diagnosis(examined, strict, subjects, probe)


def _examine_store(
    store: Store, *, embedded: bool, progress: Progress
) -> tuple[list[Examined], dict[str, Any] | None]:
    if store.lock_knowledge is not LockKnowledge.ENFORCED:
        return doctor_store.folder_store(), None
    from sealtrail_transport.s3_store import S3Store

    assert isinstance(store, S3Store)  # noqa: S101 - no other store enforces locks
    found = doctor_store.examine_store(store, embedded=embedded, progress=progress)
    return found.examined, found.probe


def _examine_log(
    folder: DataFolder, deployment: Deployment, librdkafka: Mapping[str, Property]
) -> tuple[list[Examined], list[Trail]]:
    """Examine the log; returns also the trails that the policy names."""
    try:
        trails = folder.policy_trails()
    except (FormatError, CommandError, OSError):
        trails = []  # that is a finding about the policy already
    try:
        if deployment.is_kafka:
            return list(_examine_kafka(deployment, librdkafka, trails)), trails
        if not folder.log.exists():  # opening it would make it
            return [doctor_log.THERE.broken(f"there is no {folder.log}")], trails
        with logs.open_log(folder, deployment, librdkafka) as log:
            return list(doctor_log.examine_embedded_topics(log, deployment)), trails
    except TransportError as error:
        return [doctor_log.ANSWERS.broken(one_line(error))], trails


def _examine_kafka(
    deployment: Deployment, librdkafka: Mapping[str, Property], trails: Sequence[Trail]
) -> Iterator[Examined]:
    from sealtrail_transport.kafka_access import require_kafka

    require_kafka()
    from sealtrail.doctor_kafka import examine_cluster, examine_transactions

    settings = logs.kafka_settings(deployment.log, librdkafka, partitions=deployment.partitions)
    examined = list(examine_cluster(settings, deployment))
    yield from examined
    if trails and not _is_away(examined):
        yield from examine_transactions(settings, trails[0])


def _obstacle(trails: Sequence[Trail], examined: Sequence[Examined]) -> str | None:
    """Why log and store can't be compared with the trails; None if they can."""
    if not trails:
        return "the policy does not name every trail"
    return "log or store does not answer, or a topic is gone" if _is_away(examined) else None


def _is_away(examined: Sequence[Examined]) -> bool:
    """Whether log or store did not answer, or there is nothing to compare in the log."""
    needed = {doctor_log.ANSWERS.code, doctor_log.THERE.code, doctor_store.ANSWERS.code}
    return any(each.result.code in needed and each.result.status is Status.FAILED for each in examined)


def _opened(folder: DataFolder, deployment: Deployment) -> AbstractContextManager[Store]:
    """The archive of a deployment; only an embedded store has to be started, or shared with who runs it."""
    return (
        _elsewhere(folder, deployment)
        if deployment.is_s3
        else stores.opened_for_reading(folder, command="doctor")
    )


@contextmanager
def _elsewhere(folder: DataFolder, deployment: Deployment) -> Iterator[Store]:
    with stores.opened_for_work(folder, deployment) as (store, _):
        yield store
