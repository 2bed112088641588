"""`sealtrail archive`: the archiver as a service."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from sealtrail.help_text import examples
from sealtrail.line import Line
from sealtrail.pipeline_options import archiver_options
from sealtrail.service_options import service_options
from sealtrail.service_run import run_service
from sealtrail_archiver.archiver import Archiver

if TYPE_CHECKING:
    from sealtrail.data_folder import Deployment
    from sealtrail.pipeline_options import BatchChoice
    from sealtrail.service_options import ServiceChoice
    from sealtrail_chainer.trail import Trail
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


@click.command(
    epilog=examples(
        "sealtrail archive",
        "sealtrail archive --instance archiver-1 --batch-age 1m --trim-after 7d",
        "sealtrail archive --drain",
    )
)
@archiver_options
@service_options
def command(service: ServiceChoice, batches: BatchChoice) -> None:
    """Seal what is chained, as a service.

    Runs until SIGTERM or Ctrl-C, which let the steps under way finish; a second one ends it at once. What is
    not sealed by then is found by the next start. Several processes share the partitions out among
    themselves, as a consumer group. It needs the data folder with its keys. A log or store that is away is
    waited for.

    With --drain it ends once what is chained is sealed, of the partitions that it is given; it waits until it
    is given some. On the embedded log it works on all partitions and lets nobody else use the data folder.

    What is sealed gets its view a little later, from a process of its own; no seal waits for one. A view that
    can't be written is told of and left out: `sealtrail index` makes it.

    Exits with 0 after SIGTERM or when drained, 130 after Ctrl-C, 3 when the line stopped because a trail's
    integrity is in doubt: the evidence is then in the data folder, and a restart is refused while it lies
    there.
    """

    def make_line(log: Log, store: Store, deployment: Deployment, trail: Trail) -> Line:
        signer = service.folder.signer_of(trail)
        settings = batches.settings(deployment.retention)
        return Line(
            trail.origin,
            make_archiver=lambda submit: Archiver(log, store, trail, signer, settings, submit=submit),
        )

    views = batches.view_mappings()
    code = run_service("archive", service, make_line, reads="chained", view_mappings=views)
    click.get_current_context().exit(code)
