"""Writing an evidence pack: entries one by one, and then all that explains them."""

from __future__ import annotations

import re
import zipfile
from contextlib import closing
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.resources import files
from itertools import chain
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, BinaryIO, Final

from sealtrail_auditor.errors import PackTooLargeError
from sealtrail_auditor.pack import (
    INDEX,
    MANIFEST,
    MAX_PACK_ENTRIES,
    MAX_PAYLOAD_BYTES,
    POLICY,
    README,
    Manifest,
    PackedChange,
    PackedEntry,
    PackedFile,
)
from sealtrail_auditor.pack_page import PageData, page_template
from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.policy import format_policy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from sealtrail_auditor.pack import About
    from sealtrail_schemas.keys import Verifier

_NO_TIME: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip can state; a time of making would make each pack another."""
_UNIX: Final = 3
_PLAIN_FILE: Final = 0o100644 << 16
_CHUNK_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Packed:
    """What was written: how many entries, bytes of payloads, seals and files, and what could not be shown."""

    entries: int
    payload_bytes: int
    seals: int
    files: int
    missing: tuple[str, ...]


def write_pack(
    target: BinaryIO,
    about: About,
    keys: Sequence[Verifier],
    contents: Iterable[PackedEntry | str],
    changes: Sequence[PackedChange] = (),
) -> Packed:
    """Write a pack.

    Args:
        target: Where the zip goes: a file that is open for writing, and can seek.
        about: What the pack says of itself.
        keys: The keys of the trails.
        contents: The entries, by folder and sequence, and among them a line for each run of entries that was
            selected and can't be shown.
        changes: The key changes of the trails, by folder and size, so that any of their keys leads to all.

    Raises:
        PackTooLargeError: there are more entries or larger payloads than a browser can show.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file, closing(TemporaryFile()) as spool:
        return _Writer(file, spool, about, keys, changes).write(contents)


def readme_text(about: About, keys: Iterable[Verifier]) -> bytes:
    """The pack's README."""
    fingerprints = "\n".join(f"  {key.name}\n      {key.fingerprint}" for key in keys)
    texts = {"title": about.title, "selection": about.selection, "keys": fingerprints}
    template = files(f"{__package__}.pages").joinpath("pack_readme.txt").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda place: texts[place[1]], template).encode()


@dataclass(slots=True)
class _Writer:
    """Writes the files in the order of their names; the page is spooled until its turn comes."""

    file: zipfile.ZipFile
    spool: BinaryIO
    about: About
    keys: Sequence[Verifier]
    changes: Sequence[PackedChange]
    entries: int = 0
    payload_bytes: int = 0
    missing: list[str] = field(default_factory=list)
    listed: dict[str, PackedFile] = field(default_factory=dict)
    seals: dict[str, bytes] = field(default_factory=dict)

    def write(self, contents: Iterable[PackedEntry | str]) -> Packed:
        self._add(README, readme_text(self.about, self.keys))
        page = PageData(self.about)
        self.spool.write(page.head())
        for content in contents:
            if isinstance(content, str):
                self.missing.append(content)
                continue
            self._count(content)
            self.spool.write(page.entry(content))
            self._add_entry(content)
        self.spool.write(page.tail(self.keys, self.changes, self.missing))
        for name, text in sorted(format_documents().items()):
            self._add(name, text)
        self._add_page()
        for change in self.changes:
            self._add(change.name, change.note)
        last = {POLICY: format_policy(self.keys)} | dict(sorted(self.seals.items()))
        self.listed |= {name: PackedFile.of(data) for name, data in last.items()}
        manifest = Manifest(self.about, tuple(self.missing), self.listed).encode()
        for name, data in ({MANIFEST: manifest} | last).items():
            self.file.writestr(_plain(name), data)
        return Packed(
            self.entries, self.payload_bytes, len(self.seals), len(self.listed) + 1, tuple(self.missing)
        )

    def _count(self, entry: PackedEntry) -> None:
        self.entries += 1
        self.payload_bytes += len(entry.payload or b"")
        if self.entries > MAX_PACK_ENTRIES:
            raise PackTooLargeError(
                f"the selection has more than {MAX_PACK_ENTRIES:,} entries, too many for one pack: select "
                "fewer, or make several packs"
            )
        if self.payload_bytes > MAX_PAYLOAD_BYTES:
            raise PackTooLargeError(
                f"the selection has more than {MAX_PAYLOAD_BYTES >> 20} MiB of payloads, too many for one "
                "pack: select fewer entries, or make several packs"
            )

    def _add_entry(self, entry: PackedEntry) -> None:
        if entry.payload is not None:
            self._add(entry.payload_name, entry.payload)
        self._add(entry.proof_name, entry.proof)
        self.seals[entry.seal_name] = entry.seal

    def _add(self, name: str, data: bytes) -> None:
        self.file.writestr(_plain(name), data)
        self.listed[name] = PackedFile.of(data)

    def _add_page(self) -> None:
        head, tail = page_template(self.about)
        digest, length = sha256(), 0
        with self.file.open(_plain(INDEX), "w") as member:
            for piece in chain([head], _pieces(self.spool), [tail]):
                member.write(piece)
                digest.update(piece)
                length += len(piece)
        self.listed[INDEX] = PackedFile(length, digest.digest())


def _pieces(spool: BinaryIO) -> Iterator[bytes]:
    spool.seek(0)
    while piece := spool.read(_CHUNK_BYTES):
        yield piece


def _plain(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _NO_TIME)
    info.compress_type = zipfile.ZIP_DEFLATED
    info.create_system = _UNIX
    info.external_attr = _PLAIN_FILE
    return info
