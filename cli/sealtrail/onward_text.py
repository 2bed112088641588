"""What the ways onward say before and after they are taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape

from sealtrail.terminal_text import printable
from sealtrail.wording import plural
from sealtrail_chainer.control_append import Place, Stated
from sealtrail_schemas.control import Continuation, Gap, KeyChange

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail.evidence import Kept
    from sealtrail_schemas.control import Deed

_NAMES = {Continuation: "continuation", Gap: "gap", KeyChange: "key-change"}


def describe_deed(deed: Deed) -> str:
    """What a control entry states, in one clause."""
    match deed:
        case Continuation(topic, stop):
            return f"the trail goes on in {topic.name}, though that does not hold all that it did ({stop})"
        case Gap(topic, lost, kept):
            records = plural(kept - lost, "record")
            offsets = f"{topic.name} offsets {lost} to {kept - 1}"
            return f"{offsets}, {records} at most, were lost before they were chained"
        case KeyChange(old, new):
            return f"another key signs from the next entry on: {old.fingerprint} → {new.fingerprint}"


def tell_plan(output: Output, origin: str, kept: Kept | None, found: Stated | Place | None) -> None:
    """Say what stands in the way of a trail, and what would be done about it."""
    rows = [("Trail", f"[bold]{escape(printable(origin))}[/]")]
    if kept is not None:
        rows.append(("stopped", escape(printable(f"{kept.code}: {kept.message}"))))
        rows.append(("evidence", escape(str(kept.file))))
    rows += [(name, escape(printable(text))) for name, text in _rows(found)]
    for name, text in rows:
        output.result(f"  {name:<10}{text}" if name != "Trail" else f"{name:<12}{text}")
    output.result("")


def _rows(found: Stated | Place | None) -> list[tuple[str, str]]:
    match found:
        case None:
            return [("to do", "nothing stops it any more; the evidence is renamed")]
        case Place(state, following, deed):
            if isinstance(deed, KeyChange):  # the new one may not be made yet
                text = f"another key signs from the next entry on, in the place of {deed.old.fingerprint}"
                return [("to state", f"key-change, as entry {state.size}: {text}")]
            return [
                ("to state", f"{_NAMES[type(deed)]}, as entry {state.size}: {describe_deed(deed)}"),
                ("then", f"reading goes on at raw offset {following}"),
            ]
        case Stated(control):
            return [("stated", f"{control.name}, as entry {control.sequence}: what is left is completed")]


def tell_record(
    output: Output, origin: str, kept: Kept | None, found: Stated | Place | None, *, done: bool
) -> None:
    """The same, and what came of it, as JSON."""
    deed, sequence = _deed(found)
    output.record(
        origin=origin,
        stop=kept.code if kept else deed.stop if isinstance(deed, Continuation) else None,
        evidence=str(kept.file) if kept else None,
        control=_NAMES[type(deed)] if deed is not None else None,
        sequence=sequence,
        done=done,
    )


def tell_done(output: Output, origin: str, stated: Stated | None, moved: Path | None) -> None:
    """Say what was done."""
    name = f"[bold]{escape(printable(origin))}[/]"
    if stated is None:
        output.result(f"{name}: nothing stops it any more.")
    else:
        control = stated.control
        text = printable(f"entry {control.sequence} states it: {describe_deed(control.deed)}")
        output.result(f"{name}: {escape(text)}.")
    if moved is not None:
        output.say(f"The evidence is kept as {escape(str(moved))}.")


def _deed(found: Stated | Place | None) -> tuple[Deed | None, int | None]:
    match found:
        case Place(state, _, deed):
            return deed, state.size
        case Stated(control):
            return control.deed, control.sequence
    return None, None
