"""Faults as they are planned, each undone at its end."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from soak.plan import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from soak.plan import PlannedFault
    from soak.services import Clock, Service


@dataclass(frozen=True, slots=True)
class Done:
    """A fault that was: from when to when, in seconds of the run."""

    fault: str
    began_s: float
    ended_s: float


@dataclass(frozen=True, slots=True)
class Parts:
    """What faults can meet; servers that are not ours have no containers, and no faults."""

    chainer: Service
    archiver: Service
    kafka_container: str | None
    store_container: str | None


def cause(planned: PlannedFault, parts: Parts, clock: Clock, wait: Callable[[float], object]) -> Done | None:
    """Cause a fault, wait as long as it lasts, and undo it; None where it can't be caused.

    `wait` waits that many seconds, or less when the run is given up.
    """
    context = _contexts(parts)[planned.fault]
    if context is None:
        return None
    began_s = clock.now_s()
    with context:
        wait(planned.lasts_s)
    return Done(planned.fault.value, began_s, clock.now_s())


def _contexts(parts: Parts) -> dict[Fault, contextlib.AbstractContextManager[None] | None]:
    kafka, store = parts.kafka_container, parts.store_container
    return {
        Fault.KILL_CHAINER: _killed(parts.chainer),
        Fault.KILL_ARCHIVER: _killed(parts.archiver),
        Fault.STOP_CHAINER: _held(parts.chainer),
        Fault.STOP_ARCHIVER: _held(parts.archiver),
        Fault.PAUSE_BROKER: _switched(kafka, "pause", "unpause") if kafka else None,
        Fault.PAUSE_STORE: _switched(store, "pause", "unpause") if store else None,
        Fault.RESTART_STORE: _switched(store, "kill", "start") if store else None,
    }


@contextlib.contextmanager
def _killed(service: Service) -> Iterator[None]:
    service.kill()
    try:
        yield
    finally:
        service.start()


@contextlib.contextmanager
def _held(service: Service) -> Iterator[None]:
    service.hold()
    try:
        yield
    finally:
        service.release()


@contextlib.contextmanager
def _switched(container: str, off: str, on: str) -> Iterator[None]:
    import docker

    with contextlib.closing(docker.from_env()) as client:
        found = client.containers.get(container)
        getattr(found, off)()
        try:
            yield
        finally:
            getattr(found, on)()
