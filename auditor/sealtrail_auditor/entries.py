"""Step 5 of docs/format.md, "Verification": each entry continues the chain and has its own payload.

Events are nearly all there is, so they are held against what the next event has to look like, in one loop
without detours. Whatever does not pass there goes to `_step`, which is the authority and says what is wrong.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from itertools import islice
from struct import Struct
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Span
from sealtrail_auditor.payload_form import BARE, plain_form
from sealtrail_auditor.stamps import STAMP_KEY_LENGTHS, STAMP_KEYS
from sealtrail_schemas.chain import ChainState, advance, breach
from sealtrail_schemas.errors import BatchError, LeafError, PayloadError, UnknownFormatError
from sealtrail_schemas.leaf import LEAF_BYTES, Kind, Leaf, entry_hash
from sealtrail_schemas.payload import Payload, decode_payload
from sealtrail_schemas.record import NO_TIMESTAMP, TIMESTAMP_APPEND, TIMESTAMP_NONE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sealtrail_auditor.stamps import StampReader
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.merkle import RightEdge

PIECE_ENTRIES: Final = 4_096
"""Entries whose hashes are held before they go into the Merkle tree."""

_EVENT: Final = b"STL\x01\x01\x01"  # magic, version 1, kind event, SHA-256
# what _EVENT is, sequence, previous hash, trail id, payload hash, source timestamp and its type, chained at,
# source offset, next source offset, extension length
_LAYOUT: Final = Struct(">6sQ32s32s32sqBqqqH")
_SEQUENCE: Final = slice(6, 14)


class EntryFault(Exception):  # noqa: N818  # it ends the walk through a batch; it is no error of this program
    """An entry that does not belong where it stands."""

    def __init__(self, code: FindingCode, span: Span, expected: str, found: str) -> None:
        super().__init__(code.title)
        self.code = code
        self.span = span
        self.expected = expected
        self.found = found


class EntryWalk:
    """Follows the chain through the entries of one batch.

    Attributes:
        state: The chain as far as it was followed.
        kinds: How many entries of each kind there were.
    """

    def __init__(
        self,
        entries: Iterator[Entry],
        state: ChainState,
        *,
        first_sequence: int,
        tree: RightEdge | None,
        on_own_entry: Callable[[Leaf, Payload, ChainState], None],
        on_piece: Callable[[int], None],
        stamps: StampReader,
    ) -> None:
        """Prepare to follow `entries` from `state` on.

        Args:
            entries: What was not read yet.
            state: The chain before them.
            first_sequence: Of the batch, to tell entries that stand twice from foreign ones.
            tree: The Merkle tree to add the entry hashes to; None where it can't be built.
            on_own_entry: Called with each entry that is no event, after it was checked, and the chain
                before it.
            on_piece: Called now and then with the number of entries followed so far.
            stamps: Reads the producers' stamps of events.
        """
        self.state = state
        self.kinds: Counter[Kind] = Counter()
        self._entries = entries
        self._first_sequence = first_sequence
        self._tree = tree
        self._on_own_entry = on_own_entry
        self._on_piece = on_piece
        self._stamps = stamps

    def begin_count(self, tree: RightEdge | None) -> None:
        """Count from here on, and add to `tree`, which is as large as the chain."""
        self.kinds.clear()
        self._tree = tree

    def follow(self, size: int) -> None:
        """Follow the chain until it has `size` entries, or the batch ends.

        Raises:
            EntryFault: an entry is not what it should be; `state` is that before it.
            BatchError: the batch can't be read further; `state` is that of the last entry read.
        """
        while self.state.size < size:
            before = self.state.size
            # Sequence 0 is genesis and nothing else is, so no event is looked for there.
            odd = (
                self._follow_events(min(size - before, PIECE_ENTRIES))
                if before
                else next(self._entries, None)
            )
            if odd is not None:
                self._step(odd)
            elif self.state.size == before:
                return
            self._on_piece(self.state.size - self._first_sequence)

    def _follow_events(self, limit: int) -> Entry | None:
        """Follow at most `limit` events; returns the entry that stopped it, if it was one."""
        trail_id, size, last_hash, chained_at_ms, next_offset = self.state
        hashes: list[bytes] = []
        keep = hashes.append
        unpack = _LAYOUT.unpack
        read_stamp, stamp_keys, lengths = self._stamps.read, STAMP_KEYS, STAMP_KEY_LENGTHS
        try:
            for entry in islice(self._entries, limit):
                leaf, payload = entry
                if len(leaf) != LEAF_BYTES:
                    return entry
                (
                    start,
                    sequence,
                    previous_hash,
                    leaf_trail_id,
                    payload_hash,
                    timestamp_ms,
                    timestamp_type,
                    at_ms,
                    offset,
                    offset_after,
                    extension_length,
                ) = unpack(leaf)
                if (
                    start != _EVENT
                    or sequence != size
                    or previous_hash != last_hash
                    or leaf_trail_id != trail_id
                    or payload_hash != sha256(payload).digest()
                    or at_ms < chained_at_ms
                    or not next_offset <= offset < offset_after
                    or timestamp_type > TIMESTAMP_APPEND
                    or (timestamp_type == TIMESTAMP_NONE and timestamp_ms != NO_TIMESTAMP)
                    or extension_length
                    or not (form := plain_form(payload))
                ):
                    return entry
                if form > BARE and payload[form] in lengths and payload.startswith(stamp_keys, form):
                    read_stamp(payload, form)
                last_hash = sha256(b"\x00" + leaf).digest()
                keep(last_hash)
                size += 1
                chained_at_ms = at_ms
                next_offset = offset_after
        finally:
            self.state = ChainState(trail_id, size, last_hash, chained_at_ms, next_offset)
            self.kinds[Kind.EVENT] += len(hashes)
            if self._tree is not None:
                self._tree.extend(hashes)
        return None

    def _step(self, entry: Entry) -> None:
        """Check one entry of any kind by the formats' own functions."""
        state = self.state
        leaf = self._parse(entry.leaf)
        self._check_place(leaf)
        found_hash = sha256(entry.payload).digest()
        if found_hash != leaf.payload_hash:
            raise self._fault(
                FindingCode.ENTRY_PAYLOAD,
                f"a payload with SHA-256 {leaf.payload_hash.hex()}",
                f"one with SHA-256 {found_hash.hex()}",
            )
        if leaf.previous_hash != state.last_hash:
            first = max(state.size - 1, self._first_sequence)
            raise EntryFault(
                FindingCode.ENTRY_LINK,
                Span(first, state.size),
                f"entry {state.size} to carry the hash {state.last_hash.hex()} of the entry before",
                leaf.previous_hash.hex(),
            )
        if reason := breach(state, leaf):
            raise self._fault(_breached(state, leaf), "an entry that does not go back", reason)
        try:
            payload = decode_payload(entry.payload)
        except PayloadError as error:
            raise self._fault(FindingCode.ENTRY_RULE, "a canonical payload", str(error)) from None
        digest = entry_hash(entry.leaf)
        if self._tree is not None:
            self._tree.append(digest)
        self.state = advance(state, leaf, digest)
        self.kinds[leaf.kind] += 1
        if leaf.kind is Kind.EVENT:
            self._stamps.read_headers(payload.headers)
        else:
            self._on_own_entry(leaf, payload, state)

    def _parse(self, data: bytes) -> Leaf:
        try:
            return Leaf.parse(data)
        except UnknownFormatError as error:
            raise self._fault(FindingCode.ENTRY_FORMAT, "a leaf of version 1", str(error)) from None
        except LeafError as error:
            raise self._fault(FindingCode.ENTRY_LEAF, "a leaf", str(error)) from None

    def _check_place(self, leaf: Leaf) -> None:
        """The entry is the next one of this trail."""
        state = self.state
        same_trail = leaf.trail_id == state.trail_id
        if same_trail and leaf.sequence == state.size:
            return
        if leaf.previous_hash == state.last_hash:  # it was made for this place, and changed afterwards
            raise self._fault(
                FindingCode.ENTRY_LEAF,
                f"sequence {state.size} of trail {state.trail_id.hex()}",
                f"sequence {leaf.sequence} of trail {leaf.trail_id.hex()}",
            )
        if not same_trail:
            raise self._fault(
                FindingCode.ENTRY_FOREIGN, f"trail id {state.trail_id.hex()}", leaf.trail_id.hex()
            )
        self._explain_jump(leaf.sequence)

    def _explain_jump(self, found: int) -> None:
        """Say what a wrong sequence means: an entry missing, repeated, or in another order."""
        wanted = self.state.size
        if found < wanted:
            code, span = FindingCode.ENTRY_REPEATED, Span(wanted, wanted)
        elif any(entry.leaf[_SEQUENCE] == wanted.to_bytes(8) for entry in _readable(self._entries)):
            code, span = FindingCode.ENTRY_ORDER, Span(wanted, wanted)
        else:
            code, span = FindingCode.ENTRY_MISSING, Span(wanted, found - 1)
        raise EntryFault(code, span, f"sequence {wanted}", f"sequence {found}")

    def _fault(self, code: FindingCode, expected: str, found: str) -> EntryFault:
        return EntryFault(code, Span(self.state.size, self.state.size), expected, found)


def _breached(state: ChainState, leaf: Leaf) -> FindingCode:
    """Which rule a leaf breaks whose place in the chain is right."""
    goes_back_in_time = leaf.chained_at_ms < state.chained_at_ms
    return FindingCode.ENTRY_TIME if goes_back_in_time else FindingCode.ENTRY_SOURCE


def _readable(entries: Iterator[Entry]) -> Iterator[Entry]:
    """The entries up to where the batch can't be read any more."""
    try:
        yield from entries
    except BatchError:
        return
