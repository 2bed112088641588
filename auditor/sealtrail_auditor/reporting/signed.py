"""report.json: one line of canonical JSON and a line feed, signed as a C2SP note with a key of the auditor's.

The first line is the report; any tool for C2SP notes checks the signature under it. The report names the key
that signed it, so a reader can always tell which one to ask about; whose key that is, only a fingerprint that
came by another way tells.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_auditor.reporting.shape import FORMAT, check_shape
from sealtrail_schemas.canonical_json import dumps_canonical, loads_canonical
from sealtrail_schemas.errors import FormatError, NoteUnsignedError, UnknownFormatError
from sealtrail_schemas.keys import Verifier
from sealtrail_schemas.note import MAX_NOTE_BYTES, note_text, open_note, sign_note

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail_schemas.keys import Signer

REPORT_JSON: Final = "report.json"
REPORT_HTML: Final = "report.html"


class SignedReport(NamedTuple):
    """A report whose signature was checked: its members, and the key that signed it."""

    members: dict[str, Any]
    key: Verifier


def sign_report(members: Mapping[str, Any], signer: Signer) -> bytes:
    """The note of a report.

    Raises:
        FormatError: it names another key than that of `signer`, or has another shape than a report.
    """
    check_shape(members)
    if members["auditor"]["key"] != signer.verifier.vkey:
        raise FormatError("the report names another key than the one that is to sign it")
    return sign_note(dumps_canonical(members).decode() + "\n", [signer])


def open_report(note: bytes) -> SignedReport:
    """Check that a report was signed by the key that it names, and return both. Whose key it is, is not said.

    Raises:
        NoteSignatureError: the signature is not that key's over this report.
        NoteUnsignedError: only other keys have signed.
        UnknownFormatError: the report is of another version.
        FormatError: it is no report.
    """
    text = note_text(note)
    members = loads_canonical(text.removesuffix("\n").encode(), MAX_NOTE_BYTES)
    if members.get("format") != FORMAT:
        raise UnknownFormatError(f"no report of format {FORMAT}")
    check_shape(members)
    key = Verifier.parse(members["auditor"]["key"])
    if (key.name, key.fingerprint) != (members["auditor"]["name"], members["auditor"]["fingerprint"]):
        raise NoteUnsignedError("the name or the fingerprint of the auditor is not that of the key beside it")
    open_note(note, [key])
    return SignedReport(members, key)
