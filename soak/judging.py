"""Whether a run went well: checks over what was seen, each with what it found."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from soak.counting import Counted
    from soak.sampling import Sample

MOST_GROWTH: Final = 1.2
FIRST_MINUTE_S: Final = (60.0, 90.0)
END_S: Final = 30.0
_MIB: Final = 2**20
LEAST_AGE_S: Final = 180.0
"""A younger process at the end has no first minute to be compared with."""


@dataclass(frozen=True, slots=True)
class Check:
    """One question: `passed` is None where the run can't answer it."""

    name: str
    passed: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class Memory:
    """What a service had resident, in bytes: medians of two spans, and the most that was ever seen.

    Attributes:
        first_minute: Of the process that ran at the end, 60 to 90 seconds after its own start.
        end: Of the same process, in the last 30 seconds of production.
        first_minute_of_run: Of whatever process ran 60 to 90 seconds after the run had begun.
        most: Of all processes.
        age_s: How old the process was at the end.
    """

    first_minute: float | None
    end: float | None
    first_minute_of_run: float | None
    most: float
    age_s: float

    @property
    def is_old_enough(self) -> bool:
        """Whether the process that ran at the end has a first minute of its own to be compared with."""
        return self.age_s >= LEAST_AGE_S


def memory_of(samples: Sequence[Sample], service: str, *, ended_s: float) -> Memory:
    """The memory of a service; `ended_s` is when production ended."""
    seen = [(line["at_s"], line[service]) for line in samples if "rss_bytes" in line.get(service, {})]
    if not seen:
        return Memory(None, None, None, 0, 0)
    within = [(at_s, of) for at_s, of in seen if at_s <= ended_s]
    last = (within or seen)[-1][1]
    life = [(at_s, of) for at_s, of in within if of["pid"] == last["pid"]]
    begin, end = FIRST_MINUTE_S
    return Memory(
        first_minute=_median(of["rss_bytes"] for _, of in life if begin <= of["age_s"] <= end),
        end=_median(of["rss_bytes"] for at_s, of in life if at_s > ended_s - END_S),
        first_minute_of_run=_median(of["rss_bytes"] for at_s, of in within if begin <= at_s <= end),
        most=max(of["rss_bytes"] for _, of in seen),
        age_s=last["age_s"],
    )


def check_memory(service: str, memory: Memory) -> tuple[Check, Check]:
    """Whether a service's memory stayed what it was: in the run, and in the life of its last process."""
    name = f"memory of the {service} at the end is at most 1.2 times that after"
    most = f"at most {memory.most / _MIB:.1f} MiB ever"
    of_run = _check_growth(f"{name} the run's first minute", memory.first_minute_of_run, memory.end, most)
    age = f"the process was {memory.age_s:.0f} s old"
    if not memory.is_old_enough:
        young = Check(f"{name} its own first minute", None, f"{age}; {LEAST_AGE_S:.0f} s are needed")
        return of_run, young
    return of_run, _check_growth(f"{name} its own first minute", memory.first_minute, memory.end, age)


def _check_growth(name: str, first: float | None, end: float | None, more: str) -> Check:
    if first is None or end is None:
        return Check(name, None, f"nothing to compare; {more}")
    detail = f"{first / _MIB:.1f} → {end / _MIB:.1f} MiB, times {end / first:.2f}; {more}"
    return Check(name, end / first <= MOST_GROWTH, detail)


def check_counts(counted: Counted, *, acknowledged: int) -> Check:
    """Whether what was acknowledged is archived, once each."""
    detail = (
        f"{acknowledged:,} acknowledged, {counted.archived:,} archived; {counted.lost} lost, "
        f"{counted.repeated} repeated, {counted.foreign} of nobody, {counted.unknown} failed and stored"
    )
    exact = counted.is_exact and counted.archived == acknowledged + counted.unknown
    return Check("each acknowledged event is archived exactly once, and no other", exact, detail)


def check_ends(unwanted: dict[str, list[int]]) -> Check:
    """Whether services ended only when they were told to."""
    told = ", ".join(f"{name}: {codes}" for name, codes in unwanted.items() if codes)
    return Check("no service ended by itself, and each ended with 0 at the end", not told, told or "none did")


def check_alarms(alarms: Sequence[tuple[str, str]]) -> Check:
    """Whether the services raised no alarm. Strays can be left by a chainer that was killed."""
    bad = [f"{code}: {text}" for code, text in alarms if code != "stray"]
    detail = "; ".join(bad) or f"{len(alarms)} strays"
    return Check("no alarm but of strays, which a killed chainer can leave", not bad, detail)


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return median(found) if found else None
