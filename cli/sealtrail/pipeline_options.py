"""Settings of chainer and archiver as options, for every command that runs one."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from datetime import timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Final, Literal

import click

from sealtrail.durations import DURATION
from sealtrail.recognise_setting import current_mappings
from sealtrail.settings import setting
from sealtrail_archiver.settings import MOST_BATCH_BYTES, MOST_BATCH_ENTRIES, ArchiverSettings
from sealtrail_archiver.views import require_pyarrow
from sealtrail_chainer.chainer import ChainerSettings

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_schemas.recognise_json import JsonMapping


@dataclass(frozen=True, slots=True)
class BatchChoice:
    """What the user said about batches."""

    age: timedelta
    entries: int
    size_bytes: int
    codec: Literal["deflate", "null"]
    trim_after: timedelta | None
    views: bool | None

    def view_mappings(self) -> tuple[JsonMapping, ...] | None:
        """The mappings by which to make views of what is sealed; None where none are to be made.

        Raises:
            ExtraMissingError: they are asked for, and pyarrow is not installed.
        """
        if self.views is False or (self.views is None and find_spec("pyarrow") is None):
            return None
        if self.views:
            require_pyarrow()  # unasked for, one that can't be imported is told of by who makes the views
        return current_mappings()

    def settings(self, retention: timedelta | None) -> ArchiverSettings:
        """The archiver's settings, for a trail of that retention."""
        return ArchiverSettings(
            retention=retention,
            batch_entries=self.entries,
            batch_bytes=self.size_bytes,
            batch_age_ms=_ms(self.age),
            codec=self.codec,
            trim_after_ms=_ms(self.trim_after) if self.trim_after is not None else None,
        )


def chainer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the chainer's options; the command gets `chainer`, its settings."""

    @functools.wraps(command)
    def with_choice(*, heartbeat_after: timedelta, **others: Any) -> Any:
        return command(chainer=ChainerSettings(heartbeat_after_ms=_ms(heartbeat_after)), **others)

    return _HEARTBEAT(with_choice)


def archiver_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the archiver's options; the command gets `batches`."""

    @functools.wraps(command)
    def with_choice(
        *,
        batch_age: timedelta,
        batch_entries: int,
        batch_bytes: int,
        batch_codec: Literal["deflate", "null"],
        trim_after: timedelta | None,
        views: bool | None,
        **others: Any,
    ) -> Any:
        batches = BatchChoice(batch_age, batch_entries, batch_bytes, batch_codec, trim_after, views)
        return command(batches=batches, **others)

    for decorator in reversed(_BATCHES):
        with_choice = decorator(with_choice)
    return with_choice


def _ms(duration: timedelta) -> int:
    return duration // timedelta(milliseconds=1)


_HEARTBEAT: Final = setting(
    "--heartbeat-after", type=DURATION, default="5m", help="Idle time after which a heartbeat is chained."
)
_BATCHES: Final = (
    setting("--batch-age", type=DURATION, default="10s", help="Seal at the latest this long after an event."),
    setting(
        "--batch-entries",
        type=click.IntRange(1, MOST_BATCH_ENTRIES),
        default=10_000,
        help="Entries in a batch at most.",
    ),
    setting(
        "--batch-bytes",
        type=click.IntRange(1, MOST_BATCH_BYTES),
        default=8 * 2**20,
        help="Bytes of entries in a batch at most, before compression.",
    ),
    setting(
        "--batch-codec",
        type=click.Choice(["deflate", "null"]),
        default="deflate",
        help="Compression of batches.",
    ),
    setting(
        "--trim-after",
        type=DURATION,
        help="Free chained records of the log this long after they were sealed.  [default: never]",
    ),
    setting(
        "--views",
        metavar="true|false",
        type=bool,
        help="Write the view of each sealed batch, for `sealtrail search`.  "
        "[default: true where the extra `views` is installed]",
    ),
)
