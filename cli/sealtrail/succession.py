"""`init --succeed`: trails that go on from others, which had to stop, in a data folder of their own."""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from sealtrail import evidence, stores
from sealtrail.data_folder import CHAINED_SUFFIX
from sealtrail.exits import CommandError
from sealtrail.folder_lock import locked
from sealtrail.namesakes import refuse_namesakes
from sealtrail.private_file import make_private_folder, write_private
from sealtrail.setup import begin_trails, set_up
from sealtrail_chainer.genesis import begin_successor
from sealtrail_chainer.succession import first_source_offset, name_predecessor
from sealtrail_chainer.ways import newest_sealed
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.errors import TopicMissingError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store

_NAME_FILE: Final = ".chained-topic"
"""In the new data folder: the chained topic that was chosen, so that a run cut short goes on with it."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A trail that is to be gone on from.

    Attributes:
        trail: Under the key that the old policy names.
        anchor: Its newest seal; None where nothing is sealed.
        has_key: Whether the old data folder has its signing key.
        codes: Why it stopped, by the evidence that lies in the old data folder.
    """

    trail: Trail
    anchor: Anchor | None
    has_key: bool
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Succession:
    """What is to be done: `old` has come to its end, `folder` is to hold what goes on.

    `new_keys`: no key is taken over, though it may be there.
    """

    old: DataFolder
    folder: DataFolder
    deployment: Deployment
    ended: Sequence[Ended]
    old_store: Store
    new_keys: bool
    reason: str


@contextmanager
def planned_succession(
    old: DataFolder, folder: DataFolder, deployment: Deployment, *, new_keys: bool, reason: str
) -> Iterator[Succession]:
    """Look at the trails of a data folder, which is held alone for as long as the context lasts.

    `deployment` is the new one's, but for the name of the chained topic.

    Raises:
        CommandError: nothing is sealed; the new folder holds trails; another process holds the old one.
        TransportError: the archive can't be read.
    """
    if folder.exists:
        raise CommandError(f"{folder.root} has trails already: name a new data folder with --data")
    if folder.root.resolve() == old.root.resolve():
        raise CommandError("the old data folder stays as it is: name a new one with --data")
    before = replace(old.deployment(), endpoint_url=deployment.endpoint_url, profile=deployment.profile)
    with locked(old, command="init"), stores.opened_for_work(old, before) as (store, _):
        ended = [_ended(old, store, trail) for trail in old.policy_trails()]
        if all(each.anchor is None for each in ended):
            raise CommandError(
                f"nothing of the trails in {old.root} is sealed: there is nothing to go on from. Begin anew"
            )
        yield Succession(old, folder, deployment, ended, store, new_keys, reason)


def succeed(plan: Succession, librdkafka: Mapping[str, Property]) -> None:
    """Set up the new data folder, begin its trails, and keep the old one's services from starting again.

    Topics of a Kafka cluster must be there. May be called again after any failure.

    Raises as `set_up`, and:
        LineStoppedError: the chained topic begins with another trail.
    """
    folder = plan.folder
    make_private_folder(folder.root)
    make_private_folder(folder.keys)
    for each in plan.ended:
        name = (each.trail.raw_topic, each.trail.partition)
        if each.has_key and not plan.new_keys:
            write_private(folder.key_file(*name), plan.old.key_file(*name).read_bytes())

    def begin(log: Log, store: Store, trails: Sequence[Trail]) -> None:
        for trail, before in zip(trails, plan.ended, strict=True):
            refuse_namesakes(store, trail, also=before.trail.verifier)
            _begin(plan, log, store, trail, before)
        evidence.mark_succeeded(plan.old, folder)

    set_up(folder, plan.deployment, librdkafka, begin=begin)


def choose_chained_topic(log: Log, folder: DataFolder, deployment: Deployment) -> str:
    """A name for the chained topic under which nothing was ever chained; the same one at each call.

    Raises: LogError: the log can't be asked.
    """
    file = folder.root / _NAME_FILE
    if file.exists():
        return file.read_text("utf-8").strip()
    number, name = 1, deployment.topic + CHAINED_SUFFIX
    while _holds_records(log, name):
        number += 1
        name = f"{deployment.topic}{CHAINED_SUFFIX}-{number}"
    return name


def keep_chained_topic(folder: DataFolder, name: str) -> None:
    """Keep the choice, before anything is made. Raises OSError."""
    make_private_folder(folder.root)
    write_private(folder.root / _NAME_FILE, f"{name}\n".encode())


def _holds_records(log: Log, name: str) -> bool:
    try:
        partitions = log.topic(name).partitions
        return any(log.bounds(name, number).end > 0 for number in range(partitions))
    except TopicMissingError:
        return False


def _ended(old: DataFolder, store: Store, trail: Trail) -> Ended:
    codes = tuple(kept.code for kept in evidence.kept_of(old, trail.origin))
    has_key = old.key_file(trail.raw_topic, trail.partition).exists()
    if has_key:
        old.signer_of(trail)  # another trail's would be worse than none
    anchor = newest_sealed(store, trail)
    if anchor is not None and anchor.keys.newest != trail.verifier:
        raise CommandError(
            f"{old.policy} names a key of {trail.origin} that was changed: bring the newest policy and key"
        )
    return Ended(trail, anchor, has_key, codes)


def _begin(plan: Succession, log: Log, store: Store, trail: Trail, before: Ended) -> None:
    if before.anchor is None:
        begin_trails(log, store, [trail])
        return
    predecessor = name_predecessor(before.anchor, trail.verifier, plan.reason)
    offset = first_source_offset(log, plan.old_store, trail, before.anchor, before.codes)
    begin_successor(
        log,
        trail,
        predecessor,
        first_source_offset=offset,
        now_ms=system_clock_ms(),
        entropy=secrets.token_bytes,
    )
