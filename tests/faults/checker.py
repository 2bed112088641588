"""The judge of a run. It sees two things only: what producers were told, and what the archive holds.

It has no word from brokers, services or the harness, so nothing that they get wrong can make it lenient.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from faults.records import parse_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from faults.records import Ack, Record


class Wrong(StrEnum):
    """What can be wrong with a run."""

    LOST = "lost"  # acknowledged, and not in the archive
    REPEATED = "repeated"  # in the archive more often than it was published
    REORDERED = "reordered"  # not in the order of its partition, or not where the acknowledgement says
    INVENTED = "invented"  # in the archive, and nobody published it
    FORKED = "forked"  # two heads under one key that do not fit together
    FALSE_ALARM = "false-alarm"  # a verdict, an alarm or a stop without a reason
    UNNOTICED = "unnoticed"  # something is wrong, as was planned, and nobody said so
    STUCK = "stuck"  # the fault is over, and the work does not go on


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing that is wrong, in words."""

    wrong: Wrong
    text: str


@dataclass(frozen=True, slots=True)
class Archived:
    """An event in the archive: its trail's partition, its place there, and what it says of its source."""

    partition: int
    sequence: int
    source_offset: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """A head that was signed: of a seal under a key of the policy, of whichever version, wherever."""

    origin: str
    folder: str
    size: int
    root: bytes
    where: str


@dataclass(frozen=True, slots=True)
class Archive:
    """What the archive holds, by the shipped verifier and reading.

    Attributes:
        verdict: of the verifier.
        findings: its findings, each beginning with its code.
        events: the verified entries of kind event, by trail and in order.
        rejected: how many entries stand for events that could not be chained.
        heads: every head that was ever signed and still lies there.
        roots: for each origin the Merkle root of its verified entries, at every size that a head has.
        sealed_at: when each sequence was sealed, by partition: (last sequence, seconds since the Unix epoch).
    """

    verdict: str
    findings: tuple[str, ...] = ()
    events: tuple[Archived, ...] = ()
    rejected: int = 0
    heads: tuple[Head, ...] = ()
    roots: Mapping[str, Mapping[int, bytes]] = field(default_factory=dict)
    sealed_at: Mapping[int, Sequence[tuple[int, float]]] = field(default_factory=dict)


def judge(
    records: Sequence[Record], archive: Archive, *, findings_expected: frozenset[str] = frozenset()
) -> list[Violation]:
    """All that is wrong; empty if nothing is.

    `findings_expected` are codes that the verifier has to tell of, since the run has planted their cause;
    any other finding is a false alarm.
    """
    return [
        *_lost_and_invented(records, archive),
        *_out_of_order(records, archive),
        *_forked(archive),
        *_alarms(archive, findings_expected),
    ]


def window_s(records: Sequence[Record], archive: Archive) -> list[float]:
    """For each acknowledged event in the archive: the seconds from its acknowledgement to its seal."""
    acks = _acks(records)
    windows = []
    seals = {partition: iter(of) for partition, of in archive.sealed_at.items()}
    newest = {partition: next(of) for partition, of in seals.items()}
    for event in sorted(archive.events, key=lambda event: (event.partition, event.sequence)):
        while newest[event.partition][0] < event.sequence:
            newest[event.partition] = next(seals[event.partition])
        ack = acks.get(_published(event))
        if ack is not None:
            windows.append(newest[event.partition][1] - ack.at)
    return windows


def _acks(records: Sequence[Record]) -> dict[tuple[str, int] | None, Ack | None]:
    return {(of.producer, number): ack for of in records for number, ack in of.acks.items()}


def _published(event: Archived) -> tuple[str, int] | None:
    try:
        return parse_value(event.value)
    except ValueError:
        return None


def _lost_and_invented(records: Sequence[Record], archive: Archive) -> Iterator[Violation]:
    acks = _acks(records)
    found: dict[tuple[str, int] | None, list[Archived]] = defaultdict(list)
    for event in archive.events:
        found[_published(event)].append(event)
    lost = [key for key, ack in acks.items() if ack is not None and key not in found]
    if lost:
        yield Violation(Wrong.LOST, f"{len(lost)} acknowledged events are not in the archive: {lost[:5]}")
    if archive.rejected:
        yield Violation(Wrong.LOST, f"{archive.rejected} events are in the archive as rejected only")
    for key, events in found.items():
        places = [(event.partition, event.sequence) for event in events]
        if key not in acks:
            yield Violation(Wrong.INVENTED, f"nobody published what lies at {places[:5]}")
        elif len(events) > 1:
            yield Violation(Wrong.REPEATED, f"{key} lies at {places[:5]}")


def _out_of_order(records: Sequence[Record], archive: Archive) -> Iterator[Violation]:
    """By producer and partition the numbers rise, and so does each trail's source offset.

    A producer hands its events over by number, and the log keeps each partition in the order of arrival.
    """
    acks = _acks(records)
    newest: dict[tuple[int, str], int] = {}
    offsets: dict[int, int] = {}
    for event in sorted(archive.events, key=lambda event: (event.partition, event.sequence)):
        if event.source_offset <= offsets.get(event.partition, -1):
            yield Violation(
                Wrong.REORDERED, f"{_where(event)} has source offset {event.source_offset} too late"
            )
        offsets[event.partition] = event.source_offset
        key = _published(event)
        if key is None:
            continue
        producer, number = key
        if number < newest.get((event.partition, producer), -1):
            yield Violation(Wrong.REORDERED, f"{_where(event)} holds number {number} of {producer} too late")
        newest[event.partition, producer] = number
        ack = acks.get(key)
        if ack is None or ack.offset is None:
            continue
        if (ack.partition, ack.offset) != (event.partition, event.source_offset):
            yield Violation(
                Wrong.REORDERED,
                f"{key} was acknowledged at {ack.partition}/{ack.offset}, {_where(event)} says "
                f"{event.source_offset}",
            )


def _where(event: Archived) -> str:
    return f"entry {event.sequence} of partition {event.partition}"


def _forked(archive: Archive) -> Iterator[Violation]:
    """Every head ever signed is one of the trail that was verified."""
    folders: dict[str, set[str]] = defaultdict(set)
    for head in archive.heads:
        folders[head.origin].add(head.folder)
        root = archive.roots.get(head.origin, {}).get(head.size)
        if root != head.root:
            yield Violation(
                Wrong.FORKED, f"the head of size {head.size} in {head.where} is of another history"
            )
    for origin, of_origin in folders.items():
        if len(of_origin) > 1:
            yield Violation(Wrong.FORKED, f"{origin} has several trails: {sorted(of_origin)}")


def _alarms(archive: Archive, expected: frozenset[str]) -> Iterator[Violation]:
    codes = {finding.split(" ", 1)[0] for finding in archive.findings}
    unexpected = sorted(codes - expected)
    if unexpected or (archive.verdict != "intact" and not expected):
        yield Violation(Wrong.FALSE_ALARM, f"the verdict is {archive.verdict}: {archive.findings[:5]}")
    for code in sorted(expected - codes):
        yield Violation(Wrong.UNNOTICED, f"the verifier does not say {code}")
