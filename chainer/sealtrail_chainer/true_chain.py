"""The true chain: the one rule that decides which records of a chained partition are the trail.

docs/format.md, "The true chain". The chainer's recovery and the archiver both read through `TrueChain`, so
they can't disagree. It takes records and returns values; where to read, and what to do about a stop, is the
caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.stray_watch import MAX_RECENT_BYTES, MAX_WAITING_BYTES, StrayWatch
from sealtrail_schemas.chain import ChainState, advance, breach
from sealtrail_schemas.errors import FormatError, UnknownFormatError
from sealtrail_schemas.leaf import LINK_HEADER, Kind, Leaf, entry_hash, frozen_fields, split_link
from sealtrail_schemas.payload import encode_payload

if TYPE_CHECKING:
    from sealtrail_transport.log import LogRecord

_new_tuple: Final = tuple.__new__  # what Linked._make calls, at half its cost


class Linked(NamedTuple):
    """A record on the true chain: its offset in the chained partition and its entry, ready to be archived."""

    offset: int
    leaf: Leaf
    leaf_bytes: bytes
    payload: bytes
    entry_hash: bytes


@dataclass(frozen=True, slots=True)
class Stray:
    """A committed record that is not on the true chain.

    `source_offset` is the source record that it claims, or None when it carries no leaf of this trail that
    stands for a record.
    """

    offset: int
    reason: str
    source_offset: int | None = None


class TrueChain:
    """Reads a chained partition forwards from an anchor, record by record.

    `max_recent_bytes` and `max_waiting_bytes` bound what is remembered to judge strays (see `StrayWatch`).
    """

    def __init__(
        self,
        anchor: ChainState,
        *,
        max_recent_bytes: int = MAX_RECENT_BYTES,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self.state = anchor
        self._strays = StrayWatch(max_recent_bytes=max_recent_bytes, max_waiting_bytes=max_waiting_bytes)

    @property
    def waiting(self) -> int:
        """How many strays wait for their source record to come again."""
        return self._strays.waiting

    @property
    def oldest_waiting(self) -> int | None:
        """The chained offset of the first stray that waits; who starts again has to read it again."""
        return self._strays.oldest_waiting

    def take(self, record: LogRecord) -> Linked | Stray:
        """Judge the next committed record, in offset order.

        Raises: LineStoppedError: a record of the chain was altered (PAYLOAD_MISMATCH), a stray's source
        record does not come again (STRAY_LOST), or a newer program went on with the chain (NEWER_FORMAT).
        """
        try:
            leaf, leaf_bytes, payload = _take_apart(record)
        except UnknownFormatError as error:
            if frozen_fields(record.headers[-1][1] or b"") == (self.state.size, self.state.last_hash):
                raise LineStoppedError(
                    StopCode.NEWER_FORMAT,
                    f"the chained record at offset {record.offset} goes on with the chain as a newer version "
                    f"of this program writes it: {error}. Run that version",
                    chained_offset=record.offset,
                ) from error
            return Stray(record.offset, str(error))
        except FormatError as error:
            return Stray(record.offset, str(error))
        why_not = breach(self.state, leaf)
        if why_not is not None:
            return self._stray(record.offset, leaf, payload, why_not)
        if sha256(payload).digest() != leaf.payload_hash:
            raise LineStoppedError(
                StopCode.PAYLOAD_MISMATCH,
                f"the chained record at offset {record.offset} is entry {leaf.sequence} by its "
                f"link, but its key, headers and value are not what the link commits to",
                chained_offset=record.offset,
                sequence=leaf.sequence,
            )
        hashed = entry_hash(leaf_bytes)
        self.state = advance(self.state, leaf, hashed)
        if leaf.kind.has_source:
            self._strays.linked(record.offset, leaf, payload)
        return _new_tuple(Linked, (record.offset, leaf, leaf_bytes, payload, hashed))

    def _stray(self, offset: int, leaf: Leaf, payload: bytes, why: str) -> Stray:
        if leaf.trail_id != self.state.trail_id or not leaf.kind.has_source:
            return Stray(offset, why)
        if leaf.source_offset < self.state.next_source_offset:
            self._strays.late(offset, leaf, payload)
        else:
            self._strays.ahead(offset, leaf, payload)
        return Stray(offset, why, leaf.source_offset)


def take_genesis(record: LogRecord) -> Linked:
    """Take a record as the first entry of a trail. Raises FormatError when it can't be one."""
    entry = take_alone(record)
    if entry.leaf.kind is not Kind.GENESIS:
        leaf = entry.leaf
        raise FormatError(f"it is a link of kind {leaf.kind.name.lower()}, sequence {leaf.sequence}")
    return entry


def take_alone(record: LogRecord) -> Linked:
    """Take a record as an entry of whatever chain.

    Raises:
        FormatError: it has no link, or is not what its link commits to.
    """
    leaf, leaf_bytes, payload = _take_apart(record)
    if sha256(payload).digest() != leaf.payload_hash:
        raise FormatError("its value is not what its link commits to")
    return Linked(record.offset, leaf, leaf_bytes, payload, entry_hash(leaf_bytes))


def _take_apart(record: LogRecord) -> tuple[Leaf, bytes, bytes]:
    """The leaf that a chained record claims, its bytes, and the payload that the record makes.

    Raises: FormatError: it has no link.
    """
    _, key, value, headers, _, _, unreadable = record
    name, link = headers[-1] if headers else (b"", None)
    if name != LINK_HEADER:
        raise FormatError("the last header is not sealtrail.link")
    if unreadable is not None or link is None:
        raise FormatError(unreadable or "the link is null")
    leaf_bytes, salt = split_link(link)
    leaf = Leaf.parse(leaf_bytes)
    payload = encode_payload(salt, key, headers[:-1], value)
    return leaf, leaf_bytes, payload
