"""The auditor's own signing key: made on first use, and read again."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from sealtrail.exits import CommandError
from sealtrail.new_file import refuse_existing
from sealtrail.private_file import write_private
from sealtrail_schemas.keys import Verifier, encode_signing_key, parse_signing_key

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.policy import Policy

_MAX_KEY_BYTES: Final = 4096
_FINGERPRINT: Final = "SHA256:"


def make_auditor_key(file: Path, name: str) -> Signer:
    """Make a signing key of that name, in a file for the owner's eyes only.

    Raises:
        CommandError: something lies there.
        NoteError: the name is none for a key.
        OSError: it can't be written.
    """
    refuse_existing(file)
    text = encode_signing_key(name, secrets.token_bytes(32))
    write_private(file, f"{text}\n".encode())
    return parse_signing_key(text)


def read_auditor_key(file: Path, policy: Policy) -> Signer:
    """Read a signing key that is to sign a report.

    Raises:
        CommandError: it is the key of a trail of the policy: who is audited can't sign the audit.
        NoteError: the file holds no signing key.
        OSError: it can't be read.
    """
    with file.open("rb") as stream:
        text = stream.read(_MAX_KEY_BYTES).decode(errors="replace")
    signer = parse_signing_key(text)
    if any(key.public_key == signer.verifier.public_key for key in policy.logs.values()):
        raise CommandError(
            f"{file} is the key of a trail: a report is signed with a key of the auditor's own"
        )
    return signer


def is_key_of(key: Verifier, given: str) -> bool:
    """Whether a key is the one that somebody gave as a fingerprint, a vkey, or a file that holds either.

    Raises:
        FormatError: what was given is neither.
    """
    if given.startswith(_FINGERPRINT):
        return given.rstrip("=") == key.fingerprint
    return Verifier.parse(given) == key
