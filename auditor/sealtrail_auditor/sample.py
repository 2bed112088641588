"""Verification by sample: which batches are read, and with what probability that meets damage.

All seals are walked and all batches are listed, so a sample concerns only what is inside of batches. Which
ones are read follows from a seed: whoever knows it can read the same ones again, and whoever knew it before
could have kept away from them.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from heapq import nsmallest
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.archive import gather_names
from sealtrail_auditor.errors import ScopeError
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS, parse_seal_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from fractions import Fraction

    from sealtrail_auditor.trail_plan import TrailSettings
    from sealtrail_transport.store import Store

DAMAGED: Final = (1, 2, 5, 10, 50, 100)
"""Numbers of damaged batches for which the probability is stated."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How batches are to be drawn.

    Attributes:
        seed: From which the choice follows.
        count: How many to draw; None where `share` says it.
        share: Which share of them to draw, above 0 and up to 1; rounded up to whole batches.

    Raises:
        ScopeError: it draws nothing, or says both or neither of `count` and `share`.
    """

    seed: str
    count: int | None = None
    share: Fraction | None = None

    def __post_init__(self) -> None:
        if (self.count is None) is (self.share is None):
            raise ScopeError("a sample is a number of batches or a share of them")
        if (self.count is not None and self.count < 1) or (
            self.share is not None and not 0 < self.share <= 1
        ):
            raise ScopeError("a sample is at least 1 batch, and at most all of them")

    def size_of(self, population: int) -> int:
        """How many of so many batches are drawn."""
        if self.share is not None:
            return -(-population * self.share.numerator // self.share.denominator)
        return min(self.count or 0, population)


@dataclass(frozen=True, slots=True)
class Sample:
    """The batches that were drawn.

    Attributes:
        seed: From which the choice follows.
        population: How many batches there were to draw from: all but the first of each trail, which is
            always read.
        seals: The keys of the drawn batches' seals, relative to the archive.
    """

    seed: str
    population: int
    seals: frozenset[str]

    def meets(self, damaged: int) -> float:
        """The probability that at least one of so many damaged batches was drawn."""
        return detection(self.population, len(self.seals), damaged)

    def chances(self) -> list[tuple[int, float]]:
        """For some numbers of damaged batches: the number, and the probability of `meets`."""
        return [(damaged, self.meets(damaged)) for damaged in DAMAGED if damaged <= self.population]

    def to_json(self) -> dict[str, Any]:
        """The sample as JSON values; docs/verify-json.md describes them."""
        return {
            "seed": self.seed,
            "population": str(self.population),
            "drawn": str(len(self.seals)),
            "detection": [
                {"damaged": str(damaged), "probability": round(chance, 6)}
                for damaged, chance in self.chances()
            ],
        }


def draw(sampling: Sampling, population: int, keys: Iterable[str]) -> Sample:
    """Draw batches by their seals' keys.

    Each key gets a number that follows from the seed, and those with the smallest are drawn. So an archive
    and its copy give the same sample, in whatever order they are listed.

    Args:
        sampling: How many, and by which seed.
        population: How many keys there are.
        keys: The keys; only those drawn are held.
    """
    seed = sampling.seed.encode(errors="surrogatepass")
    drawn = nsmallest(
        sampling.size_of(population), keys, key=lambda key: sha256(seed + b"\n" + key.encode()).digest()
    )
    return Sample(sampling.seed, population, frozenset(drawn))


def draw_batches(sampling: Sampling | None, store: Store, trails: Iterable[TrailSettings]) -> Sample | None:
    """Draw from all batches of some trails, whose seals are listed twice; None where all are to be read."""
    if sampling is None:
        return None
    walks = [trail for trail in trails if not trail.part.is_empty]
    population = sum(1 for walk in walks for _ in _seal_keys(store, walk))
    return draw(sampling, population, (key for walk in walks for key in _seal_keys(store, walk)))


def _seal_keys(store: Store, walk: TrailSettings) -> Iterator[str]:
    """The keys of a trail's seals that the walk comes to, but for that of the first batch."""
    after = None if walk.base is None else walk.base.key
    names = gather_names(store.versions(walk.folder + SEALS, after=after))
    for name in islice(names, 0 if walk.base else 1, None):
        try:
            size = parse_seal_key(name.key[len(walk.folder) :])
        except FormatError:
            continue
        yield name.key
        if walk.part.last is not None and size > walk.part.last:
            return


def detection(population: int, drawn: int, damaged: int) -> float:
    """The probability that a sample without replacement meets at least one of the damaged batches.

    1 - C(population - damaged, drawn) / C(population, drawn): the hypergeometric distribution.
    """
    missed = 1.0
    for number in range(damaged):
        missed *= max(population - drawn - number, 0) / (population - number)
    return 1.0 - missed
