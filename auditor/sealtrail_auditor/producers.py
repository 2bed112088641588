"""What came of producers' numbers in one trail: for the report, and as findings where that is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding
from sealtrail_auditor.numbering import count
from sealtrail_schemas.producer_stamp import encode_void

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.stamps import StampCounts
    from sealtrail_auditor.trail_result import TrailResult
    from sealtrail_schemas.producer_stamp import Numbers

_SHOWN_RUNS: Final = 10


class Reach(NamedTuple):
    """What of the trail its producers' numbers were read from.

    Attributes:
        from_start: Its first entry, and all up to the end that was looked at.
        has_gaps: Whether entries in the middle were not read, which may hold what seems to be missing.
    """

    from_start: bool
    has_gaps: bool

    @classmethod
    def of(cls, trail: TrailResult) -> Reach:
        """Of a walk that has ended."""
        expired = list(trail.expired)
        newly = sum(span.last - span.first + 1 for span in expired if span.first >= trail.base_size)
        has_gaps = trail.entries + newly != trail.size - trail.base_size
        if expired and (len(expired) > 1 or expired[0].first):
            has_gaps = True
        return cls(not (trail.stamps_from or expired or has_gaps), has_gaps)


@dataclass(frozen=True, slots=True)
class ProducerReport:
    """One incarnation of a producer in one trail, or the sums of several.

    Attributes:
        producer: The producer's name.
        incarnation: 16 hex digits; None: sums of `incarnations` that are not told apart any more.
        incarnations: How many it stands for.
        events: Events that carry its stamps.
        highest: The highest number among them; None for sums.
        missing: How many numbers below that are missing, neither met nor declared void.
        missing_runs: Which, as far as they are told apart.
        repeated: How many events carry a number that another one has.
        void: How many numbers were declared void.
    """

    producer: str
    incarnation: str | None
    incarnations: int
    events: int
    highest: int | None
    missing: int
    missing_runs: tuple[Numbers, ...]
    repeated: int
    void: int

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "producer": self.producer,
            "incarnation": self.incarnation,
            "incarnations": self.incarnations,
            "events": str(self.events),
            "highest": None if self.highest is None else str(self.highest),
            "missing": str(self.missing),
            "missing_runs": [{"first": str(run.first), "last": str(run.last)} for run in self.missing_runs],
            "repeated": str(self.repeated),
            "void": str(self.void),
        }


@dataclass(frozen=True, slots=True)
class ProducersReport:
    """What came of producers' numbers in a trail.

    Attributes:
        from_start: Whether the trail was read from its first entry on, so that a missing beginning shows.
        producers: In the order of their names.
        unreadable: Events with a stamp that can't be read.
        left_out: Events of producers beyond those that are counted.
    """

    from_start: bool
    producers: tuple[ProducerReport, ...]
    unreadable: int
    left_out: int

    @classmethod
    def of(cls, trail: TrailResult) -> ProducersReport | None:
        """Of a walk that has ended; None where no stamp was met."""
        if trail.stamps is None:
            return None
        from_start = Reach.of(trail).from_start
        reports = sorted(
            _reports(trail.stamps, from_start=from_start),
            key=lambda report: (report.producer, report.incarnation or ""),
        )
        return cls(from_start, tuple(reports), trail.stamps.unreadable, trail.stamps.left_out)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "from_start": self.from_start,
            "producers": [producer.to_json() for producer in self.producers],
            "unreadable": str(self.unreadable),
            "left_out": str(self.left_out),
        }


def _reports(stamps: StampCounts, *, from_start: bool) -> Iterator[ProducerReport]:
    for (producer, incarnation), numbering in stamps.numberings.items():
        yield ProducerReport(
            producer,
            incarnation,
            1,
            numbering.events,
            numbering.highest,
            numbering.missing(from_start=from_start),
            tuple(numbering.gaps(from_start=from_start)),
            numbering.repeated,
            count(numbering.void),
        )
    for producer, sums in stamps.retired.items():
        yield ProducerReport(
            producer, None, sums.incarnations, sums.events, None, sums.missing, (), sums.repeated, sums.void
        )


def add_findings(trail: TrailResult) -> None:
    """Add findings to a walk that has ended: what producers' numbers show to be missing or there twice.

    Where entries of the trail were not read, what is missing may be theirs, so it is no finding.
    """
    report = ProducersReport.of(trail)
    if report is None:
        return
    has_gaps = Reach.of(trail).has_gaps
    for producer in report.producers:
        if producer.missing and not has_gaps:
            trail.findings.add(_finding(FindingCode.PRODUCER_MISSING, trail, producer, _missing(producer)))
        if producer.repeated:
            found = f"{producer.repeated} event(s) with a number that another has"
            trail.findings.add(_finding(FindingCode.PRODUCER_REPEATED, trail, producer, found))


def _finding(code: FindingCode, trail: TrailResult, producer: ProducerReport, found: str) -> Finding:
    which = f"incarnation {producer.incarnation}"
    if producer.incarnation is None:
        which = f"{producer.incarnations} earlier incarnations"
    up_to = "" if producer.highest is None else f" up to {producer.highest}"
    return Finding(
        code,
        trail.origin,
        trail.folder,
        expected=f"each number of producer {producer.producer}, {which},{up_to} once",
        found=found,
    )


def _missing(producer: ProducerReport) -> str:
    return f"{producer.missing} missing{describe_runs(producer.missing_runs)}"


def describe_runs(runs: tuple[Numbers, ...]) -> str:
    """`: 17-19, 22 and 3 more runs`; empty where there are none."""
    if not runs:
        return ""
    more = len(runs) - _SHOWN_RUNS
    shown = encode_void(runs[:_SHOWN_RUNS]).decode().replace(",", ", ")
    return f": {shown}" + (f" and {more} more runs" if more > 0 else "")


def unchecked(trail: TrailResult) -> Iterator[str]:
    """What of producers' numbers was not checked, in sentences."""
    stamps, reach = trail.stamps, Reach.of(trail)
    if stamps is None:
        return
    yield (
        "Of each producer's incarnation, what was lost behind the highest number that was met can't be seen, "
        "nor a producer of which nothing was met."
    )
    if not reach.from_start:
        yield "What producers had numbered before the first entry that was read was not missed."
    if reach.has_gaps:
        yield "Numbers of producers that seem to be missing may be those of entries that were not read."
    if stamps.retired:
        yield (
            f"Of {sum(sums.incarnations for sums in stamps.retired.values())} producers' incarnations, those "
            "that were quiet for longest, only sums are told; should one go on, its numbers count as new."
        )
    if stamps.left_out:
        yield f"{stamps.left_out} event(s) of too many producers to be told apart were not counted."
    if stamps.unreadable:
        yield f"{stamps.unreadable} event(s) carry a producer's stamp that can't be read."
