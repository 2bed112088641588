"""Ways onward from a stopped line, done: each states what it does in a control entry, once.

Each is called with the trail's services stopped, and may be called again after any failure: it finds what was
done, and completes it.
"""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, NamedTuple

from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.errors import KeyChangedError
from sealtrail_archiver.key_note import place_key_note
from sealtrail_archiver.settings import ArchiverSettings, Did
from sealtrail_chainer.anchor import find_anchor, sealed_anchors
from sealtrail_chainer.continuation import find_continuation
from sealtrail_chainer.control_append import append_control
from sealtrail_chainer.diagnosis import diagnose
from sealtrail_chainer.ways import CONTINUED, look_for_continuation, look_for_gap, look_for_key_change
from sealtrail_schemas.layout import trail_prefix
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.errors import LogUnavailableError
from sealtrail_transport.seal_shelf import read_seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from sealtrail_chainer.anchor import Anchor
    from sealtrail_chainer.control_append import Stated
    from sealtrail_chainer.errors import StopCode
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer
    from sealtrail_transport.log import Log
    from sealtrail_transport.store import Store


class Site(NamedTuple):
    """Where a trail is worked on, by whom and when.

    Attributes:
        log, store, trail: As the chainer and the archiver have them.
        signer: The key that signs for the trail now.
        retention: For how long each object is locked; None where the store can't lock.
        clock_ms: Milliseconds since the Unix epoch.
        entropy: Returns that many random bytes.
    """

    log: Log
    store: Store
    trail: Trail
    signer: Signer
    retention: timedelta | None
    clock_ms: Callable[[], int]
    entropy: Callable[[int], bytes]


def continue_trail(site: Site, known: StopCode | None, *, reason: str) -> Stated:
    """State that the trail goes on, though its chained topic is not what it was, and seal that.

    `known` is why the line stopped, by its evidence. From the seal on, all readers begin behind it.

    Raises:
        NotThisWayError: as `look_for_continuation`.
        KeyChangedError: another key signs for the trail now.
        WriterFencedError, LineStoppedError, TransportError: as `append_control` and `Archiver.step`.
    """
    log, store, trail = site.log, site.store, site.trail
    _check_signer(site)
    stop = diagnose(log, store, trail).stop
    if stop is not None and stop.code in CONTINUED:
        known = stop.code  # behind the append it is not to be seen any more
    stated = _state(site, lambda: look_for_continuation(log, store, trail, known), [site.signer], reason)
    _seal_up_to(site, stated.size, find_continuation(log, trail, sealed_anchors(store, trail)))
    return stated


def record_gap(site: Site, *, reason: str) -> Stated:
    """State that raw records are lost before they were chained, so that the line can go on behind them.

    Raises:
        NotThisWayError: there is no gap.
        KeyChangedError: another key signs for the trail now.
        WriterFencedError, LineStoppedError, TransportError: as `append_control`.
    """
    _check_signer(site)
    return _state(site, lambda: look_for_gap(site.log, site.store, site.trail), [site.signer], reason)


def change_key(site: Site, new: Signer, *, reason: str) -> Stated:
    """Give the trail another key: stated in an entry, sealed by the old key, and noted under `keys/`.

    Raises:
        NotThisWayError: the key was changed to another one before.
        WriterFencedError, LineStoppedError, TransportError: as `append_control` and `Archiver.step`.
    """
    log, store, trail = site.log, site.store, site.trail
    new_key, signers = new.verifier, [site.signer, new]
    stated = _state(site, lambda: look_for_key_change(log, store, trail, new_key), signers, reason)
    _seal_up_to(site, stated.size, None)
    folder = trail_prefix(trail.raw_topic, trail.partition, stated.control.trail_id)
    sealed = read_seal(store, folder, stated.size, TrailKeys.only(site.signer.verifier), None)
    if sealed is None:
        raise LogUnavailableError(f"{folder} does not show the seal of size {stated.size}: try again")
    place_key_note(store, folder, stated, sealed.opened.seal)
    return stated


def _state(site: Site, look: Callable[[], Any], signers: list[Signer], reason: str) -> Stated:
    return append_control(
        site.log, site.trail, look, signers, reason=reason, now_ms=site.clock_ms(), entropy=site.entropy
    )


def _check_signer(site: Site) -> None:
    for anchor in sealed_anchors(site.store, site.trail):
        if anchor.keys.newest != site.signer.verifier:
            raise KeyChangedError(
                f"the key of {site.trail.origin} was changed: this is the old one "
                f"({site.signer.verifier.fingerprint}). Come with the new key and policy"
            )


def _seal_up_to(site: Site, size: int, anchor: Anchor | None) -> None:
    """Seal the trail's entries below `size`, with all that is chained by then; from `anchor` on, if given."""
    log, store, trail = site.log, site.store, site.trail
    if anchor is None:
        found = find_anchor(log, store, trail)
        if found is not None and found.seal is not None and found.state.size >= size:
            return
    settings = ArchiverSettings(site.retention)
    archiver = Archiver(log, store, trail, site.signer, settings, submit=_at_once, anchor=anchor)
    while archiver.sealed_size < size:
        if archiver.step(now_ms=site.clock_ms(), flush=True).did in {Did.IDLE, Did.WAITING}:
            raise LogUnavailableError(f"{trail.chained_topic} does not show entry {size - 1}: try again")


def _at_once(work: Callable[[], Any]) -> Future[Any]:
    """Do store work before going on."""
    future: Future[Any] = Future()
    try:
        future.set_result(work())
    except Exception as error:  # noqa: BLE001 - a future carries whatever was raised
        future.set_exception(error)
    return future
