"""The office of the demo: its pipeline, the real one, and what somebody tries at its live archive."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import urlsplit

from sealtrail import stores
from sealtrail.data_folder import EMBEDDED, FOLDER, DataFolder, Deployment
from sealtrail.folder_lock import locked
from sealtrail.line import Line
from sealtrail.pipeline import Pipeline
from sealtrail.retention import EMBEDDED_RETENTION
from sealtrail.setup import set_up
from sealtrail.story import BASE, SOURCE, TOPIC, to_cloudtrail, to_fields
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.settings import ArchiverSettings
from sealtrail_chainer.chainer import Chainer, ChainerSettings
from sealtrail_producers.producer import AuditProducer
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import ExtraMissingError, StoreDeniedError
from sealtrail_transport.s3_access import connect
from sealtrail_transport.sqlite_log import SqliteLog

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
    from pathlib import Path

    from sealtrail.story import Deed
    from sealtrail_schemas.keys import Signer
    from sealtrail_transport.s3_access import S3Access
    from sealtrail_transport.store import Store

_BATCH_ENTRIES: Final = 30  # so that a day is several batches, and the evening lies in the last one
_LOOK_EVERY_S: Final = 0.05


class Office(NamedTuple):
    """The office while its store runs; `access` is how to reach the store itself, None for a plain folder."""

    store: Store
    signer: Signer
    access: S3Access | None


@contextmanager
def opened_office(root: Path, day: list[Deed]) -> Iterator[Office]:
    """Make a trail in a new folder, publish a day, chain and seal it. The store runs as long as the context.

    Raises:
        TransportError: the log or the store can't be used.
        OSError: a file can't be written.
    """
    folder = DataFolder(root)
    deployment = _set_up(folder)
    with ExitStack() as held:
        held.enter_context(locked(folder, command="demo"))
        log = held.enter_context(SqliteLog(folder.log))
        store, access = held.enter_context(stores.opened_for_work(folder, deployment))
        _publish(f"sqlite:{folder.log}", day)
        [(trail, signer)] = folder.trails()
        settings = ArchiverSettings(deployment.retention, batch_entries=_BATCH_ENTRIES)
        line = Line(
            trail.origin,
            Chainer(log, store, trail, ChainerSettings(), entropy=secrets.token_bytes),
            lambda submit: Archiver(log, store, trail, signer, settings, submit=submit),
        )
        _drain(Pipeline([line], clock_ms=system_clock_ms))
        yield Office(store, signer, access)


def _set_up(folder: DataFolder) -> Deployment:
    """Set up with the embedded store, or with a plain folder where there is none for this machine."""
    embedded = Deployment(BASE, TOPIC, 1, EMBEDDED_RETENTION, EMBEDDED)
    if stores.embedded_archive() == EMBEDDED:
        try:
            set_up(folder, embedded)
        except ExtraMissingError:
            pass
        else:
            return embedded
    plain = Deployment(BASE, TOPIC, 1, None, FOLDER)
    set_up(folder, plain)
    return plain


def _publish(log: str, day: list[Deed]) -> None:
    with AuditProducer.connect(log, topic=TOPIC, source=SOURCE) as producer:
        for deed in day:
            if deed.in_cloud:
                producer.publish(to_cloudtrail(deed))
            else:
                producer.record(**to_fields(deed))


def _drain(pipeline: Pipeline) -> None:
    try:
        pipeline.drain()
        pipeline.start()
        while not pipeline.wait(timeout_s=_LOOK_EVERY_S):
            pass
    finally:
        pipeline.close()


class Attempt(NamedTuple):
    """What was tried at the live archive, and whether the store refused it."""

    tried: str
    refused: bool


def try_live_archive(office: Office, key: str, version_id: str, now: datetime) -> list[Attempt]:
    """Try to get rid of a locked object, with the owner's own access key. A plain folder is left alone."""
    if office.access is None:
        return []
    client = connect(office.access)
    bucket = urlsplit(office.store.url).netloc
    soon = now + timedelta(minutes=1)

    def delete() -> object:
        return client.delete_object(Bucket=bucket, Key=key, VersionId=version_id)

    def bypass() -> object:
        return client.delete_object(
            Bucket=bucket, Key=key, VersionId=version_id, BypassGovernanceRetention=True
        )

    def shorten() -> object:
        return client.put_object_retention(
            Bucket=bucket,
            Key=key,
            VersionId=version_id,
            Retention={"Mode": "COMPLIANCE", "RetainUntilDate": soon},
        )

    return [
        Attempt("delete the file", _is_refused(delete)),
        Attempt("delete it, overriding the lock", _is_refused(bypass)),
        Attempt("shorten its lock to a minute", _is_refused(shorten)),
    ]


def _is_refused(attempt: Callable[[], object]) -> bool:
    from sealtrail_transport.s3_errors import store_errors

    try:
        with store_errors("do that", "the store"):
            attempt()
    except StoreDeniedError:
        return True
    return False
