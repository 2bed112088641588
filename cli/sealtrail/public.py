"""Opening and verifying an archive from Python, without a command line."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import timedelta

    from sealtrail_auditor.report import Report
    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.visit import Visit
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


def open_archive(address: str, *, endpoint_url: str | None = None, profile: str | None = None) -> Store:
    """Open `s3://bucket[/prefix]` or a folder for reading. Credentials come as for the AWS tools.

    Raises:
        FileNotFoundError: there is no such folder.
        ExtraMissingError: an S3 address, without the extra `s3`.
        StoreError: the store can't be reached or refuses.
    """
    if address.startswith("s3://"):
        from sealtrail_transport.s3_access import S3Access, open_s3

        return open_s3(address, S3Access(endpoint_url=endpoint_url, profile=profile))
    if not Path(address).is_dir():
        raise FileNotFoundError(f"there is no folder {address}")
    from sealtrail_transport.folder_store import FolderStore

    return FolderStore(Path(address))


def verify(
    archive: Store,
    policy: Policy,
    *,
    trails: Collection[str] | None = None,
    pinned: Sequence[bytes] = (),
    max_age: timedelta | None = None,
    now: datetime | None = None,
    scope: Scope | None = None,
    visit: Visit | None = None,
    jobs: int = 1,
    complete_producers: bool = False,
) -> Report:
    """Verify an archive, believing nothing but the policy; see `sealtrail_auditor.verify.verify_archive`.

    `now` is this machine's clock unless given.
    """
    from sealtrail_auditor.scope import WHOLE
    from sealtrail_auditor.verify import verify_archive

    return verify_archive(
        archive,
        policy,
        trails=trails,
        pinned=pinned,
        now=now or datetime.now(UTC),
        max_age=max_age,
        scope=scope or WHOLE,
        visit=visit,
        jobs=jobs,
        complete_producers=complete_producers,
    )
