"""What is wrong with a proof, as findings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.proof_check import Check, CheckName, State

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_BAD: Final = {
    CheckName.FORM: FindingCode.PROOF_FORM,
    CheckName.LEAF: FindingCode.PROOF_LEAF,
    CheckName.PAYLOAD: FindingCode.PROOF_PAYLOAD,
    CheckName.INCLUSION: FindingCode.PROOF_INCLUSION,
    CheckName.SIGNATURE: FindingCode.PROOF_SIGNATURE,
    CheckName.SEAL: FindingCode.PROOF_SEAL,
}
_UNKNOWN: Final = {
    CheckName.FORM: FindingCode.PROOF_FORMAT,
    CheckName.LEAF: FindingCode.PROOF_FORMAT,
    CheckName.SIGNATURE: FindingCode.PROOF_KEY,
    CheckName.SEAL: FindingCode.PROOF_KEY,
}


def proof_findings(
    checks: Iterable[Check], *, origin: str | None, key: str, sequence: int | None
) -> Iterator[Finding]:
    """The findings that checks come to.

    Args:
        checks: Of one proof.
        origin: The trail, by the checkpoint.
        key: The name of the file.
        sequence: The entry's number, by the proof.
    """
    span = None if sequence is None else Span(sequence, sequence)
    for check in checks:
        code = {State.BAD: _BAD, State.UNKNOWN: _UNKNOWN}.get(check.state, {}).get(check.name)
        if code is not None:
            yield Finding(code, origin, key, None, span, found=check.detail)
