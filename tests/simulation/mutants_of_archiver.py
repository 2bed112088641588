"""Mistakes that an archiver could make."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING
from unittest.mock import patch

from sealtrail_archiver import archiver, sealing, trimming
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.read_back import ReadBack
from sealtrail_schemas.leaf import entry_hash
from sealtrail_transport import seal_shelf
from simulation.mutants import mutant

if TYPE_CHECKING:
    from collections.abc import Callable


@mutant("The seal is signed over what was sent, not over what was read back.", (sealing, "_read_oldest"))
def seal_before_read_back(right: Callable) -> Callable:
    def read(store, draft, versions, written):
        if written is None:
            return right(store, draft, versions, written)
        body = sealing._encode(draft)
        info = store.head(versions[0].key, written)
        hashes = tuple(entry.entry_hash for entry in draft.entries)
        return ReadBack(replace(info, size=len(body)), sha256(body).digest(), hashes, adopted=False)

    return read


@mutant("A batch is adopted if its entries link, committed or not.", (sealing, "read_back"))
def adopting_what_merely_links(right: Callable) -> Callable:
    def compare(reader, entries, *, at_end):  # noqa: ARG001 -- the signature of what it replaces
        hashes, previous = [], entries[0].leaf.previous_hash
        for leaf, _ in reader:
            if leaf[14:46] != previous:
                return sealing.Misfit("it does not link")
            previous = entry_hash(leaf)
            hashes.append(previous)
        return hashes[: len(entries)]

    return _with_compare(right, compare)


@mutant("A batch is adopted if its first entry fits.", (sealing, "read_back"))
def adopting_by_the_first_entry(right: Callable) -> Callable:
    def compare(reader, entries, *, at_end):  # noqa: ARG001 -- the signature of what it replaces
        hashes = [entry_hash(leaf) for leaf, _ in reader]
        fits = hashes[:1] == [entries[0].entry_hash]
        return hashes[: len(entries)] if fits else sealing.Misfit("its first entry does not fit")

    return _with_compare(right, compare)


def _with_compare(right: Callable, compare: Callable) -> Callable:
    def read(*arguments, **named):
        with patch.dict(right.__globals__, {"_compare": compare}):
            return right(*arguments, **named)

    return read


@mutant(
    "The plain listing is believed, in which a delete marker hides an object.",
    (sealing, "versions_of"),
    (seal_shelf, "versions_of"),
)
def trusting_the_plain_listing(right: Callable) -> Callable:
    return lambda *arguments: [
        line for line in right(*arguments) if line.is_latest and not line.is_delete_marker
    ]


@mutant(
    "The newest version of a name counts, not the oldest.",
    (sealing, "versions_of"),
    (seal_shelf, "versions_of"),
)
def newest_version_first(right: Callable) -> Callable:
    return lambda *arguments: right(*arguments)[::-1]


@mutant("Nobody looks whether a batch is locked.", (sealing, "read_back"))
def lock_not_checked(right: Callable) -> Callable:
    return lambda *arguments, **named: right(*arguments, **(named | {"locked_until": None}))


@mutant("Nobody compares the store's clock with this machine's.", (sealing, "_check_clock"))
def last_modified_not_checked(_: Callable) -> Callable:
    return lambda *_: None


@mutant("Another archiver's longer or shorter seal is not looked for.", (sealing, "_following"))
def other_archivers_seal_ignored(_: Callable) -> Callable:
    return lambda *_: None


@mutant("A seal names another seal than the one before it.", (sealing, "_make_seal"))
def seals_out_of_order(right: Callable) -> Callable:
    def make(*arguments):
        seal = right(*arguments)
        if seal.previous is None:
            return seal
        return replace(seal, previous=replace(seal.previous, sha256=sha256(b"").digest()))

    return make


@mutant("Entries are forgotten when their batch is handed out, not when it is sealed.", (Archiver, "_finish"))
def entries_forgotten_too_early(right: Callable) -> Callable:
    def finish(self, running, work, now_ms):
        cut = running.cut
        try:
            return right(self, running, work, now_ms)
        except Exception:
            for _ in range(cut):
                running.unsealed_bytes -= archiver._entry_bytes(running.unsealed.popleft())
            raise

    return finish


@mutant("Records are freed that are not sealed yet.", (trimming.Trims, "sealed"))
def trim_beyond_the_sealed_head(right: Callable) -> Callable:
    def sealed(self, offset, *, now_ms):
        end = self._log.bounds(self._trail.chained_topic, self._trail.partition).end
        right(self, max(offset, end), now_ms=now_ms)

    return sealed


@mutant("A topic that ends below what is to be freed is an error of this program.", (Archiver, "step"))
def lost_tail_met_while_freeing(right: Callable) -> Callable:
    def step(self, *, now_ms, flush=False):
        if self._running is not None:
            self._trims.run(now_ms=now_ms)
        return right(self, now_ms=now_ms, flush=flush)

    return step
