"""`sealtrail continue`: go on from the newest seal after a chained topic failed."""  # noqa: N999 - the command has that name

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealtrail import logs
from sealtrail.console import output_options
from sealtrail.data_folder import SQLITE
from sealtrail.help_text import examples
from sealtrail.kafka_setup import TopicWishes, prepare_topics
from sealtrail.onward_options import onward_options
from sealtrail.onward_run import Way, take_way
from sealtrail_archiver.onward import continue_trail
from sealtrail_chainer.control_append import Place
from sealtrail_chainer.diagnosis import NotThisWayError
from sealtrail_chainer.errors import StopCode
from sealtrail_chainer.ways import CONTINUED, look_for_continuation, newest_sealed
from sealtrail_schemas.body import TOPIC_ID_BYTES, TopicRef
from sealtrail_schemas.control import Continuation
from sealtrail_transport.errors import TopicMissingError
from sealtrail_transport.kafka_topic_check import ROOM_FOR_LINK_BYTES

if TYPE_CHECKING:
    from sealtrail.logs import DeployedLog
    from sealtrail.onward_options import OnwardChoice
    from sealtrail_archiver.onward import Site
    from sealtrail_chainer.control_append import Stated
    from sealtrail_transport.log import Log


@click.command(
    epilog=examples(
        "sealtrail continue --dry-run",
        'sealtrail continue --trail payments/0 --reason "brokers restored from a backup"',
    )
)
@onward_options
@output_options
def command(onward: OnwardChoice) -> None:
    """Go on in the same trail after its chained topic was lost, cut off, or can't be read on.

    For a line that stopped with chained-truncated, chained-overtaken, acknowledged-lost, payload-mismatch,
    stray-lost, or topic-recreated of the chained topic; one that is gone is made anew. A control entry,
    signed with the trail's key, states behind the newest seal that the trail goes on there, and why. It is
    sealed at once, and everybody reads on behind it. What was chained and not sealed is chained again from
    the raw topic, when the chainer starts.

    Stop the trail's services before, and start them again after it. A run that was cut short is completed by
    the next one. It needs the data folder with its keys; evidence of the stop that lies there is renamed.
    """
    with onward.opened("continue") as (log, store):
        is_gone = _is_gone(log, onward.deployment.chained_topic)

        def look(site: Site, known: StopCode | None) -> Stated | Place:
            return _in_new_topic(site) if is_gone else look_for_continuation(*site[:3], known)

        def prepare() -> None:
            if is_gone:
                _make_topic(log, onward)

        def act(site: Site, known: StopCode | None, reason: str) -> Stated:
            return continue_trail(site, known, reason=reason)

        sites = [
            onward.site(log, store, trail, onward.folder.signer_of(trail)) for trail in onward.chosen_trails()
        ]
        take_way(onward, Way("continue", CONTINUED, look, prepare, act), sites)


def _is_gone(log: Log, topic: str) -> bool:
    try:
        log.topic(topic)
    except TopicMissingError:
        return True
    return False


def _in_new_topic(site: Site) -> Place:
    """Where the continuation goes in a chained topic that is yet to be made, and has no id."""
    trail = site.trail
    site.log.topic(trail.raw_topic)  # without it, nothing could be chained
    anchor = newest_sealed(site.store, trail)
    if anchor is None:
        raise NotThisWayError(f"nothing of {trail.origin} is sealed, so there is nothing to go on from")
    deed = Continuation(TopicRef(trail.chained_topic, bytes(TOPIC_ID_BYTES)), StopCode.TOPIC_RECREATED)
    return Place(anchor.state, anchor.state.next_source_offset, deed)


def _make_topic(log: DeployedLog, onward: OnwardChoice) -> None:
    """Make the chained topic as `init` does."""
    deployment = onward.deployment
    if deployment.log == SQLITE:
        raw = log.topic(deployment.topic)
        log.create_topic(
            deployment.chained_topic,
            partitions=deployment.partitions,
            append_time=True,
            max_record_bytes=raw.max_record_bytes + ROOM_FOR_LINK_BYTES,
        )
        return
    wishes = TopicWishes(deployment.topic, deployment.chained_topic)
    prepare_topics(logs.kafka_settings(deployment.log, onward.librdkafka), wishes)
