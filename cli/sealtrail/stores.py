"""Opening stores: by address, and that of a data folder. What needs an extra is imported where it is used."""

from __future__ import annotations

import platform
import sys
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from sealtrail.data_folder import EMBEDDED, FOLDER, S3_SCHEME
from sealtrail.exits import CommandError, ExitCode
from sealtrail.folder_lock import locked_or_served
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.store import Store, StoreAdmin

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail_transport.s3_access import S3Access

WAIT_FOR_OTHERS_S: Final = 30.0
EMBEDDED_BUCKET: Final = "sealtrail"


class ArchiveStore(Store, StoreAdmin, Protocol):
    """A store that can also make its bucket."""


def open_address(
    address: str, *, endpoint_url: str | None = None, profile: str | None = None
) -> ArchiveStore:
    """Open `s3://bucket[/prefix]` or a folder.

    Raises:
        CommandError: there is no such folder.
        ExtraMissingError: what S3 needs is not installed.
        StoreError: as the adapter has it.
    """
    if address.startswith(S3_SCHEME):
        from sealtrail_transport.s3_access import S3Access, open_s3

        return open_s3(address, S3Access(endpoint_url=endpoint_url, profile=profile))
    if not Path(address).is_dir():
        raise CommandError(f"there is no folder {address}", exit_code=ExitCode.IO)
    return _open_folder(Path(address))


@contextmanager
def opened_for_reading(
    folder: DataFolder, *, command: str, endpoint_url: str | None = None, profile: str | None = None
) -> Iterator[Store]:
    """Open the archive of a data folder: the store that runs, or one that runs for this context.

    `endpoint_url` and `profile` win over what `init` was told, where the archive is in S3.

    Raises:
        CommandError: `init` has not completed the folder, or somebody holds it and serves nobody.
        TransportError: the store can't be reached.
    """
    deployment = folder.deployment()
    if deployment.archive != EMBEDDED:
        reached = replace(
            deployment,
            endpoint_url=endpoint_url or deployment.endpoint_url,
            profile=profile or deployment.profile,
        )
        yield _open_elsewhere(folder, reached)
        return
    with locked_or_served(folder, command=command, wait_s=WAIT_FOR_OTHERS_S) as served:
        if served:
            yield _open_running(folder)
        else:
            with opened_for_work(folder, deployment) as (store, _):
                yield store


@contextmanager
def opened_for_work(
    folder: DataFolder, deployment: Deployment
) -> Iterator[tuple[ArchiveStore, S3Access | None]]:
    """Open the archive of a data folder that this process holds locked, starting the embedded store.

    Yields:
        The store, and how to reach it if it is the embedded one.

    Raises:
        ExtraMissingError: what the store needs is not installed.
        TransportError: the store can't be reached or started.
    """
    if deployment.archive != EMBEDDED:
        yield _open_elsewhere(folder, deployment), None
        return
    from sealtrail_transport.seaweed import SeaweedServer

    with SeaweedServer(folder.store) as server:
        yield server.open(EMBEDDED_BUCKET), server.access


def embedded_archive() -> str:
    """The archive of a data folder on this machine: `FOLDER` where no wheel of the embedded store exists."""
    machine = platform.machine().lower()
    has_wheel = {
        "linux": machine in {"x86_64", "aarch64"},
        "darwin": machine == "arm64",
    }
    return EMBEDDED if has_wheel.get(sys.platform, False) else FOLDER


def _open_elsewhere(folder: DataFolder, deployment: Deployment) -> ArchiveStore:
    if deployment.archive == FOLDER:
        return _open_folder(folder.store)
    return open_address(deployment.archive, endpoint_url=deployment.endpoint_url, profile=deployment.profile)


def _open_running(folder: DataFolder) -> ArchiveStore:
    """Open the embedded store that another process runs."""
    from sealtrail_transport.s3_access import open_s3
    from sealtrail_transport.seaweed import running_access

    access = running_access(folder.store)
    if access is None:
        raise StoreUnavailableError(f"the embedded store in {folder.store} has just ended: try again")
    return open_s3(f"{S3_SCHEME}{EMBEDDED_BUCKET}", access)


def _open_folder(path: Path) -> ArchiveStore:
    from sealtrail_transport.folder_store import FolderStore

    return FolderStore(path)
