"""Where views lie: in the archive, or in a folder that is laid out as one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

if TYPE_CHECKING:
    from sealtrail_transport.store import Store

view_folder_option: Final = click.option(
    "--views",
    "view_folder",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the views lie, if not in the archive: they come as FOLDER/views/….",
)


def view_store(archive: Store, folder: Path | None, *, make: bool = False) -> Store:
    """The store of the views. `make`: the folder is made if need be.

    Raises:
        StoreError: there is no such folder, or it can't be made.
    """
    if folder is None:
        return archive
    from sealtrail_transport.folder_store import FolderStore

    store = FolderStore(folder)
    if make:
        store.ensure_bucket()
    return store
