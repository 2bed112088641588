"""What a running pipeline tells whoever shows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from sealtrail_archiver.settings import Alarm, SealedBatch
    from sealtrail_transport.errors import TransportError


@dataclass(frozen=True, slots=True)
class Recovered:
    """The thread `who` has found its place in a trail: `size` entries are chained, or sealed."""

    who: str
    origin: str
    size: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """A batch was sealed."""

    origin: str
    batch: SealedBatch


@dataclass(frozen=True, slots=True)
class Raised:
    """Somebody has to look at something; the line goes on."""

    origin: str
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record could not be re-published; its place in the trail says so, its bytes are not archived."""

    origin: str
    reason: str


@dataclass(frozen=True, slots=True)
class Away:
    """Something that waiting can mend stops the thread `who`: a log or store that is away, mostly."""

    who: str
    error: TransportError


@dataclass(frozen=True, slots=True)
class Back:
    """What stopped the thread `who` is over."""

    who: str


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction was committed: `entries` of the trail, of which `records` stand for raw records."""

    origin: str
    entries: int
    records: int


@dataclass(frozen=True, slots=True)
class Failed:
    """The thread `who` met an error after which it goes on: one for each time, where `Away` is told once."""

    who: str
    error: TransportError


@dataclass(frozen=True, slots=True)
class Stopped:
    """The thread `who` ended with an error, and the pipeline with it."""

    who: str
    error: BaseException


Event: TypeAlias = Recovered | Sealed | Raised | Rejected | Away | Back
"""What is shown."""
Counted: TypeAlias = Committed | Failed | Stopped
"""What happens too often to be shown, or is raised by `Pipeline.wait`."""
