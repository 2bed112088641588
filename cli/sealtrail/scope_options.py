"""The options of `verify` that say how much of an archive to look at; the command gets one `scope`."""

from __future__ import annotations

import functools
import re
import secrets
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail.times import TIME
from sealtrail_auditor.reading import TimeRange
from sealtrail_auditor.sample import Sampling
from sealtrail_auditor.scope import Scope

if TYPE_CHECKING:
    from collections.abc import Callable

_COUNT: Final = re.compile(r"[0-9]{1,9}")
_SHARE: Final = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_SEED_BYTES: Final = 8


def scope_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --first, --last, --chained-from, --chained-to, --sample, --seed; the command gets one `scope`."""

    @functools.wraps(command)
    def with_scope(
        *args: Any,
        first: int | None,
        last: int | None,
        chained_from: int | None,
        chained_to: int | None,
        sample: int | Fraction | None,
        seed: str | None,
        **others: Any,
    ) -> Any:
        bounds = (chained_from, chained_to)
        scope = Scope(
            first,
            last,
            chained=None if bounds == (None, None) else TimeRange(*bounds),
            sampling=_sampling(sample, seed),
        )
        return command(*args, scope=scope, **others)

    for decorator in reversed(_DECORATORS):
        with_scope = decorator(with_scope)
    return with_scope


def parse_sample(text: str) -> int | Fraction:
    """Read a number of batches, `50`, or a share of them, `1%` or `0.5%`.

    Raises:
        ValueError: it is neither, none, or more than all.
    """
    share, count = _SHARE.fullmatch(text.strip()), _COUNT.fullmatch(text.strip())
    if share and 0 < (part := Fraction(share[1]) / 100) <= 1:
        return part
    if count and int(text) > 0:
        return int(text)
    raise ValueError(f"{text!r} is no sample: write a number of batches, as 50, or a share, as 1%")


class SampleType(click.ParamType["int | Fraction"]):
    """An option's value that says how many batches to read."""

    name = "sample"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | Fraction:
        """Read the value of an option."""
        if isinstance(value, int | Fraction):
            return value
        try:
            return parse_sample(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _sampling(sample: int | Fraction | None, seed: str | None) -> Sampling | None:
    if sample is None:
        if seed is not None:
            raise click.UsageError("--seed is for --sample")
        return None
    seed = secrets.token_hex(_SEED_BYTES) if seed is None else seed
    if isinstance(sample, int):
        return Sampling(seed, count=sample)
    return Sampling(seed, share=sample)


_SEQUENCE: Final = click.IntRange(0, (1 << 63) - 2)
_DECORATORS: Final = (
    click.option("--first", metavar="SEQ", type=_SEQUENCE, help="Only entries from this one on."),
    click.option(
        "--last", metavar="SEQ", type=_SEQUENCE, help="Only entries up to this one, which is included."
    ),
    click.option(
        "--chained-from",
        metavar="TIME",
        type=TIME,
        help="Only what was chained then or later: 2026-11-23T09:30:00Z, or a date.",
    ),
    click.option("--chained-to", metavar="TIME", type=TIME, help="Only what was chained before that."),
    click.option(
        "--sample",
        metavar="N|SHARE",
        type=SampleType(),
        help="Walk all seals, and read only so many batches, drawn at random: 50, or 1%.",
    ),
    click.option("--seed", metavar="TEXT", help="Draw the same batches as another run that told its seed."),
)
