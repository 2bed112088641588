"""The judgement of a history from outside: what producers were told, and what the shipped verifier says.

Nothing here asks a chainer or an archiver what it believes.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from deployment import DAY
from sealtrail_archiver.sealing import MOST_CLOCK_APART
from sealtrail_auditor.reading import Reading, TrailFolder, VerifiedBatch
from sealtrail_auditor.verdict import Verdict
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Kind, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.policy import Policy
from sealtrail_schemas.seal import open_seal
from sealtrail_schemas.trail_keys import TrailKeys
from sealtrail_transport.trail_folders import trail_folders
from simulation.kinds import KINDS
from simulation.world import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.seal import Seal
    from simulation.world import World


class Archived(NamedTuple):
    """An entry of the archive that stands for a record; `value` is None for a rejected one."""

    source_offset: int
    value: bytes | None


def judge(world: World) -> None:
    """Judge a history that has come to its end. Raises Violation."""
    folder = next(trail_folders(world.bucket), None)
    hashes: list[bytes] = []
    found = list(_archived(world, folder, hashes)) if folder else []
    _judge_events(world, found)
    _judge_verdict(world, is_empty=folder is None)
    if folder:
        _judge_heads(world, folder, hashes)


def _archived(world: World, folder: str, hashes: list[bytes]) -> Iterator[Archived]:
    trail = TrailFolder(folder, TrailKeys.only(world.signer.verifier))
    for batch in Reading(world.bucket, trail, now=world.clock.now()):
        if not isinstance(batch, VerifiedBatch):
            raise Violation(f"unreadable: entries {batch.span} of the archive: {batch.finding}")
        for entry in batch.entries():
            hashes.append(entry_hash(entry.entry.leaf))
            if entry.leaf.kind is Kind.EVENT:
                yield Archived(entry.leaf.source_offset, entry.payload.value)
            elif entry.leaf.kind is Kind.REJECTED:
                yield Archived(entry.leaf.source_offset, None)


def _judge_events(world: World, found: list[Archived]) -> None:
    """Each acknowledged event once, in the order of the raw topic, as it was; or the line has stopped."""
    offsets = [entry.source_offset for entry in found]
    for before, after in pairwise(offsets):
        if before == after:
            raise Violation(f"repeated: raw offset {after} stands twice in the trail")
        if before > after:
            raise Violation(f"reordered: raw offset {after} comes after {before}")
    for entry in found:
        _judge_entry(world, entry)
    if (
        world.must_stand is None
    ):  # otherwise what was sealed by then stays; the rest is what the alarm is about
        lost = [world.acknowledged[offset] for offset in world.acknowledged if offset not in offsets]
        if lost:
            raise Violation(f"lost: {lost[:3]} of {len(lost)}")


def _judge_entry(world: World, entry: Archived) -> None:
    offset, value = entry
    if world.must_stand and value == world.lost_anyway.get(offset, (None,))[0]:
        return  # the line stood, and somebody has started it again nevertheless
    if offset not in world.acknowledged:
        raise Violation(f"invented: raw offset {offset} holds {value!r}, which nobody published")
    published, chainable = world.acknowledged[offset]
    if value is None and chainable:
        raise Violation(f"lost: {published!r} was rejected without reason")
    if value is not None and (value != published or not chainable):
        raise Violation(f"changed: raw offset {offset} was {published!r} and is {value!r}")


def _judge_verdict(world: World, *, is_empty: bool) -> None:
    """The shipped verifier, with every head that an archiver has ever reported."""
    if is_empty:
        if world.heads:
            raise Violation("lost: the archive is empty, and something was sealed")
        return
    policy = Policy.parse(f"log {world.signer.verifier.vkey}\nquorum none\n".encode())
    now = world.clock.now()
    report = verify_archive(world.bucket, policy, pinned=tuple(world.heads), now=now)
    kinds = [KINDS[kind] for kind in world.struck]
    allowed = frozenset().union(*(kind.findings for kind in kinds))
    if world.must_stand is not None:
        allowed = allowed.union(*(kind.findings_unmended for kind in kinds))
    findings = [finding for trail in report.trails for finding in trail.findings]
    others = [
        f"{finding.code.code} {finding.key}" for finding in findings if finding.code.code not in allowed
    ]
    if others or (not findings and report.verdict is not Verdict.INTACT):
        raise Violation(f"verdict {report.verdict.value}: {others}")


def _judge_heads(world: World, folder: str, hashes: list[bytes]) -> None:
    """Whatever the key has ever sealed, in any version of any name, is a prefix of the one history."""
    edge = RightEdge.empty()
    roots = [edge.root()]
    for hashed in hashes:
        edge.extend([hashed])
        roots.append(edge.root())
    parts: dict[int, int] = {}
    for line in world.bucket.versions(folder + "seals/"):
        if line.is_delete_marker:
            continue
        with world.bucket.open(line.key, line.version_id) as stream:
            try:
                opened = open_seal(stream.read(), world.signer.verifier)
            except FormatError:
                continue
        head = opened.checkpoint
        _judge_lock(opened.seal)
        parts.setdefault(head.size, opened.seal.first.sequence)
        if head.size >= len(roots) or head.root != roots[head.size]:
            raise Violation(f"forked: the sealed head of size {head.size} is no prefix of the archive")
    if "put-late" not in world.struck and not world.sealed_meanwhile:
        _judge_row(parts)


def _judge_row(parts: dict[int, int]) -> None:
    """Each seal begins where the one before ends; `parts` are the seals' first entries by their sizes."""
    for (before, _), (size, first) in pairwise(sorted(parts.items())):
        if first < before:
            raise Violation(f"overlapping: the seal of size {size} begins at {first}, before {before}")


def _judge_lock(seal: Seal) -> None:
    """A lock that no clock but a wrong one has asked for can't be taken back."""
    longest = seal.batch.last_modified + DAY + MOST_CLOCK_APART
    if seal.retention.until is None or seal.retention.until > longest + MOST_CLOCK_APART:
        raise Violation(f"locked too long: until {seal.retention.until}, put at {seal.batch.last_modified}")
