"""Step 1 of docs/format.md, "Verification": what else lies under a name, and names that lead nowhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding

if TYPE_CHECKING:
    from sealtrail_auditor.archive import Name
    from sealtrail_auditor.findings import FindingLog, Span


def report_versions(name: Name, span: Span | None, findings: FindingLog) -> None:
    """Report second versions and delete markers of a name that belongs to the archive."""
    if name.count > 1:
        findings.add(
            Finding(
                FindingCode.OBJECT_VERSIONS,
                key=name.key,
                span=span,
                expected="one version",
                found=f"{name.count} versions",
            )
        )
    if name.markers:
        hidden = ", which hide it" if name.hidden else ", with a version on top"
        findings.add(
            Finding(
                FindingCode.OBJECT_MARKER,
                key=name.key,
                span=span,
                expected="no delete marker",
                found=f"{name.markers} delete marker(s){hidden}",
            )
        )


def report_stray(name: Name, findings: FindingLog, *, is_batch: bool = False) -> None:
    """Report a name that no seal leads to; `is_batch`: it is one that the archiver could have needed."""
    if not name.count:
        report_versions(name, None, findings)
        return
    seal = "no seal of that place" if is_batch else "no seal"
    findings.add(
        Finding(
            FindingCode.OBJECT_SQUATTED if is_batch else FindingCode.OBJECT_FOREIGN,
            key=name.key,
            version_id=name.versions[0].version_id,
            expected="only what the archiver wrote",
            found=f"an object of {name.versions[0].size} bytes that {seal} names",
        )
    )
