"""`sealtrail chain`: the chainer as a service."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

import click

from sealtrail.help_text import examples
from sealtrail.line import Line
from sealtrail.pipeline_options import chainer_options
from sealtrail.service_options import service_options
from sealtrail.service_run import run_service
from sealtrail_chainer.chainer import Chainer

if TYPE_CHECKING:
    from sealtrail.data_folder import Deployment
    from sealtrail.service_options import ServiceChoice
    from sealtrail_chainer.chainer import ChainerSettings
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail chain", "sealtrail chain --instance chainer-1 --log-format json", "sealtrail chain --drain"
    )
)
@chainer_options
@service_options
def command(service: ServiceChoice, chainer: ChainerSettings) -> None:
    """Chain what is published, as a service.

    Runs until SIGTERM or Ctrl-C, which let the steps under way finish; a second one ends it at once. Several
    processes share the partitions out among themselves, as a consumer group. It needs the data folder without
    its keys. A log or store that is away is waited for.

    With --drain it ends once what is there is chained, of the partitions that it is given; it waits until it
    is given some. On the embedded log it works on all partitions and lets nobody else use the data folder.

    Exits with 0 after SIGTERM or when drained, 130 after Ctrl-C, 3 when the line stopped because a trail's
    integrity is in doubt: the evidence is then in the data folder, and a restart is refused while it lies
    there.
    """

    def make_line(log: Log, store: Store, _: Deployment, trail: Trail) -> Line:
        return Line(trail.origin, Chainer(log, store, trail, chainer, entropy=secrets.token_bytes))

    click.get_current_context().exit(run_service("chain", service, make_line, reads="raw"))
