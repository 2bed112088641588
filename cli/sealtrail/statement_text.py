"""What was done to a trail, in words: control statements, and trails that go on from one another."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from sealtrail.wording import plural, utc
from sealtrail_auditor.moments import time_of_ms
from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import Continuation, Gap, KeyChange, read_control
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.report import TrailReport
    from sealtrail_schemas.control import Control, Deed

MAX_STATEMENTS: Final = 10
"""So many statements of one trail are shown, the newest."""


def history_rows(trail: TrailReport) -> Iterator[tuple[str, str]]:
    """Labels and texts that say what was done to a trail; none where nothing was."""
    before = trail.predecessor
    if before is not None:
        place = f", {trail.predecessor_folder}" if trail.predecessor_folder else ""
        size = plural(before.size, "entry", "entries")
        yield "predecessor", f"{before.origin} of {size}{place} ({before.reason})"
    if trail.successor_folder is not None:
        yield "successor", trail.successor_folder
    older = len(trail.statements) - MAX_STATEMENTS
    hidden = max(older, 0) + trail.statements_left_out
    if hidden:
        yield "stated", f"{plural(hidden, 'statement')} before these; --json has all that were kept"
    for control in trail.statements[-MAX_STATEMENTS:]:
        at = time_of_ms(control.at_ms)
        when = f", {utc(at)}" if at is not None else ""
        yield "stated", f"entry {control.sequence}{when}: {statement_text(control)}"


def statement_text(control: Control) -> str:
    """What a statement says, in a clause; still to be made fit to print."""
    return f"{deed_text(control.deed)} ({control.reason})"


def body_text(value: bytes | None) -> str | None:
    """What the body of a control entry says, whoever signed it; None where that can't be read."""
    with suppress(FormatError):
        body = parse_body(Kind.CONTROL, value)
        if isinstance(body, ControlBody) and body.note is not None:
            return statement_text(read_control(body.note.encode()))
    return None


def deed_text(deed: Deed) -> str:
    """What is stated, in a clause; still to be made fit to print."""
    match deed:
        case KeyChange(old, new):
            return f"the key was changed from {old.fingerprint} to {new.fingerprint}"
        case Continuation(topic, stop):
            return f"the trail goes on in topic {topic.name} ({topic.id.hex()}) after {stop}"
        case Gap(topic, first_lost, first_kept):
            count = plural(first_kept - first_lost, "record")
            return (
                f"{count} at most, at offsets {first_lost} to {first_kept - 1} of topic {topic.name}, were "
                "lost before they could be chained"
            )
