"""`sealtrail up`: the embedded pipeline in one process."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from contextlib import ExitStack, contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple, NoReturn

import click
from rich.markup import escape

from sealtrail import evidence, stores
from sealtrail.archive_option import data_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import DataFolder
from sealtrail.exits import CommandError, ExitCode
from sealtrail.folder_lock import Holder, announce, locked
from sealtrail.help_text import examples
from sealtrail.interrupts import Interrupts
from sealtrail.line import Line
from sealtrail.metrics_option import metrics_options
from sealtrail.monitor import monitoring
from sealtrail.pipeline import Pipeline
from sealtrail.pipeline_options import archiver_options, chainer_options
from sealtrail.pipeline_view import PipelineView
from sealtrail.reset import begin_anew
from sealtrail.trail_report import report_trails
from sealtrail.view_writer import ViewWriter
from sealtrail.wording import describe_archive, plural
from sealtrail_archiver.archiver import Archiver
from sealtrail_chainer.chainer import Chainer
from sealtrail_chainer.errors import LineStoppedError
from sealtrail_transport.clock import system_clock_ms
from sealtrail_transport.sqlite_log import SqliteLog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail.data_folder import Deployment
    from sealtrail.metrics_option import MetricsChoice
    from sealtrail.monitor import Monitor
    from sealtrail.pipeline_options import BatchChoice
    from sealtrail_archiver.settings import ArchiverSettings
    from sealtrail_chainer.chainer import ChainerSettings
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.recognise_json import JsonMapping
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store

_LOOK_EVERY_S: Final = 0.2


@click.command(epilog=examples("sealtrail up", "sealtrail up --drain", "sealtrail up --batch-age 1m --json"))
@click.option("--drain", is_flag=True, help="Chain and seal what is there, then end.")
@click.option("--reset", is_flag=True, help="First delete the data folder, and begin anew with its settings.")
@click.option("--yes", is_flag=True, help="Ask nothing: yes, --reset may delete.")
@archiver_options
@chainer_options
@metrics_options
@data_option
@output_options
def command(
    *,
    drain: bool,
    reset: bool,
    yes: bool,
    batches: BatchChoice,
    chainer: ChainerSettings,
    metrics: MetricsChoice,
    data: Path,
) -> None:
    """Run the pipeline: chain and seal what is published.

    Runs until Ctrl-C or SIGTERM, which seal what is published so far before they end it; a second one ends it
    at once. However it ends, the next start finds what was left and goes on. A log or store that is away is
    waited for. What is sealed gets its view a little later; no seal waits for one.

    Exits with 0 when drained (also after SIGTERM), 130 after Ctrl-C, 3 when the line stopped because a
    trail's integrity is in doubt: the evidence is then in the data folder, and a restart is refused while it
    lies there.
    """
    output = current_output()
    folder = DataFolder(data)
    deployment = folder.deployment()
    if deployment.is_kafka:
        raise CommandError(
            f"`sealtrail up` is for the embedded log; for {deployment.log} run `sealtrail chain` and "
            "`sealtrail archive`"
        )
    if reset:
        begin_anew(folder, deployment, assume_yes=yes)
        report_trails(output, folder, made=True)
    evidence.refuse_restart(folder)
    machines = _Machines(chainer, batches.settings(deployment.retention), batches.view_mappings())
    with Interrupts() as interrupts, monitoring("up", metrics) as monitor:
        try:
            with (
                _pipeline(output, folder, deployment, machines, interrupts) as pipeline,
                _watched(output, pipeline, monitor),
            ):
                view = _run(output, folder, pipeline, interrupts, drain=drain)
        except LineStoppedError:
            if monitor is not None:
                monitor.linger(interrupts)
            raise
        if interrupts.count > 1:
            _end_at_once()
    output.say(
        f"Ended in good order: {plural(view.chained, 'entry', 'entries')}, {view.sealed:,} of them sealed."
    )
    if interrupts.first is signal.SIGINT:
        click.get_current_context().exit(ExitCode.INTERRUPTED)


def _watched(output: Output, pipeline: Pipeline, monitor: Monitor | None) -> AbstractContextManager[None]:
    if monitor is None:
        return nullcontext()
    output.say(f"Metrics: {monitor.url}")
    return monitor.watching(pipeline)


class _Machines(NamedTuple):
    """What the machines of each trail go by; views are made where there are mappings for them."""

    chainer: ChainerSettings
    archiver: ArchiverSettings
    view_mappings: tuple[JsonMapping, ...] | None


@contextmanager
def _pipeline(
    output: Output, folder: DataFolder, deployment: Deployment, machines: _Machines, interrupts: Interrupts
) -> Iterator[Pipeline]:
    """The pipeline of a data folder, with the folder locked and its store running."""
    with ExitStack() as held:
        held.enter_context(locked(folder, command="up"))
        log = held.enter_context(SqliteLog(folder.log))
        output.say(f"Archive: {escape(describe_archive(deployment))}.")
        store, _ = held.enter_context(stores.opened_for_work(folder, deployment))
        announce(folder, Holder(os.getpid(), "up", serves=True))
        lines = [_line(log, store, key, machines) for key in folder.trails()]
        if machines.view_mappings is not None:

            def tell(origin: str | None, text: str) -> None:
                output.warn(escape(f"{origin}: {text}" if origin else text))

            views = ViewWriter(machines.view_mappings, tell=tell, finishes=lambda: interrupts.count < 2)
            held.enter_context(views)
            for line in lines:
                line.on_sealed = partial(views.sealed, store)
        pipeline = Pipeline(lines, clock_ms=system_clock_ms)
        held.callback(pipeline.close)
        yield pipeline


def _line(log: Log, store: Store, key: tuple[Trail, Signer], machines: _Machines) -> Line:
    trail, signer = key
    return Line(
        trail.origin,
        Chainer(log, store, trail, machines.chainer, entropy=secrets.token_bytes),
        lambda submit: Archiver(log, store, trail, signer, machines.archiver, submit=submit),
    )


def _run(
    output: Output, folder: DataFolder, pipeline: Pipeline, interrupts: Interrupts, *, drain: bool
) -> PipelineView:
    """Run a pipeline to its end, and answer signals."""
    with PipelineView(output, pipeline) as view:
        if drain:
            pipeline.drain()
        pipeline.start()
        interrupts.expected = True
        try:
            while not pipeline.wait(timeout_s=_LOOK_EVERY_S):
                _heed(interrupts, pipeline, view)
                view.refresh()
        except LineStoppedError as error:
            file = evidence.write(folder, pipeline.failed_origin or "", error)
            output.warn(f"The line stopped; the evidence is in {escape(str(file))}")
            raise
        finally:
            view.refresh()
    return view


def _heed(interrupts: Interrupts, pipeline: Pipeline, view: PipelineView) -> None:
    if interrupts.count > 1:
        pipeline.abandon()
    elif interrupts.count and not view.ending:
        pipeline.drain()
        view.end("sealing what is there before ending; Ctrl-C again ends at once")


def _end_at_once() -> NoReturn:
    """End although threads still work: what they were at is found by the next start, as after a crash."""
    sys.stdout.flush()
    os._exit(ExitCode.INTERRUPTED)
