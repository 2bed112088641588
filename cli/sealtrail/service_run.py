"""Running a service from the command line: its log, store, group and signals, and how it ends."""

from __future__ import annotations

import logging
import os
import signal
import sys
from contextlib import ExitStack
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, NamedTuple, NoReturn, Protocol

from sealtrail import evidence, logs, service_log, stores
from sealtrail.exits import CommandError, ExitCode, exit_code_of, one_line
from sealtrail.folder_lock import locked
from sealtrail.interpreter import set_up_for_service
from sealtrail.interrupts import Interrupts
from sealtrail.membership import all_partitions, group_member
from sealtrail.monitor import monitoring
from sealtrail.service import Service
from sealtrail.service_log import tell
from sealtrail.view_writer import ViewWriter
from sealtrail_chainer.errors import LineStoppedError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail.line import Line
    from sealtrail.membership import Membership
    from sealtrail.monitor import Monitor
    from sealtrail.service_log import Field
    from sealtrail.service_options import ServiceChoice
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.recognise_json import JsonMapping
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


class _Watched(NamedTuple):
    """What a running service heeds, and what heeds it."""

    interrupts: Interrupts
    monitor: Monitor | None


class LineMaker(Protocol):
    """What makes the line of a trail."""

    def __call__(self, log: Log, store: Store, deployment: Deployment, trail: Trail, /) -> Line:
        """Make it. Raises OSError or FormatError where the data folder does not hold what it takes."""
        ...


def run_service(
    name: str,
    choice: ServiceChoice,
    make_line: LineMaker,
    *,
    reads: str,
    view_mappings: Sequence[JsonMapping] | None = None,
) -> ExitCode:
    """Run a service until it is told to end, or drained; returns the exit code.

    Args:
        name: of the command; it names the consumer group, too.
        choice: what the user said.
        make_line: makes the line of a trail.
        reads: `raw` or `chained`: the topic whose partitions are shared out.
        view_mappings: by which to make views of what is sealed; None: none are made.
    """
    handler = service_log.write_to_stderr(choice.log_format, verbose="debug" in choice.librdkafka)
    try:
        with Interrupts() as interrupts, monitoring(name, choice.metrics) as monitor:
            interrupts.expected = True
            watched = _Watched(interrupts, monitor)
            try:
                _run(name, choice, make_line, reads=reads, view_mappings=view_mappings, watched=watched)
            except LineStoppedError:
                if monitor is not None:
                    monitor.linger(interrupts)
                raise
    except LineStoppedError:
        code = ExitCode.LINE_STOPPED
    except evidence.StoppedBeforeError as error:
        code = error.code
        _tell_stopped_before(error)
    except Exception as error:
        known = error.code if isinstance(error, CommandError) else exit_code_of(error)
        if known is None:
            raise
        code = known
        tell("failed", level=logging.ERROR, fields={"error": one_line(error), "exit": int(code)})
    else:
        code = ExitCode.INTERRUPTED if interrupts.first is signal.SIGINT else ExitCode.OK
        tell("ended", fields={"exit": int(code)})
    finally:
        service_log.stop_writing(handler)
    return code


def _run(
    name: str,
    choice: ServiceChoice,
    make_line: LineMaker,
    *,
    reads: str,
    view_mappings: Sequence[JsonMapping] | None,
    watched: _Watched,
) -> None:
    interrupts, monitor = watched
    folder, deployment = choice.folder, choice.deployment()
    evidence.refuse_restart(folder)
    if choice.health_file is not None:
        choice.health_file.unlink(missing_ok=True)  # one of an earlier run says nothing of this one
    with ExitStack() as held:
        held.enter_context(set_up_for_service())
        if not deployment.is_kafka:
            held.enter_context(locked(folder, command=name))
        log = held.enter_context(logs.open_log(folder, deployment, choice.librdkafka))
        store, _ = held.enter_context(stores.opened_for_work(folder, deployment))
        views = None
        if view_mappings is not None:
            writer = ViewWriter(
                view_mappings, tell=_tell_of_views, finishes=lambda: choice.drain and not interrupts.count
            )
            views = held.enter_context(writer)

        def line_of(partition: int) -> Line | None:
            trail = folder.trail(deployment, partition)
            if trail is None:
                return None
            line = make_line(log, store, deployment, trail)
            if views is not None:
                line.on_sealed = partial(views.sealed, store)
            return line

        service = Service(line_of, drain=choice.drain, health_file=choice.health_file)
        topic = deployment.topic if reads == "raw" else deployment.chained_topic
        if monitor is not None:
            held.enter_context(monitor.watching(service.pipeline, service.blocked))
            tell("metrics", fields={"url": monitor.url})
        membership = held.enter_context(_membership(name, choice, deployment, topic, service))
        try:
            service.run(membership, interrupts)
        except LineStoppedError as error:
            _tell_stopped(folder, service.pipeline.failed_origin or "", error)
            raise
        if interrupts.count > 1:
            _end_at_once()


def _membership(
    name: str, choice: ServiceChoice, deployment: Deployment, topic: str, service: Service
) -> AbstractContextManager[Membership]:
    fields = {
        "version": version("sealtrail"),
        "service": name,
        "log": deployment.log,
        "topic": topic,
        "archive": deployment.archive,
    }
    if not deployment.is_kafka:
        tell("started", fields=fields)
        return all_partitions(deployment.partitions, service)
    group = choice.group or f"sealtrail-{name}/{deployment.base}/{deployment.topic}"
    tell("started", fields=fields | {"group": group, "instance": choice.instance})
    settings = logs.kafka_settings(deployment.log, choice.librdkafka)
    return group_member(settings, topic, service, group=group, instance=choice.instance)


def _tell_of_views(origin: str | None, text: str) -> None:
    tell("views", origin=origin, level=logging.WARNING, fields={"text": text})


def _tell_stopped(folder: DataFolder, origin: str, error: LineStoppedError) -> None:
    """Write the evidence down. It is in the log line, too: the folder may be read-only."""
    fields: dict[str, Field] = {"code": error.code.value, "text": str(error), **error.evidence}
    try:
        fields["evidence"] = str(evidence.write(folder, origin, error))
    except OSError as failure:
        fields["evidence"] = f"not written: {one_line(failure)}"
    fields["exit"] = int(ExitCode.LINE_STOPPED)
    tell("stopped", origin=origin, level=logging.ERROR, fields=fields)


def _tell_stopped_before(error: evidence.StoppedBeforeError) -> None:
    fields: dict[str, Field] = {"code": error.stop_code, "text": one_line(error), "evidence": str(error.file)}
    fields["exit"] = int(error.code)
    tell("stopped", origin=error.origin, level=logging.ERROR, fields=fields)


def _end_at_once() -> NoReturn:
    """End although threads still work: what they were at is found by the next start, as after a crash."""
    tell("ended", fields={"exit": int(ExitCode.INTERRUPTED)})
    sys.stderr.flush()
    os._exit(ExitCode.INTERRUPTED)
