"""The page of an evidence pack, `index.html`, made piece by piece: a large pack takes little memory."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.pack import INDEX
from sealtrail_auditor.pages.template import embedded_json, fill_template
from sealtrail_schemas.audit_event import AUDIT_EVENT_AVSC, schema_fingerprint
from sealtrail_schemas.base64text import encode_base64
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.tlog_proof import TlogProof
from sealtrail_schemas.view import view_row

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sealtrail_auditor.pack import About, PackedChange, PackedEntry
    from sealtrail_auditor.pages.template import Template
    from sealtrail_schemas.keys import Verifier

__all__ = ["INDEX", "PageData", "page_template"]

SCRIPTS: Final = ("formats.js", "key_changes.js", "checks.js", "values.js", "timeline.js", "pack.js")
READ: Final = ("recogniser", "actor", "action", "resource", "outcome", "event_type", "event_id")


def page_template(about: About) -> Template:
    """The page without its data."""
    return fill_template("pack", title=about.title, scripts=SCRIPTS)


@dataclass(slots=True)
class PageData:
    """Makes the JSON that is embedded in the page: `head`, then `entry` for each entry, then `tail`.

    Bytes are in Base64, as they are in the pack's files, so that the page checks just those.
    """

    about: About
    _seals: dict[str, bytes] = field(default_factory=dict)
    _count: int = 0

    def head(self) -> bytes:
        """What comes before the entries."""
        about = {"title": self.about.title, "selection": self.about.selection}
        schema = json.loads(AUDIT_EVENT_AVSC)
        event = {"fingerprint": schema_fingerprint(schema).hex(), "schema": schema}
        return embedded_json(about | {"audit_event": event})[:-1] + b',"entries":[\n'

    def entry(self, entry: PackedEntry) -> bytes:
        """One entry."""
        if entry.seal:
            self._seals[entry.seal_name] = entry.seal
        self._count += 1
        names = [entry.proof_name, *([] if entry.payload is None else [entry.payload_name]), entry.seal_name]
        members = {
            "id": f"entry-{self._count}",
            "label": f"{entry.folder.rpartition('/')[0].rpartition('/')[0]} #{entry.sequence}",
            "files": names,
            "proof": encode_base64(entry.proof),
            "payload": None if entry.payload is None else encode_base64(entry.payload),
            "seal": entry.seal_name,
            "read": read_event(entry, self.about),
        }
        return (b"" if self._count == 1 else b",\n") + embedded_json(members)

    def tail(
        self, keys: Iterable[Verifier], changes: Iterable[PackedChange], missing: Iterable[str]
    ) -> bytes:
        """What comes behind the entries: their seals, the keys and their changes, and what is missing."""
        seals = [{"name": name, "note": encode_base64(note)} for name, note in sorted(self._seals.items())]
        rest = {
            "seals": seals,
            "keys": [key.vkey for key in keys],
            "changes": [{"name": change.name, "note": encode_base64(change.note)} for change in changes],
            "missing": list(missing),
        }
        return b"\n]," + embedded_json(rest)[1:]


def read_event(entry: PackedEntry, about: About) -> Mapping[str, Any] | None:
    """What recognisers read from an entry's event, for the page's headlines; None where nothing is shown.

    An entry that does not parse has no headline: the page then says what is wrong with it.
    """
    if entry.payload is None:
        return None
    try:
        leaf = TlogProof.parse(entry.proof).extra
        row = view_row(Leaf.parse(leaf or b""), decode_payload(entry.payload), about.recognisers)
    except FormatError:
        return None
    found = {name: getattr(row, name) for name in READ}
    if found["recogniser"] and row.time is not None:
        found["time_ms"] = str(row.time)
    return {name: value for name, value in found.items() if value is not None}
