"""What an evidence pack is: entries of an archive with their proofs, in one zip that explains itself.

case-17.zip
  README.txt                                        what this is and how to check it, for anybody
  index.html                                        shows all of it and checks it, in a browser, offline
  entries/payments/0/1b36487e/00…42.tlog-proof      the proof that the trail holds the entry, and its leaf
  entries/payments/0/1b36487e/00…42.payload         the entry's payload; not there where it is redacted
  keys/payments/0/1b36487e/00…06.note               a change of the trail's key, as archived
  seals/payments/0/1b36487e/00…64.seal              the seal that covers the entry, as archived
  policy                                            the keys by which all of this verifies
  format/…                                          the archive format's page and schemas, as archived
  manifest.json                                     what was selected, and the SHA-256 of every other file

Names follow those of the archive. Zip, page and manifest follow from the contents alone: the same contents
give the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from sealtrail_schemas.canonical_json import Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import FormatError, MappingError, PackError
from sealtrail_schemas.json_reader import parse_json
from sealtrail_schemas.leaf import HASH_BYTES
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.recognise_json import JsonMapping, parse_mapping

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sealtrail_schemas.recognise import Recogniser

PACK_FORMAT: Final = "sealtrail/pack/v1"
MAX_PACK_ENTRIES: Final = 10_000
MAX_PAYLOAD_BYTES: Final = 64 << 20
"""Of all payloads together: a browser has to hold the page."""
MAX_MANIFEST_BYTES: Final = 16 << 20

ENTRIES: Final = "entries/"
KEYS: Final = "keys/"
SEALS: Final = "seals/"
PROOF_SUFFIX: Final = ".tlog-proof"
PAYLOAD_SUFFIX: Final = ".payload"
INDEX: Final = "index.html"
MANIFEST: Final = "manifest.json"
POLICY: Final = "policy"
README: Final = "README.txt"


class PackedEntry(NamedTuple):
    """One entry as it goes into a pack.

    Attributes:
        folder: The trail's folder in the archive, ending in a slash.
        sequence: The entry's number in the trail.
        proof: The tlog-proof, as text.
        payload: The payload; None where it is not shown.
        seal: The seal's note.
        seal_size: The trail's size by the seal's name.
    """

    folder: str
    sequence: int
    proof: bytes
    payload: bytes | None
    seal: bytes
    seal_size: int

    @property
    def proof_name(self) -> str:
        """The proof's name in the pack."""
        return f"{ENTRIES}{self.folder}{self.sequence:020}{PROOF_SUFFIX}"

    @property
    def payload_name(self) -> str:
        """The payload's name in the pack."""
        return f"{ENTRIES}{self.folder}{self.sequence:020}{PAYLOAD_SUFFIX}"

    @property
    def seal_name(self) -> str:
        """The seal's name in the pack."""
        return f"{SEALS}{self.folder}{self.seal_size:020}.seal"


class PackedChange(NamedTuple):
    """A key change as it goes into a pack: the trail's folder, the size in its name, and the signed note."""

    folder: str
    size: int
    note: bytes

    @property
    def name(self) -> str:
        """Its name in the pack."""
        return f"{KEYS}{self.folder}{self.size:020}.note"


@dataclass(frozen=True, slots=True)
class About:
    """What a pack says of itself.

    Attributes:
        title: One line, such as the name of the case.
        selection: One line that says which entries were selected.
        mappings: By which actor, action and so on were read, beside what sealtrail knows by itself.
    """

    title: str
    selection: str
    mappings: tuple[JsonMapping, ...] = ()

    @property
    def recognisers(self) -> Sequence[Recogniser]:
        """Who reads actor, action and so on out of an event's value."""
        return (*self.mappings, *DEFAULT)


class PackedFile(NamedTuple):
    """Length in bytes and SHA-256 of one file."""

    length: int
    sha256: bytes

    @classmethod
    def of(cls, data: bytes) -> PackedFile:
        """Those of data at hand."""
        return cls(len(data), sha256(data).digest())


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest: what was selected, what could not be shown, and every other file.

    It is not signed. It shows files that were lost or damaged on the way, not a forger's work: proofs and
    seals do that.
    """

    about: About
    missing: tuple[str, ...]
    files: Mapping[str, PackedFile] = field(default_factory=dict)

    def encode(self) -> bytes:
        """The manifest as canonical JSON and a line feed."""
        members: dict[str, Any] = {
            "files": {
                name: {"length": str(file.length), "sha256": file.sha256.hex()}
                for name, file in self.files.items()
            },
            "format": PACK_FORMAT,
            "mappings": {mapping.name: mapping.source for mapping in self.about.mappings},
            "missing": list(self.missing),
            "selection": self.about.selection,
            "title": self.about.title,
        }
        return dumps_canonical(members) + b"\n"

    @classmethod
    def parse(cls, data: bytes) -> Manifest:
        """Read a manifest.

        Raises:
            PackError: it is none.
        """
        try:
            return cls._parse(loads_canonical(data.removesuffix(b"\n"), MAX_MANIFEST_BYTES))
        except FormatError as error:
            raise PackError(f"the pack's {MANIFEST}: {error}") from None

    @classmethod
    def _parse(cls, text: dict[str, Any]) -> Manifest:
        members = Members(text)
        version = members.take_text("format")
        if version != PACK_FORMAT:
            raise PackError(f"a pack of the format {version!a}, which this program does not know")
        mappings = members.take_object("mappings")
        files = members.take_object("files")
        manifest = cls(
            About(
                title=members.take_text("title"),
                selection=members.take_text("selection"),
                mappings=tuple(_mapping(name, mappings.take_string(name)) for name in mappings.names()),
            ),
            missing=members.take_texts("missing"),
            files={name: _file(files.take_object(name)) for name in files.names()},
        )
        members.refuse_others()
        return manifest


def _mapping(name: str, source: str) -> JsonMapping:
    table = parse_json(source.encode(errors="replace"))
    if not isinstance(table, dict):
        raise MappingError(f"mapping {name!a} is no JSON object")
    return parse_mapping(name, table)


def _file(members: Members) -> PackedFile:
    file = PackedFile(members.take_number("length"), members.take_hex("sha256", HASH_BYTES))
    members.refuse_others()
    return file
