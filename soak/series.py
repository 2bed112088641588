"""Samples as lines of a plot: x in seconds of the run, y a number, or nan where there is none."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from math import nan
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from soak.sampling import Sample

_WINDOW_S: Final = 5.0


def line_of(samples: Sequence[Sample], part: str, name: str) -> list[float]:
    """One value of each sample."""
    return [_number(sample.get(part, {}).get(name)) for sample in samples]


def rate_of(samples: Sequence[Sample], part: str, name: str) -> list[float]:
    """How much a value grew in a second, over the seconds before each sample.

    Values that count a trail's size go on growing when their process is killed. Where one was not to be had,
    the increase is spread over the time until the next that was.
    """
    points = [
        (sample["at_s"], float(value))
        for sample in samples
        if (value := sample.get(part, {}).get(name)) is not None
    ]
    times = [at_s for at_s, _ in points]
    return [_rate(points, times, sample["at_s"]) for sample in samples]


def age_of_newest_seal(samples: Sequence[Sample], began_at: float) -> list[float]:
    """Seconds since the newest seal that the archiver has told of; the run began at `began_at`, Unix time."""
    newest, ages = nan, []
    for sample in samples:
        newest = _number(sample.get("archiver", {}).get("newest_seal_at", newest))
        age_s = began_at + sample["at_s"] - newest
        ages.append(0.0 if age_s < 0 else age_s)  # nan stays nan
    return ages


def _rate(points: Sequence[tuple[float, float]], times: Sequence[float], at_s: float) -> float:
    before = bisect_right(times, at_s - _WINDOW_S) - 1
    after = bisect_left(times, at_s)
    if before < 0 or after == len(times):
        return nan
    (from_s, low), (to_s, high) = points[before], points[after]
    return max(0.0, high - low) / (to_s - from_s)


def _number(value: Any) -> float:
    return nan if value is None else float(value)
