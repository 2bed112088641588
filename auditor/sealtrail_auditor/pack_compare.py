"""Comparing a pack's page with the one that follows from its files."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sealtrail_auditor.pack import INDEX

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sealtrail_auditor.pack_files import PackFiles
    from sealtrail_auditor.pages.template import Template

_MARK: Final = b'<script type="application/json" id="pack-data">'
_FRAME_BYTES: Final = 1 << 20
"""Longer than the page is before or behind its data, in any version."""


class PageState(StrEnum):
    """How a pack's page stands to its files."""

    SAME = "same"  # byte for byte the page that this version makes of them
    OTHER_CODE = "other code"  # shows the same data; another version, or somebody, made the page
    OTHER_DATA = "other data"  # shows something else than the files hold


def compare_page(files: PackFiles, template: Template, data: Iterable[bytes], *, max_bytes: int) -> PageState:
    """Compare, piece by piece.

    Args:
        files: The pack.
        template: The page that this version makes, without data.
        data: The data that follows from the files, in pieces.
        max_bytes: So much of the page is read.

    Raises:
        PackError: the page is not there, or can't be read.
    """
    page = _Stream(files.pieces(INDEX, max_bytes))
    head = page.up_to(_MARK, _FRAME_BYTES)
    if head is None or any(page.take(len(piece)) != piece for piece in data):
        return PageState.OTHER_DATA
    tail = page.take(_FRAME_BYTES)
    if not tail.startswith(b"</script>"):
        return PageState.OTHER_DATA
    return PageState.SAME if (head, tail) == template else PageState.OTHER_CODE


class _Stream:
    """Takes counted bytes from pieces."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = b""

    def take(self, count: int) -> bytes:
        """The next `count` bytes, or as many as are left."""
        parts, length = [self._held], len(self._held)
        while length < count and (piece := next(self._pieces, b"")):
            parts.append(piece)
            length += len(piece)
        data = b"".join(parts)
        self._held = data[count:]
        return data[:count]

    def up_to(self, mark: bytes, limit: int) -> bytes | None:
        """The bytes up to the end of a mark; None where it is not among the first `limit`."""
        data = self.take(limit)
        before, found, rest = data.partition(mark)
        self._held = rest + self._held
        return before + found if found else None
