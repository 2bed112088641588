"""Steps 1 to 3 of docs/format.md, "Verification", for one name: which of its versions is the valid seal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_schemas.errors import FormatError, NoteUnsignedError, SealError, UnknownFormatError
from sealtrail_schemas.layout import parse_trail_prefix
from sealtrail_schemas.seal import MAX_SEAL_BYTES, OpenedSeal, open_seal, seal_key_name
from sealtrail_transport.errors import ObjectMissingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.archive import Name
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.seal import Seal
    from sealtrail_schemas.trail_keys import TrailKeys
    from sealtrail_transport.store import Store

_SIGNATURE_PREFIX: Final = "— "
_SEAL_SUFFIX: Final = seal_key_name("")
_TEXT_START: Final = b'{"batch":{'  # members are in order, so every seal begins like this


class PlacedSeal(NamedTuple):
    """A seal that opens under the trail's key, and the version that holds it."""

    key: str
    version_id: str
    opened: OpenedSeal


class Rejected(NamedTuple):
    """A version that is no seal of this trail for the size in its name, and why."""

    version_id: str
    code: FindingCode
    expected: str
    found: str


class Relation(IntEnum):
    """How a seal stands to the one before it. Declared from the best to the worst."""

    EXTENDS = 0
    LEAVES_GAP = 1
    BACKDATED = 2  # extends it, but is kept for less time
    NAMES_ANOTHER = 3  # begins where it ends, but names another seal before it
    OVERLAPS = 4  # begins before it ends, extends an earlier one, and says the same
    CONTRADICTS = 5  # begins before it ends, or is of another trail


@dataclass(frozen=True, slots=True)
class SealName:
    """What lies under one seal name.

    Attributes:
        size: The trail's size by the name.
        seal: The valid seal, or the one nearest to it; None where no version will do.
        relation: How `seal` stands to the seal before it.
        opened: All versions that open, oldest first; `seal` is one of them.
        rejected: All versions that don't, oldest first.
    """

    size: int
    seal: PlacedSeal | None
    relation: Relation
    opened: tuple[PlacedSeal, ...]
    rejected: tuple[Rejected, ...]


def read_seal_name(
    store: Store, folder: str, name: Name, *, size: int, keys: TrailKeys, previous: OpenedSeal | None
) -> SealName:
    """Open all versions of a seal name under the key that signs at its size, and choose among them."""
    opened: list[PlacedSeal] = []
    rejected: list[Rejected] = []
    for version in name.versions:
        data = read_bounded(store, name.key, version.version_id, MAX_SEAL_BYTES)
        result = _open(data, folder, size, keys)
        if isinstance(result, OpenedSeal):
            opened.append(PlacedSeal(name.key, version.version_id, result))
        else:
            rejected.append(Rejected(version.version_id, *result))
    best = min(opened, key=lambda seal: relation(previous, seal.opened), default=None)  # the oldest of equals
    how = Relation.CONTRADICTS if best is None else relation(previous, best.opened)
    return SealName(size, None if how is Relation.CONTRADICTS else best, how, tuple(opened), tuple(rejected))


def relation(previous: OpenedSeal | None, seal: OpenedSeal) -> Relation:
    """How a seal stands to the one before it, by docs/format.md, "Seal", as far as these two show.

    Whether one that seems to contradict overlaps is for `sealtrail_auditor.overlaps` to say.
    """
    after = seal.seal
    if previous is None:
        return Relation.LEAVES_GAP if after.first.sequence else Relation.EXTENDS
    before = previous.seal
    if after.trail_id != before.trail_id or after.first.sequence < before.size:
        return Relation.CONTRADICTS
    if after.first.sequence > before.size:
        return Relation.LEAVES_GAP
    named = after.previous
    if named is None or (named.sha256, named.retain_until) != (previous.text_sha256, before.retention.until):
        return Relation.NAMES_ANOTHER
    return Relation.BACKDATED if is_backdated(before, after) else Relation.EXTENDS


def is_backdated(before: Seal, after: Seal) -> bool:
    """Whether the retention of a seal ends before that of another one, which it must not."""
    ends, until = before.retention.until, after.retention.until
    return ends is not None and (until is None or until < ends)


def claimed_origins(data: bytes) -> set[str]:
    """The origins under whose names a note says it is a seal. Nothing vouches for them."""
    _, _, tail = data.decode(errors="replace").rpartition("\n\n")
    names = {
        line.removeprefix(_SIGNATURE_PREFIX).split(" ")[0]
        for line in tail.split("\n")
        if line.startswith(_SIGNATURE_PREFIX)
    }
    return {name.removesuffix(_SEAL_SUFFIX) for name in names if name.endswith(_SEAL_SUFFIX)}


def read_bounded(store: Store, key: str, version_id: str, limit: int) -> bytes:
    """A version's bytes, at most `limit` + 1 of them; nothing where it is listed but not there."""
    try:
        with store.open(key, version_id) as stream:
            parts = []
            left = limit + 1
            while left and (part := stream.read(left)):
                parts.append(part)
                left -= len(part)
            return b"".join(parts)
    except ObjectMissingError:
        return b""


def _open(data: bytes, folder: str, size: int, keys: TrailKeys) -> OpenedSeal | tuple[FindingCode, str, str]:
    """Open one version, or say with a code what is wrong, what was expected and what was found."""
    verifier = keys.at(size)
    try:
        opened = open_seal(data, verifier)
    except NoteUnsignedError:
        return _out_of_turn(data, size, keys) or _unsigned(data, verifier)
    except SealError as error:  # behind a good signature
        return FindingCode.SEAL_UNSOUND, "a seal that agrees with itself", str(error)
    except UnknownFormatError as error:
        return FindingCode.SEAL_FORMAT, "a seal of version 1", str(error)
    except FormatError as error:
        return _no_note(data, verifier, str(error))
    return _misplaced(opened, folder, size) or opened


def _misplaced(opened: OpenedSeal, folder: str, size: int) -> tuple[FindingCode, str, str] | None:
    """Say of a seal with a good signature whether it belongs elsewhere."""
    id_start = parse_trail_prefix(folder).id_start
    if not opened.seal.trail_id.hex().startswith(id_start):
        return FindingCode.SEAL_REPLAYED, f"trail id {id_start}…", opened.seal.trail_id.hex()
    if opened.checkpoint.size != size:
        return FindingCode.SEAL_SWAPPED, f"the seal of size {size}", f"that of size {opened.checkpoint.size}"
    return None


def _no_note(data: bytes, verifier: Verifier, problem: str) -> tuple[FindingCode, str, str]:
    """Say of what does not open as a note of the trail's key why that may be."""
    expected = f"a seal signed by {verifier.name}"
    if not data:
        return FindingCode.SEAL_EMPTY, expected, "no bytes"
    if len(data) <= MAX_SEAL_BYTES and _is_cut_off(data):
        return (
            FindingCode.SEAL_TRUNCATED,
            expected,
            f"{len(data)} bytes that begin as one and do not end as one",
        )
    return FindingCode.SEAL_DAMAGED, expected, problem


def _is_cut_off(data: bytes) -> bool:
    """Whether it begins as a seal's text, and ends in it or within the line of the signature."""
    begins = data[: len(_TEXT_START)] == _TEXT_START[: len(data)]
    return begins and not (data.endswith(b"\n") and b"\n" in data.rstrip(b"\n"))


def _out_of_turn(data: bytes, size: int, keys: TrailKeys) -> tuple[FindingCode, str, str] | None:
    """Say of a seal whether another key of the trail has signed it than the one whose turn it was."""
    for other in keys.keys:
        if other != keys.at(size) and opens_under(data, other):
            expected = f"a seal signed by {keys.origin}, key {keys.at(size).fingerprint}"
            return FindingCode.SEAL_KEY_TURN, expected, f"one signed by the trail's key {other.fingerprint}"
    return None


def opens_under(data: bytes, verifier: Verifier) -> bool:
    """Whether it is a seal that the key has signed."""
    try:
        open_seal(data, verifier)
    except FormatError:
        return False
    return True


def _unsigned(data: bytes, verifier: Verifier) -> tuple[FindingCode, str, str]:
    expected = f"a seal signed by {verifier.name}, key {verifier.fingerprint}"
    claimed = claimed_origins(data)
    if verifier.name in claimed:
        return FindingCode.SEAL_KEY, expected, "a signature under that name by another key"
    if claimed:
        return FindingCode.SEAL_FOREIGN, expected, f"a seal that names {_names(claimed)}"
    return FindingCode.SEAL_DAMAGED, expected, "no signature of a seal"


def _names(origins: Sequence[str] | set[str]) -> str:
    """Up to three names for people; they come from the archive, so they are quoted."""
    shown = [ascii(origin[:300]) for origin in sorted(origins)]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3} more" if len(shown) > 3 else "")
