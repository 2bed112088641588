"""What the control entries of a trail state: what was done to it. That is told, and is no finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.moments import format_moment, time_of_ms
from sealtrail_schemas.body import ControlBody, parse_body
from sealtrail_schemas.control import CONTROL_NAMES, Continuation, Gap, KeyChange, open_control
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sealtrail_schemas.body import TopicRef
    from sealtrail_schemas.control import Control, Deed
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload

MAX_STATEMENTS: Final = 1_000
"""How many statements of one trail are kept whole; of the others, only the number is."""


class Statement(NamedTuple):
    """A control statement that opened at its place, and the signed note in the entry's body."""

    control: Control
    note: str


class StatementList:
    """The statements of one trail in order, in bounded memory: the newest are kept.

    Attributes:
        left_out: How many older ones there were.
    """

    def __init__(self, statements: Iterable[Statement] = (), left_out: int = 0) -> None:
        """Begin with these."""
        self._kept: list[Statement] = []
        self.left_out = left_out
        self.extend(statements)

    def __iter__(self) -> Iterator[Statement]:
        """The statements that are kept, in order."""
        return iter(self._kept)

    def extend(self, later: Iterable[Statement]) -> None:
        """Add those of later entries."""
        self._kept += later
        dropped = max(len(self._kept) - MAX_STATEMENTS, 0)
        self.left_out += dropped
        del self._kept[:dropped]

    def copy(self) -> StatementList:
        """An independent list of the same statements."""
        return StatementList(self._kept, self.left_out)


def opens(leaf: Leaf, payload: Payload, key: Verifier) -> bool | None:
    """Whether a control entry's statement is signed by the key, for it; None: its name is unknown."""
    try:
        body = parse_body(leaf.kind, payload.value)
        if not isinstance(body, ControlBody) or body.control not in CONTROL_NAMES:
            return None
        control = open_control((body.note or "").encode(), key)
    except FormatError:
        return False
    return control.is_at(leaf) and control.name == body.control


def statement_json(control: Control) -> dict[str, Any]:
    """A statement as JSON values (docs/verify-json.md): 64-bit numbers as strings, `at` as RFC 3339."""
    return {
        "sequence": str(control.sequence),
        "control": control.name,
        "at": format_moment(time_of_ms(control.at_ms)),
        "reason": control.reason,
        **_deed_json(control.deed),
    }


def _deed_json(deed: Deed) -> dict[str, Any]:
    match deed:
        case KeyChange(old, new):
            return {"old": _key_json(old), "new": _key_json(new)}
        case Continuation(topic, stop):
            return {"chained_topic": _topic_json(topic), "stop": stop}
        case Gap(topic, first_lost, first_kept):
            return {
                "raw_topic": _topic_json(topic),
                "first_lost": str(first_lost),
                "first_kept": str(first_kept),
            }


def _key_json(key: Verifier) -> dict[str, str]:
    return {"vkey": key.vkey, "fingerprint": key.fingerprint}


def _topic_json(topic: TopicRef) -> dict[str, str]:
    return {"name": topic.name, "id": topic.id.hex()}
