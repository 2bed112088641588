"""An attack of the corpus: who can do it, how it is done, and all that the verifier has to say to it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from auditor.builders import TrailMaker, make_trail, verify

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_auditor.catalogue import FindingCode
    from sealtrail_auditor.findings import Finding
    from sealtrail_auditor.report import Report


class Power(Enum):
    """Who can do it. The value is how docs/attacks.md calls them."""

    WRITER = "writer"  # has the bucket's credentials, but for what locks forbid
    OPERATOR = "store"  # works below the interface of the store, where no lock holds
    CHAINER = "chainer"  # controls the chainer, or writes to the chained topic, and has no key
    INSIDER = "key"  # holds the trail's key, and comes before the lock or below it


def three_batches() -> TrailMaker:
    """A trail of three sealed batches: entries 0 to 3, 4 to 7 and 8 to 11."""
    return make_trail(4, 4, 4)


@dataclass(frozen=True, slots=True)
class Attack:
    """One attack on one trail.

    Attributes:
        name: What is done, in a few words.
        power: Who can do it.
        do: Does it to the trail; may return further arguments of `verify`, such as a head that was kept.
        code: The finding that says it; None for what no verifier of an archive alone can see.
        key: The object that the finding names, relative to the trail's folder; "" is that folder, and what
            begins with a slash lies outside of it.
            None where the finding is about the whole archive.
        span: The entries that it names, both ends included.
        also: The codes of the findings that come with it, each as often as it comes.
        chain_sees: Whether a verifier that only follows the chain would see it.
        seals_see: Whether one would that follows the chain and the seals' signatures, in what is newest.
        make: The trail before the attack, or as an insider made it wrong from the beginning.
    """

    name: str
    power: Power
    do: Callable[[TrailMaker], dict | None]
    code: FindingCode | None
    key: str | None = None
    span: tuple[int, int] | None = None
    also: tuple[FindingCode, ...] = ()
    chain_sees: bool = False
    seals_see: bool = False
    make: Callable[[], TrailMaker] = three_batches

    def commit(self) -> tuple[TrailMaker, dict]:
        """Make the trail and do it; returns the trail and the arguments for `verify`."""
        trail = self.make()
        return trail, self.do(trail) or {}


def judge(trail: TrailMaker, arguments: dict) -> Report:
    """What sealtrail says to a trail after the attack."""
    return verify(trail, **arguments)


def first_of(report: Report, code: FindingCode) -> Finding:
    """The first finding of a code."""
    return next(finding for finding in report.all_findings() if finding.code is code)


def nothing(_trail: TrailMaker) -> None:
    """Do nothing more: the trail was made wrong."""
