"""Appending a control entry: once, whatever happens on the way.

What counts is what is found. Before each append, and behind the last one, the chain is read and asked whether
the entry is there: so a run that died is completed by the next one, and an append of unknown outcome is no
special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail_chainer.chain_step import chain_control
from sealtrail_chainer.trail import writer_name
from sealtrail_schemas.body import ControlBody
from sealtrail_schemas.control import Control, sign_control
from sealtrail_schemas.payload import SALT_BYTES
from sealtrail_transport.errors import LogUnavailableError, UncertainAppendError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.chain import ChainState
    from sealtrail_schemas.control import Deed
    from sealtrail_schemas.keys import Signer
    from sealtrail_transport.log import Log, NewRecord

_ATTEMPTS: Final = 5


@dataclass(frozen=True, slots=True)
class Stated:
    """A control entry that is on the true chain, and what it states. `note` is its signed text."""

    control: Control
    note: bytes

    @property
    def size(self) -> int:
        """That of the trail with this entry as its last."""
        return self.control.sequence + 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a control entry is missing: the state that it links to, and where reading goes on behind it."""

    state: ChainState
    next_source_offset: int
    deed: Deed


def append_control(
    log: Log,
    trail: Trail,
    look: Callable[[], Stated | Place],
    signers: Sequence[Signer],
    *,
    reason: str,
    now_ms: int,
    entropy: Callable[[int], bytes],
) -> Stated:
    """Append the control entry that `look` misses, as the trail's chainer, and return what it then finds.

    `look` reads the chain and decides; it is called with every older chainer fenced. `now_ms` is the clock of
    who calls, `entropy(n)` returns n random bytes.

    Raises:
        WriterFencedError: a chainer of this trail runs, and has taken the place of this writer.
        LogUnavailableError, StoreUnavailableError: call again; what was done is found.
        LineStoppedError: as `look`.
    """
    for _ in range(_ATTEMPTS):
        writer = log.writer(trail.chained_topic, trail.partition, name=writer_name(trail))
        try:
            found = look()
            if isinstance(found, Stated):
                return found
            record = _record(trail, found, signers, reason=reason, now_ms=now_ms, entropy=entropy)
            writer.append([record])
        except UncertainAppendError:
            continue  # whoever opens the next writer settles the matter, and looks
        finally:
            writer.close()
    raise LogUnavailableError(f"{trail.chained_topic} does not keep what is appended to it: try again")


def _record(
    trail: Trail,
    place: Place,
    signers: Sequence[Signer],
    *,
    reason: str,
    now_ms: int,
    entropy: Callable[[int], bytes],
) -> NewRecord:
    control = Control(
        origin=trail.origin,
        trail_id=place.state.trail_id,
        sequence=place.state.size,
        previous_hash=place.state.last_hash,
        at_ms=now_ms,
        reason=reason,
        deed=place.deed,
    )
    body = ControlBody(control.name, sign_control(control, signers).decode())
    record, _ = chain_control(
        place.state,
        body,
        next_source_offset=place.next_source_offset,
        now_ms=now_ms,
        salt=entropy(SALT_BYTES),
    )
    return record
