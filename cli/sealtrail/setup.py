"""What `init` does to a data folder. Each step finds what it did before, so a run cut short is completed."""

from __future__ import annotations

import secrets
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sealtrail import logs, stores
from sealtrail.exits import CommandError, ExitCode
from sealtrail.folder_lock import locked
from sealtrail.namesakes import refuse_namesakes
from sealtrail.private_file import make_private_folder, write_private
from sealtrail_chainer.chainer import Chainer, ChainerSettings
from sealtrail_schemas.keys import encode_signing_key
from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.policy import format_policy
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import LockUnsupportedError, ObjectExistsError
from sealtrail_transport.kafka_topic_check import ROOM_FOR_LINK_BYTES
from sealtrail_transport.store import LockMode, Retention

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.log import Log, LogAdmin
    from sealtrail_transport.store import Store, StoreAdmin

_NO_PROPERTIES: Final[Mapping[str, Property]] = MappingProxyType({})


def set_up(
    folder: DataFolder,
    deployment: Deployment,
    librdkafka: Mapping[str, Property] = _NO_PROPERTIES,
    *,
    begin: Callable[[Log, Store, Sequence[Trail]], None] | None = None,
) -> None:
    """Make a data folder with keys, policy and log; make the bucket; begin each trail, with `begin` if given.

    Topics of a Kafka cluster must be there (sealtrail.kafka_setup); those of the embedded log are made. Keys
    that lie there stay.

    Raises:
        CommandError: the folder is in use or holds something else.
        TransportError: the log or the store can't be used.
        LineStoppedError: what the store holds is of another trail.
        OSError: a file can't be written.
    """
    _prepare_folder(folder)
    with locked(folder, command="init"), logs.open_log(folder, deployment, librdkafka) as log:
        signers = _make_keys(folder, deployment)
        _write_policy(folder, signers)
        if not deployment.is_kafka:
            _make_topics(log, deployment)
        with stores.opened_for_work(folder, deployment) as (store, _):
            _make_bucket(store)
            _put_format_documents(store, deployment.retention)
            trails = [deployment.trail(key.verifier) for key in signers]
            (begin or begin_trails)(log, store, trails)
        write_private(folder.deployment_file, deployment.to_toml().encode())


def add_trails(
    folder: DataFolder,
    deployment: Deployment,
    partitions: int,
    librdkafka: Mapping[str, Property] = _NO_PROPERTIES,
) -> list[str]:
    """Begin a trail for each partition that came since; returns their origins. Services may run meanwhile.

    Raises as `set_up`.
    """
    grown = replace(folder.deployment(), partitions=partitions)
    with locked(folder, command="init"), logs.open_log(folder, deployment, librdkafka) as log:
        signers = _make_keys(folder, grown)
        added = signers[deployment.partitions :]
        with stores.opened_for_work(folder, deployment) as (store, _):
            begin_trails(log, store, [deployment.trail(key.verifier) for key in added])
        _write_policy(folder, signers)
        write_private(folder.deployment_file, grown.to_toml().encode())
    return [signer.name for signer in added]


def _prepare_folder(folder: DataFolder) -> None:
    """Make the data folder, or take one that an earlier run began.

    Raises:
        CommandError: the folder holds something else.
        OSError: it can't be made.
    """
    make_private_folder(folder.root)
    ours = {"keys", "log.db", "log.db-wal", "log.db-shm", "policy", "store", "lock", "running.json"}
    foreign = [path.name for path in folder.root.iterdir() if path.name not in ours and path.name[0] != "."]
    if foreign:
        raise CommandError(
            f"{folder.root} is no data folder, but holds {foreign[0]}: name an empty or new one with --data"
        )
    make_private_folder(folder.keys)
    (folder.root / ".gitignore").write_text("*\n")  # keys do not belong in a repository


def _make_keys(folder: DataFolder, deployment: Deployment) -> list[Signer]:
    """One signing key per trail: that of an earlier run, or a new one.

    Raises:
        CommandError: a key of another trail is in its place.
    """
    signers = []
    for partition, origin in enumerate(deployment.origins()):
        file = folder.key_file(deployment.topic, partition)
        if not file.exists():
            write_private(file, f"{encode_signing_key(origin, secrets.token_bytes(32))}\n".encode())
        signers.append(folder.signer(origin))
    return signers


def _write_policy(folder: DataFolder, signers: list[Signer]) -> None:
    """Write the policy that trusts these keys."""
    write_private(folder.policy, format_policy(signer.verifier for signer in signers))
    folder.policy.chmod(0o644)  # it is meant to be handed out


def _make_topics(log: LogAdmin, deployment: Deployment) -> None:
    """Make the raw and the chained topic.

    Raises:
        CommandError: one of them is there with another number of partitions.
        LogError: the log can't be written.
    """
    raw = log.create_topic(deployment.topic, partitions=deployment.partitions, append_time=False)
    chained = log.create_topic(
        deployment.chained_topic,
        partitions=deployment.partitions,
        append_time=True,
        max_record_bytes=raw.max_record_bytes + ROOM_FOR_LINK_BYTES,
    )
    for topic in (raw, chained):
        if topic.partitions != deployment.partitions:
            raise CommandError(
                f"topic {topic.name} is there with {topic.partitions} partitions, not {deployment.partitions}"
            )


def _make_bucket(store: StoreAdmin) -> None:
    """Make the bucket, or look whether the one that is there locks.

    Raises:
        CommandError: it does not.
        StoreError: the store can't be used.
    """
    try:
        store.ensure_bucket()
    except LockUnsupportedError as error:
        raise CommandError(
            f"{error}. Without it, what is sealed could be deleted: name a bucket that has it, or one that "
            "is not there and can be made",
            exit_code=ExitCode.IO,
        ) from None


def _put_format_documents(store: Store, retention: timedelta | None) -> None:
    """Put the documents that explain the archive, locked like the data. Those that are there stay."""
    lock = _lock_until(retention)
    for key, text in format_documents().items():
        with suppress(ObjectExistsError):
            store.put(key, text, retention=lock, content_type="text/plain; charset=utf-8")


def begin_trails(log: Log, store: Store, trails: Sequence[Trail]) -> None:
    """Write the genesis of each trail that has none.

    Raises:
        CommandError: somebody else has sealed under the name of one.
        LineStoppedError: what the log or the store holds is of another trail.
        TransportError: one of them can't be used.
    """
    for trail in trails:
        refuse_namesakes(store, trail)
    for trail in trails:
        chainer = Chainer(log, store, trail, ChainerSettings(), entropy=secrets.token_bytes)
        chainer.step(now_ms=system_clock_ms())
        chainer.close()


def _lock_until(retention: timedelta | None) -> Retention | None:
    if retention is None:
        return None
    return Retention(LockMode.COMPLIANCE, (datetime.now(UTC) + retention).replace(microsecond=0))
