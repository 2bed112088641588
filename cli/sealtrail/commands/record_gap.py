"""`sealtrail record-gap`: go on behind raw records that were lost before they were chained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealtrail.console import output_options
from sealtrail.help_text import examples
from sealtrail.onward_options import onward_options
from sealtrail.onward_run import Way, take_way
from sealtrail_archiver.onward import record_gap
from sealtrail_chainer.errors import StopCode
from sealtrail_chainer.ways import look_for_gap

if TYPE_CHECKING:
    from sealtrail.onward_options import OnwardChoice
    from sealtrail_archiver.onward import Site
    from sealtrail_chainer.control_append import Place, Stated


@click.command(
    epilog=examples(
        "sealtrail record-gap --dry-run",
        'sealtrail record-gap --reason "retention of 1h while the chainer was down"',
    )
)
@onward_options
@output_options
def command(onward: OnwardChoice) -> None:
    """Go on behind raw records that were deleted before they were chained.

    For a line that stopped with raw-overtaken. A control entry, signed with the trail's key, states the
    offsets that are lost and why; `sealtrail verify` tells of it from then on. What is lost stays lost: look
    for the events elsewhere first, and lengthen the raw topic's retention.

    Stop the trail's services before, and start them again after it. A run that was cut short is completed by
    the next one. It needs the data folder with its keys; evidence of the stop that lies there is renamed.
    """

    def look(site: Site, _: StopCode | None) -> Stated | Place:
        return look_for_gap(site.log, site.store, site.trail)

    def act(site: Site, _: StopCode | None, reason: str) -> Stated:
        return record_gap(site, reason=reason)

    with onward.opened("record-gap") as (log, store):
        sites = [
            onward.site(log, store, trail, onward.folder.signer_of(trail)) for trail in onward.chosen_trails()
        ]
        codes = frozenset({StopCode.RAW_OVERTAKEN})
        take_way(onward, Way("record-gap", codes, look, lambda: None, act), sites)
