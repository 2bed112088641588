"""Which trails a store holds, by the names of their folders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import parse_trail_prefix, parse_view_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_transport.store import Store


def trail_folders(store: Store, prefix: str = "") -> Iterator[str]:
    """The folders below `prefix` that look like a trail's (`payments/0/5be1a7c2/`), whoever made them.

    They come in the order in which the store lists names. What lies outside of such folders is passed over:
    it is no part of any trail.
    """
    after: str | None = None
    while (folder := _next_folder(store, prefix, after)) is not None:
        yield folder
        after = past_folder(folder)


def past_folder(folder: str) -> str:
    """A key that sorts behind all names in `folder`, which ends in a slash: to go on listing there."""
    return folder.removesuffix("/") + chr(ord("/") + 1)


def _next_folder(store: Store, prefix: str, after: str | None) -> str | None:
    """The first folder of a trail behind a key. Views, of which there can be many, are jumped over."""
    limit: int | None = 1
    while True:
        for line in store.versions(prefix, after=after, limit=limit):
            folder = _folder_of(line.key)
            if folder is not None:
                return folder
            after = line.key
            if (views := _views_of(line.key)) is not None:
                after, limit = past_folder(views), 1
                break
        else:
            if limit is None:
                return None
            limit = None  # what follows a name outside of such folders is gone through page by page


def _folder_of(key: str) -> str | None:
    parts = key.split("/", 3)
    if len(parts) < 4:
        return None
    folder = "/".join(parts[:3]) + "/"
    try:
        parse_trail_prefix(folder)
    except FormatError:
        return None
    return folder


def _views_of(key: str) -> str | None:
    """The folder of the views of the trail whose view this is."""
    try:
        parse_view_key(key)
    except FormatError:
        return None
    return key[: key.rindex("/") + 1]
