"""The names of an archive's objects (docs/format.md, "Overview", "Batch", "Seal", "Key changes", "View")."""

from __future__ import annotations

import re
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

from sealtrail_schemas.errors import FormatError, OriginError
from sealtrail_schemas.leaf import HASH_BYTES, MAX_SEQUENCE
from sealtrail_schemas.origin import make_origin

BATCHES: Final = "batches/"
SEALS: Final = "seals/"
KEYS: Final = "keys/"
FORMAT: Final = "format/"
VIEWS: Final = "views/"

_BATCH_KEY: Final = re.compile(r"batches/([0-9]{20})(?:-([1-9][0-9]{0,8}))?\.avro")
_SEAL_KEY: Final = re.compile(r"seals/([0-9]{20})\.seal")
_KEY_CHANGE_KEY: Final = re.compile(r"keys/([0-9]{20})\.note")
_VIEW_KEY: Final = re.compile(r"views/([^/]+/[^/]+/[^/]+/)([0-9]{20})\.parquet")
_TRAIL_PREFIX: Final = re.compile(r"([^/]+)/(0|[1-9][0-9]{0,9})/([0-9a-f]{8})/")


class TrailPrefix(NamedTuple):
    """The parts of a trail's folder: topic, partition and the first 8 hex digits of the trail id."""

    topic: str
    partition: int
    id_start: str


class BatchKey(NamedTuple):
    """The parts of a batch's key: first sequence, and a suffix above 0 where the plain name was spoiled."""

    first_sequence: int
    suffix: int


def partition_prefix(topic: str, partition: int) -> str:
    """The folder of all trails of one partition, ending in a slash.

    Raises:
        FormatError: there can be no such topic or partition.
    """
    _check_partition(topic, partition)
    return f"{topic}/{partition}/"


def trail_prefix(topic: str, partition: int, trail_id: bytes) -> str:
    """The folder of a trail, ending in a slash; the keys of its batches and seals are relative to it.

    Raises:
        FormatError: there can be no such topic, partition or trail id.
    """
    if len(trail_id) != HASH_BYTES:
        raise FormatError(f"a trail id has {HASH_BYTES} bytes, not {len(trail_id)}")
    return f"{partition_prefix(topic, partition)}{trail_id[:4].hex()}/"


def parse_trail_prefix(prefix: str) -> TrailPrefix:
    """Parse the folder of a trail. Raises FormatError when it is none."""
    match = _TRAIL_PREFIX.fullmatch(prefix)
    if not match:
        raise FormatError(f"{prefix!a} is no folder of a trail")
    parts = TrailPrefix(match[1], int(match[2]), match[3])
    _check_partition(parts.topic, parts.partition)
    return parts


def batch_key(first_sequence: int, suffix: int = 0) -> str:
    """The key of the batch that begins at a sequence; a suffix above 0 goes around spoiled names.

    Raises:
        FormatError: there can be no such sequence or suffix.
    """
    key = f"{BATCHES}{first_sequence:020}{f'-{suffix}' if suffix else ''}.avro"
    parse_batch_key(key)
    return key


def parse_batch_key(key: str) -> BatchKey:
    """Parse the key of a batch. Raises FormatError when it is of another form."""
    match = _BATCH_KEY.fullmatch(key)
    if not match or int(match[1]) > MAX_SEQUENCE:
        raise FormatError(f"{key!a} is no key of a batch")
    return BatchKey(int(match[1]), int(match[2] or 0))


def seal_key(size: int) -> str:
    """The key of the seal of a trail of that size.

    Raises:
        FormatError: there can be no seal of such a size.
    """
    key = f"{SEALS}{size:020}.seal"
    parse_seal_key(key)
    return key


def parse_seal_key(key: str) -> int:
    """Parse the key of a seal into its size. Raises FormatError when it is of another form."""
    match = _SEAL_KEY.fullmatch(key)
    if not match or not 1 <= int(match[1]) <= MAX_SEQUENCE + 1:
        raise FormatError(f"{key!a} is no key of a seal")
    return int(match[1])


def key_change_key(size: int) -> str:
    """The key of the statement by which a trail's key changed; `size`: of the last seal of the old one.

    Raises:
        FormatError: there can be no such size.
    """
    key = f"{KEYS}{size:020}.note"
    parse_key_change_key(key)
    return key


def parse_key_change_key(key: str) -> int:
    """Parse the key of a key change into its size. Raises FormatError when it is of another form."""
    match = _KEY_CHANGE_KEY.fullmatch(key)
    if not match or not 2 <= int(match[1]) <= MAX_SEQUENCE + 1:
        raise FormatError(f"{key!a} is no key of a key change")
    return int(match[1])


def view_key(folder: str, first_sequence: int) -> str:
    """The key of the view of the batch that begins at a sequence, relative to the archive.

    Raises:
        FormatError: `folder` is no folder of a trail, or there can be no such sequence.
    """
    key = f"{VIEWS}{folder}{first_sequence:020}.parquet"
    parse_view_key(key)
    return key


def parse_view_key(key: str) -> tuple[str, int]:
    """Parse the key of a view into the trail's folder and the batch's first sequence.

    No such key lies in a trail's folder: what may be written there can never be a batch or a seal.

    Raises:
        FormatError: it is of another form.
    """
    match = _VIEW_KEY.fullmatch(key)
    if not match or int(match[2]) > MAX_SEQUENCE:
        raise FormatError(f"{key!a} is no key of a view")
    parse_trail_prefix(match[1])
    if _TRAIL_PREFIX.match(key):  # a topic named "views" whose partition is named like a trail id
        raise FormatError(f"{key!a} lies in the folder of a trail")
    return match[1], int(match[2])


def format_documents() -> dict[str, bytes]:
    """The documents that lie in every archive, by their keys relative to the archive.

    They are the page `format.md` and the schemas. Their folder is named by the SHA-256 of all of them in the
    order of their names, so that what another version of this program wrote stays as it was.
    """
    package = files(__package__)
    schemas = sorted(file.name for file in package.iterdir() if file.name.endswith(".avsc"))
    documents = {name: package.joinpath(name).read_bytes() for name in ("format.md", *schemas)}
    digest = sha256(b"".join(documents[name] for name in sorted(documents))).hexdigest()
    return {f"{FORMAT}{digest[:16]}/{name}": text for name, text in documents.items()}


def _check_partition(topic: str, partition: int) -> None:
    try:
        make_origin("base", topic, partition)
    except OriginError as error:
        raise FormatError(f"no folder of a trail: {error}") from None
