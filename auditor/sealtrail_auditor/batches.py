"""Steps 4 to 6 of docs/format.md, "Verification", for one batch: its bytes, its entries, its seal's word.

A damaged batch gives one finding, that of the first place which does not fit. What follows it in the file
is not judged: the next batch goes on from what this batch's seal states.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.entries import EntryFault, EntryWalk
from sealtrail_auditor.findings import Span
from sealtrail_auditor.stamps import StampReader
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.chain import ChainState
from sealtrail_schemas.errors import BatchError, FormatError, UnknownFormatError
from sealtrail_schemas.hashing_stream import HashingStream
from sealtrail_schemas.leaf import HASH_BYTES, Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from sealtrail_schemas.batch_reader import ByteStream
    from sealtrail_schemas.entry import Entry
    from sealtrail_schemas.leaf import Kind
    from sealtrail_schemas.payload import Payload
    from sealtrail_schemas.seal import OpenedSeal

_LONG_AGO_MS: Final = -(1 << 63)

# What only the file that was sealed can show of an entry. In another file it is one more sign of the change.
_IF_NOT_SEALED: Final = {
    FindingCode.ENTRY_RULE: FindingCode.ENTRY_LEAF,
    FindingCode.ENTRY_TIME: FindingCode.ENTRY_LEAF,
    FindingCode.ENTRY_SOURCE: FindingCode.ENTRY_LEAF,
    FindingCode.ENTRY_FORMAT: FindingCode.ENTRY_LEAF,
    FindingCode.BATCH_FORMAT: FindingCode.BATCH_DAMAGED,
}
_JUMPS: Final = (FindingCode.ENTRY_MISSING, FindingCode.ENTRY_REPEATED, FindingCode.ENTRY_ORDER)


class Damage(NamedTuple):
    """What is wrong with a batch: the first place that does not fit."""

    code: FindingCode
    span: Span
    expected: str
    found: str


@dataclass(slots=True)
class BatchResult:
    """What one batch came to.

    Attributes:
        damage: None where everything fits.
        entries: How many entries continued the chain, up to the damage.
        kinds: How many of them were of each kind.
        roots: The Merkle roots at the sizes that were asked for; none where there is damage.
        length: Of the file in bytes, as far as it was read.
    """

    damage: Damage | None
    entries: int = 0
    kinds: Mapping[Kind, int] = field(default_factory=dict)
    roots: Mapping[int, bytes] = field(default_factory=dict)
    length: int = 0


class Standing(NamedTuple):
    """Where the walk through a trail stands: the chain and the Merkle tree so far, None where not known.

    The tree is shared and must not be changed.
    """

    chain: ChainState | None
    tree: RightEdge | None


NOWHERE: Final = Standing(None, None)


def at_start(trail_id: bytes) -> Standing:
    """Where a walk stands before the first entry of a trail."""
    return Standing(ChainState(trail_id, 0, bytes(HASH_BYTES), _LONG_AGO_MS, 0), RightEdge.empty())


def after_seal(opened: OpenedSeal) -> Standing:
    """Where a walk stands after a batch, by what its seal states."""
    seal = opened.seal
    state = ChainState(seal.trail_id, seal.size, seal.last.hash, seal.time.last_ms, seal.source.next_offset)
    return Standing(state, opened.right_edge)


class BatchCheck:
    """Checks one batch against its seal and what came before it. Holds one block of it at a time."""

    def __init__(
        self,
        opened: OpenedSeal,
        standing: Standing,
        *,
        covered: int = 0,
        root_sizes: Sequence[int] = (),
        on_own_entry: Callable[[Leaf, Payload, ChainState], None] = lambda _leaf, _payload, _before: None,
        on_piece: Callable[[int, int], None] = lambda _entries, _length: None,
        tap: Callable[[Iterator[Entry]], Iterator[Entry]] = lambda entries: entries,
        stamps: StampReader | None = None,
    ) -> None:
        """Prepare a check.

        Args:
            opened: The batch's seal.
            standing: The chain and tree before it, or at `covered`.
            covered: The size of the trail up to which its entries have been met under another seal: these are
                checked against that one, and neither counted nor handed on.
            root_sizes: Sizes within the batch, rising, at which to take the Merkle root.
            on_own_entry: Called with each entry that sealtrail wrote itself, and the chain before it.
            on_piece: Called now and then with the entries followed and the bytes read so far.
            tap: Lets the caller see the entries as they are read.
            stamps: Reads the producers' stamps.
        """
        self._opened = opened
        self._seal = opened.seal
        self._standing = standing
        self._tree = standing.tree and standing.tree.copy()
        self._begin = max(covered, opened.seal.first.sequence)
        self._root_sizes = root_sizes
        self._on_own_entry = on_own_entry
        self._on_piece = on_piece
        self._tap = tap
        self._stamps = stamps or StampReader()
        self._roots: dict[int, bytes] = {}
        self._first: Entry | None = None
        self._walk: EntryWalk | None = None

    def run(self, stream: ByteStream) -> BatchResult:
        """Read the batch to its end. Errors of the stream's own `read` pass through."""
        file = HashingStream(stream)
        damage = self._read_entries(file)
        ended_early = file.at_end
        file.drain(self._seal.batch.length)
        is_sealed_file = (file.length, file.digest()) == (self._seal.batch.length, self._seal.batch.sha256)

        damage = damage or self._contradiction()
        if not is_sealed_file:
            damage = self._of_changed_file(damage, file, ended_early=ended_early)
        walk = self._walk
        return BatchResult(
            damage,
            entries=0 if walk is None else max(0, walk.state.size - self._begin),
            kinds={} if walk is None else walk.kinds,
            roots={} if damage else self._roots,
            length=file.length,
        )

    # Step 5

    def _read_entries(self, file: HashingStream) -> Damage | None:
        seal, origin = self._seal, self._opened.checkpoint.origin
        try:
            reader = BatchReader(file)
            if reader.origin != origin:
                return self._whole(
                    FindingCode.BATCH_FOREIGN, f"a batch of {origin}", f"one of {reader.origin}"
                )
            entries = self._tap(iter(reader))
            self._first = next(entries)
            overlaps = self._begin > seal.first.sequence
            known = None if overlaps else self._standing.chain
            self._walk = EntryWalk(
                chain([self._first], entries),
                known or self._chain_of(self._first),
                first_sequence=seal.first.sequence,
                tree=None if overlaps else self._tree,
                on_own_entry=self._hand_on,
                on_piece=lambda entries: self._on_piece(entries, file.length),
                stamps=self._stamps,
            )
            if overlaps and (damage := self._follow_covered(self._walk)) is not None:
                return damage
            for size in (*self._root_sizes, seal.size):
                self._walk.follow(size)
                if self._tree is not None and self._tree.size == size:
                    self._roots[size] = self._tree.root()
            return self._end(entries)
        except EntryFault as fault:
            return Damage(fault.code, fault.span, fault.expected, fault.found)
        except UnknownFormatError as error:
            return self._from_here(FindingCode.BATCH_FORMAT, "a batch of format 1", str(error))
        except BatchError as error:
            return self._from_here(
                FindingCode.BATCH_FORMAT, "a batch that can be read to its end", str(error)
            )

    def _follow_covered(self, walk: EntryWalk) -> Damage | None:
        """Follow the entries that were met under another seal to where that one ends; go on from there."""
        walk.follow(self._begin)
        known = self._standing.chain
        if walk.state.size < self._begin:  # `_end` says so
            return None
        if known is not None and walk.state.last_hash != known.last_hash:
            expected, found = known.last_hash.hex(), walk.state.last_hash.hex()
            return self._whole(
                FindingCode.SEAL_CONTENT, f"entry {self._begin - 1} to have the hash {expected}", found
            )
        walk.begin_count(self._tree)
        self._stamps.clear()
        return None

    def _hand_on(self, leaf: Leaf, payload: Payload, before: ChainState) -> None:
        if leaf.sequence >= self._begin:
            self._on_own_entry(leaf, payload, before)

    def _chain_of(self, first: Entry) -> ChainState:
        """The chain before a first entry, by what that entry itself says: nothing better is known."""
        try:
            previous_hash = Leaf.parse(first.leaf).previous_hash
        except FormatError:  # the walk says so
            previous_hash = b""
        seal = self._seal
        return ChainState(seal.trail_id, seal.first.sequence, previous_hash, _LONG_AGO_MS, 0)

    def _end(self, entries: Iterator[Entry]) -> Damage | None:
        """The batch holds as many entries as were sealed."""
        size, sealed_size = self._size, self._seal.size
        if size < sealed_size:
            expected = f"entries up to {sealed_size - 1}"
            return Damage(
                FindingCode.ENTRY_MISSING, Span(size, sealed_size - 1), expected, f"the last is {size - 1}"
            )
        if next(entries, None) is not None:
            span = Span(sealed_size, sealed_size)
            return Damage(
                FindingCode.ENTRY_EXTRA, span, f"entry {sealed_size - 1} to be the last", "more entries"
            )
        return None

    # Step 6

    def _contradiction(self) -> Damage | None:
        """Hold what was read without damage against the seal's statements about it."""
        walk, seal = self._walk, self._seal
        if walk is None or self._first is None:
            return None
        state = walk.state
        pairs = (
            ("hash of the first entry", seal.first.hash.hex(), entry_hash(self._first.leaf).hex()),
            ("hash of the last entry", seal.last.hash.hex(), state.last_hash.hex()),
            ("time of the first entry", seal.time.first_ms, Leaf.parse(self._first.leaf).chained_at_ms),
            ("time of the last entry", seal.time.last_ms, state.chained_at_ms),
            ("next source offset", seal.source.next_offset, state.next_source_offset),
        )
        for what, stated, found in pairs:
            if stated != found:
                return self._whole(FindingCode.SEAL_CONTENT, f"{what} {stated}", str(found))
        if self._tree is not None and self._tree != self._opened.right_edge:
            stated_root, root = self._opened.checkpoint.root.hex(), self._tree.root().hex()
            return self._whole(FindingCode.SEAL_ROOT, f"root {stated_root} or its right edge", f"root {root}")
        return None

    # Step 4

    def _of_changed_file(self, damage: Damage | None, file: HashingStream, *, ended_early: bool) -> Damage:
        """What the damage amounts to in a file that is not the one that was sealed."""
        sealed = self._seal.batch
        expected = f"{sealed.length} bytes with SHA-256 {sealed.sha256.hex()}"
        found = f"{file.length} bytes with SHA-256 {file.digest().hex()}"
        if file.length > sealed.length:  # then it was not read to its end
            found = f"more than {sealed.length} bytes"
        if not file.length:
            return self._whole(FindingCode.BATCH_EMPTY, expected, "no bytes")
        if damage is None:
            found = f"{found}; the entries in it are those that were sealed"
            return self._whole(FindingCode.BATCH_REENCODED, expected, found)
        code, span = _IF_NOT_SEALED.get(damage.code, damage.code), damage.span
        if self._is_rewritten(code):
            code, span = FindingCode.BATCH_REWRITTEN, self._rewritten_span()
        elif code is FindingCode.BATCH_DAMAGED and ended_early and file.length < sealed.length:
            code = FindingCode.BATCH_TRUNCATED
        elif exchanged := self._exchanged(code):
            code, span = exchanged, self._span
        return Damage(
            code, span, damage.expected, f"{damage.found}; the file has {found}, sealed were {expected}"
        )

    def _is_rewritten(self, code: FindingCode) -> bool:
        """Whether all links fit up to the last sealed entry, and it is not the one that was sealed."""
        ends_elsewhere = self._walk is not None and self._walk.state.last_hash != self._seal.last.hash
        return code is FindingCode.SEAL_CONTENT or (code is FindingCode.ENTRY_EXTRA and ends_elsewhere)

    def _rewritten_span(self) -> Span:
        """The entries that may have been rewritten. The first one's hash is sealed, those between are not."""
        first, last = self._span
        kept_first = self._first is not None and entry_hash(self._first.leaf) == self._seal.first.hash
        return Span(min(first + kept_first, last), last)

    def _exchanged(self, code: FindingCode) -> FindingCode | None:
        """What it means that the first entry is out of place, where that means that the whole file is."""
        if self._first is None or self._size != self._seal.first.sequence:
            return None
        if code is FindingCode.ENTRY_FOREIGN:
            return FindingCode.BATCH_FOREIGN
        if code in _JUMPS:
            found = Leaf.parse(self._first.leaf).sequence
            if not self._span.first <= found <= self._span.last:
                return FindingCode.BATCH_SWAPPED
        return None

    @property
    def _size(self) -> int:
        """The size of the trail up to which entries were followed."""
        return self._seal.first.sequence if self._walk is None else self._walk.state.size

    @property
    def _span(self) -> Span:
        return Span(self._seal.first.sequence, self._seal.last.sequence)

    def _whole(self, code: FindingCode, expected: str, found: str) -> Damage:
        """Damage to the batch as a whole."""
        return Damage(code, self._span, expected, found)

    def _from_here(self, code: FindingCode, expected: str, found: str) -> Damage:
        """Damage to the batch from the entry on that was reached."""
        first, last = self._size, self._span.last
        return Damage(code, Span(first, last) if first <= last else self._span, expected, found)
