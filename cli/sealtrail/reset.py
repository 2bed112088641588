"""Deleting a data folder and beginning anew. What is embedded can be deleted, being for trying."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from sealtrail.exits import CommandError
from sealtrail.folder_lock import locked
from sealtrail.retention import confirm
from sealtrail.setup import set_up

if TYPE_CHECKING:
    from sealtrail.data_folder import DataFolder, Deployment


def begin_anew(folder: DataFolder, deployment: Deployment, *, assume_yes: bool) -> None:
    """Delete a data folder and set it up again with the same settings: new keys, a new trail.

    Raises:
        CommandError: its archive is elsewhere; or it is in use; or nobody is there to confirm.
        click.Abort: the user would not confirm.
    """
    if deployment.is_s3:
        raise CommandError(
            f"--reset deletes embedded data only: {deployment.archive} stays until its retention ends, and "
            "nobody can delete it before. To begin another trail, name a new data folder with --data"
        )
    if not assume_yes:
        confirm(
            f"Delete {folder.root}: log, archive and keys? (Under a bucket's Object Lock nobody could.) "
            "What was sealed can't be verified any more."
        )
    with locked(folder, command="up --reset"):
        # The lock's own file goes last of all, with the folder.
        for path in sorted(folder.root.iterdir(), key=lambda path: path.name == "lock"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    set_up(folder, deployment)
