"""What a fetched copy notes about its source: `.sealtrail-copy/manifest.jsonl`, format `sealtrail/copy/v1`.

A folder can't hold versions, delete markers or locks, so a copy of a bucket writes them down. A sample, its
lines wrapped here:

    {"format":"sealtrail/copy/v1","source":"s3://audit/prod","locks":"enforced",
     "copied_at":"2026-03-01T09:00:00Z","versions":2}
    {"key":"orders/0/…/00000000000000000512.seal","version_id":"3L4kqt","marker":false,"latest":true,"size":1893,
     "last_modified":"2026-02-27T16:04:11Z","mode":"COMPLIANCE","until":"2033-02-27T16:04:11Z",
     "legal_hold":false,"file":"orders/0/…/00000000000000000512.seal"}

One line of JSON for the copy, then one for each version and delete marker: by key, newest first within a key.
`versions` counts the lines that follow, so a cut file shows. Times are UTC in whole seconds; `locks` says how
the source knew of them (`LockKnowledge`); `file` is relative to the folder, with `/`, and null for markers.

The notes are a report by whoever made the copy, not evidence: nothing in them is signed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO

from sealtrail_transport.errors import CopyDamagedError, CopyIncompleteError, StoreError
from sealtrail_transport.store import LockKnowledge, LockMode, ObjectInfo, ObjectVersion, Retention
from sealtrail_transport.store_keys import is_path_safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

FORMAT = "sealtrail/copy/v1"
COPY_DIR = ".sealtrail-copy"
MANIFEST = f"{COPY_DIR}/manifest.jsonl"
PARTIAL_MANIFEST = f"{COPY_DIR}/manifest.jsonl.part"
VERSIONS_DIR = f"{COPY_DIR}/versions"

_MAX_LINE_BYTES = 16 * 1024
_TIME = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True)
class CopyHeader:
    """The first line: where the copy came from, how its source knew of locks, when it was made."""

    source: str
    locks: LockKnowledge
    copied_at: datetime
    versions: int


@dataclass(frozen=True, slots=True)
class CopyLine:
    """One version or delete marker of the source, and the file that holds its bytes (None for a marker)."""

    version: ObjectVersion
    retention: Retention | None
    legal_hold: bool
    file: str | None

    @property
    def info(self) -> ObjectInfo:
        """The version as the source's `head` described it."""
        version = self.version
        return ObjectInfo(
            key=version.key,
            version_id=version.version_id,
            size=version.size,
            last_modified=version.last_modified,
            retention=self.retention,
            legal_hold=self.legal_hold,
        )


def encode_header(header: CopyHeader) -> bytes:
    """Write the first line."""
    return _encode(
        {
            "format": FORMAT,
            "source": header.source,
            "locks": header.locks.value,
            "copied_at": header.copied_at.strftime(_TIME),
            "versions": header.versions,
        }
    )


def encode_line(line: CopyLine) -> bytes:
    """Write the line of one version."""
    version, retention = line.version, line.retention
    return _encode(
        {
            "key": version.key,
            "version_id": version.version_id,
            "marker": version.is_delete_marker,
            "latest": version.is_latest,
            "size": version.size,
            "last_modified": version.last_modified.strftime(_TIME),
            "mode": retention.mode.value if retention else None,
            "until": retention.until.strftime(_TIME) if retention else None,
            "legal_hold": line.legal_hold,
            "file": line.file,
        }
    )


def parse_header(raw: bytes) -> CopyHeader:
    """Read the first line. Raises CopyDamagedError."""
    fields = _Fields(raw)
    if fields.text("format") != FORMAT:
        raise CopyDamagedError(
            f"it is of format {fields.text('format')!r}, and this program knows {FORMAT!r}"
        )
    return CopyHeader(
        source=fields.text("source"),
        locks=LockKnowledge(fields.one_of("locks", [knowledge.value for knowledge in LockKnowledge])),
        copied_at=fields.time("copied_at"),
        versions=fields.count("versions"),
    )


def parse_line(raw: bytes) -> CopyLine:
    """Read the line of one version. Raises CopyDamagedError."""
    fields = _Fields(raw)
    marker = fields.flag("marker")
    file = None if marker else fields.text("file")
    if file is not None and not is_path_safe(file):
        raise CopyDamagedError(f"the file {file!r} is outside the folder")
    retention = None
    if not (marker or fields.is_null("mode")):
        mode = LockMode(fields.one_of("mode", [mode.value for mode in LockMode]))
        retention = Retention(mode, fields.time("until"))
    version = ObjectVersion(
        key=fields.text("key"),
        version_id=fields.text("version_id"),
        is_delete_marker=marker,
        is_latest=fields.flag("latest"),
        size=fields.count("size"),
        last_modified=fields.time("last_modified"),
    )
    return CopyLine(version, retention, fields.flag("legal_hold"), file)


@dataclass(frozen=True, slots=True)
class CopyNotes:
    """A finished copy's notes, held whole: a few hundred bytes of memory for each version."""

    header: CopyHeader
    by_key: dict[str, dict[str, CopyLine]]  # keys in order; version ids newest first
    files: frozenset[str]


def load_notes(root: Path) -> CopyNotes | None:
    """Read the notes of the copy in folder `root`; None if the folder is no fetched copy.

    Raises:
        CopyIncompleteError: a fetch into this folder was interrupted.
        CopyDamagedError: the notes are cut, not of this format, or contradict themselves.
        StoreError: they can't be read.
    """
    path = root / MANIFEST
    try:
        if (root / COPY_DIR).exists() and not path.exists():
            raise CopyIncompleteError(f"the copy in {root} is not complete: run `sealtrail fetch` again")
        if not path.exists():
            return None
        with path.open("rb") as file:
            return _collect(file)
    except CopyDamagedError as error:
        raise CopyDamagedError(f"{path} is damaged: {error}") from None
    except OSError as error:
        raise StoreError(f"can't read the copy's notes {path}: {error.strerror}") from error


def raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a manifest without their line feeds. Raises CopyDamagedError for one without end."""
    while raw := file.readline(_MAX_LINE_BYTES):
        if not raw.endswith(b"\n"):
            raise CopyDamagedError("a line without end")
        yield raw[:-1]


def _collect(file: BinaryIO) -> CopyNotes:
    by_key: dict[str, dict[str, CopyLine]] = {}
    count = 0
    rest = raw_lines(file)
    header = parse_header(next(rest, b""))
    for count, raw in enumerate(rest, start=1):
        try:
            _note(by_key, parse_line(raw))
        except CopyDamagedError as error:
            raise CopyDamagedError(f"line {count + 1}: {error}") from None
    if count != header.versions:
        raise CopyDamagedError(f"it has {count} versions, where the first line counts {header.versions}")
    files = frozenset(line.file for lines in by_key.values() for line in lines.values() if line.file)
    return CopyNotes(header, dict(sorted(by_key.items())), files)


def _note(by_key: dict[str, dict[str, CopyLine]], line: CopyLine) -> None:
    version = line.version
    lines = by_key.setdefault(version.key, {})
    if version.version_id in lines:
        raise CopyDamagedError(f"version {version.version_id} of {version.key} a second time")
    if version.is_latest and lines:
        raise CopyDamagedError(f"the versions of {version.key} are not newest first")
    lines[version.version_id] = line


def _encode(fields: Mapping[str, object]) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


class _Fields:
    """One line's fields, each asked for by its type; a missing or wrong one raises CopyDamagedError."""

    def __init__(self, raw: bytes) -> None:
        try:
            fields = json.loads(raw)
        except (ValueError, RecursionError):
            raise CopyDamagedError("not JSON") from None
        if not isinstance(fields, dict):
            raise CopyDamagedError("not a JSON object")
        self._fields: dict[str, object] = fields

    def is_null(self, name: str) -> bool:
        return self._fields.get(name) is None

    def text(self, name: str) -> str:
        value = self._fields.get(name)
        if not isinstance(value, str) or not value or not _is_text(value):
            raise self._wrong(name)
        return value

    def one_of(self, name: str, allowed: list[str]) -> str:
        value = self.text(name)
        if value not in allowed:
            raise self._wrong(name)
        return value

    def flag(self, name: str) -> bool:
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise self._wrong(name)
        return value

    def count(self, name: str) -> int:
        value = self._fields.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or value < 0:
            raise self._wrong(name)
        return value

    def time(self, name: str) -> datetime:
        try:
            return datetime.strptime(self.text(name), _TIME).replace(tzinfo=UTC)
        except ValueError:
            raise self._wrong(name) from None

    def _wrong(self, name: str) -> CopyDamagedError:
        return CopyDamagedError(f"{name!r} is missing or wrong")


def _is_text(value: str) -> bool:
    """Whether the string can be written as UTF-8: JSON can spell lone surrogates, which can't."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
