"""A walk through one trail as it is written to a state file, to go on from there another time."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.archive import list_names
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog, Span
from sealtrail_auditor.saved_stamps import parse_stamps, stamps_json
from sealtrail_auditor.seals import read_seal_name
from sealtrail_auditor.spans import SpanList
from sealtrail_auditor.statements import Statement, StatementList
from sealtrail_auditor.trail_result import Since, TrailResult
from sealtrail_schemas.body import GenesisBody, encode_body, parse_body
from sealtrail_schemas.canonical_json import Members
from sealtrail_schemas.checkpoint import Checkpoint, open_checkpoint
from sealtrail_schemas.control import Control, open_control
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.keys import Verifier
from sealtrail_schemas.leaf import HASH_BYTES, Kind
from sealtrail_schemas.merkle import EMPTY_ROOT
from sealtrail_schemas.trail_keys import TrailKeys

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_auditor.seals import PlacedSeal
    from sealtrail_auditor.trail import Bookmark
    from sealtrail_transport.store import Store

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class SavedTrail:
    """How far the verification of one trail has come.

    Attributes:
        result: What it has come to; its `head` is None, since that has to be read again.
        checkpoint: The checkpoint of that seal, a signed note.
        seal_key: The key of that seal, relative to the archive.
        seal_sha256: The SHA-256 of its note text.
        size: The size of the trail there.
        passed: The last name under `batches/` that was passed; None: there was none.
        visited_at: When the visit ended that came there; None: it was interrupted.
    """

    result: TrailResult
    checkpoint: bytes
    seal_key: str
    seal_sha256: bytes
    size: int
    passed: str | None
    visited_at: datetime | None = None

    @classmethod
    def of(cls, bookmark: Bookmark) -> SavedTrail:
        """What there is to save of a walk."""
        head = bookmark.result.head
        assert head is not None  # noqa: S101 - for the type checker; a bookmark lies behind a seal
        return cls(
            result=bookmark.result,
            checkpoint=head.opened.seal.checkpoint,
            seal_key=head.key,
            seal_sha256=head.opened.text_sha256,
            size=head.opened.checkpoint.size,
            passed=bookmark.passed,
        )

    def head(self) -> Checkpoint:
        """The checkpoint, opened under the key that signed for the trail there.

        Raises:
            FormatError: it is none, or of another size.
        """
        head = open_checkpoint(self.checkpoint, self.result.keys.at(self.size))
        if head.size != self.size:
            raise FormatError(f"the checkpoint of {self.result.folder!a} is of another size")
        return head

    def find_seal(self, store: Store, keys: TrailKeys) -> PlacedSeal | None:
        """The seal that it goes on behind, where that still lies in its place as it was."""
        folder = self.result.folder
        for name in list_names(store, self.seal_key):
            if name.key == self.seal_key:
                found = read_seal_name(store, folder, name, size=self.size, keys=keys, previous=None)
                for placed in found.opened:
                    if placed.opened.text_sha256 == self.seal_sha256:
                        return placed
        return None

    def resume(self, placed: PlacedSeal, keys: TrailKeys, root_sizes: frozenset[int]) -> TrailResult:
        """The result to go on with: all that was found before, and counts of the visit that goes on.

        After a visit that has ended, the next one counts anew; of the roots that it took, those at
        `root_sizes` are kept, so that the same heads can be compared again.
        """
        result = replace(self.result.copy(), head=placed, keys=keys)
        checkpoint = placed.opened.checkpoint
        if self.visited_at is None:
            result.roots[self.size] = checkpoint.root
            return result
        return replace(
            result,
            base_size=self.size,
            since=Since(self.size, self.visited_at),
            first_sequence=None,
            entries=0,
            batches=0,
            length=0,
            kinds=Counter(),
            statements=StatementList(),
            roots={size: root for size, root in result.roots.items() if size in root_sizes}
            | {0: EMPTY_ROOT, self.size: checkpoint.root},
        )

    def to_json(self) -> dict[str, Any]:
        """The members of a state file that say it."""
        return {
            "origin": self.result.origin,
            "keys": _keys_json(self.result.keys),
            "checkpoint": self.checkpoint.decode(),
            "seal": {"key": self.seal_key, "sha256": self.seal_sha256.hex(), "size": str(self.size)},
            "passed": self.passed,
            "visited_at": None if self.visited_at is None else _ms(self.visited_at),
            "result": _result_json(self.result),
        }

    @classmethod
    def parse(cls, folder: str, origin: str, members: Members) -> SavedTrail:
        """Read what `to_json` made.

        Raises:
            FormatError: it is something else, or of another origin.
        """
        keys = _parse_keys(origin, members.take_object("keys"))
        seal = members.take_object("seal")
        visited_at = members.take("visited_at")
        size = seal.take_number("size", at_least=1)
        return cls(
            result=_parse_result(folder, keys, members.take_object("result"), size),
            checkpoint=members.take_string("checkpoint").encode(),
            seal_key=seal.take_text("key"),
            seal_sha256=seal.take_hex("sha256", HASH_BYTES),
            size=size,
            passed=_string_or_none(members.take("passed")),
            visited_at=None if visited_at is None else _time(Members({"visited_at": visited_at})),
        )


def _result_json(result: TrailResult) -> dict[str, Any]:
    return {
        "base_size": str(result.base_size),
        "since": result.since
        and {"size": str(result.since.size), "visited_at": _ms(result.since.visited_at)},
        "first_sequence": _optional(result.first_sequence),
        "entries": str(result.entries),
        "batches": str(result.batches),
        "length": str(result.length),
        "kinds": {kind.name.lower(): str(count) for kind, count in result.kinds.items() if count},
        "genesis": result.genesis and encode_body(result.genesis).decode(),
        "statements": [statement.note for statement in result.statements],
        "statements_left_out": str(result.statements.left_out),
        "controls": str(result.controls),
        "first_control": _optional(result.first_control if result.controls else None),
        "first_time": _optional(result.first_time_ms),
        "roots": {str(size): root.hex() for size, root in result.roots.items() if size},
        "expired": _spans_json(result.expired),
        "bridged": _spans_json(result.bridged),
        "unsealed_in_gaps": str(result.unsealed_in_gaps),
        "has_schemas": result.has_schemas,
        "stamps": stamps_json(result.stamps),
        "stamps_from": str(result.stamps_from),
        "findings": [_finding_json(finding) for finding in result.findings.kept],
        "findings_left_out": {code.code: str(count) for code, count in result.findings.left_out.items()},
    }


def _keys_json(keys: TrailKeys) -> dict[str, list[str]]:
    return {
        "vkeys": [key.vkey for key in keys.keys],
        "last_sizes": [str(size) for size in keys.last_sizes],
    }


def _parse_keys(origin: str, members: Members) -> TrailKeys:
    keys = tuple(Verifier.parse(text) for text in members.take_texts("vkeys"))
    sizes = tuple(Members({"size": text}).take_number("size") for text in members.take_texts("last_sizes"))
    if len(sizes) != len(keys) - 1 or list(sizes) != sorted(set(sizes)):
        raise FormatError("the keys of a trail and their sizes do not go together")
    if any(key.name != origin for key in keys):
        raise FormatError(f"a key is not named as the origin {origin!a}")
    return TrailKeys(keys, sizes)


def _parse_result(folder: str, keys: TrailKeys, members: Members, size: int) -> TrailResult:
    result = TrailResult.new(folder, keys)
    result.base_size = members.take_number("base_size")
    since = members.take_object_or_null("since")
    result.since = None if since is None else Since(since.take_number("size"), _time(since))
    result.first_sequence = _take_optional(members, "first_sequence")
    result.entries = members.take_number("entries")
    result.batches = members.take_number("batches")
    result.length = members.take_number("length")
    kinds = members.take_object("kinds")
    for kind in Kind:
        if kind.name.lower() in kinds.names():
            result.kinds[kind] = kinds.take_number(kind.name.lower())
    result.genesis = _parse_genesis(members.take("genesis"))
    result.statements = _parse_statements(keys, members)
    result.controls = members.take_number("controls")
    first_control = _take_optional(members, "first_control")
    result.first_control = -1 if first_control is None else first_control
    result.first_time_ms = _take_optional(members, "first_time")
    roots = members.take_object("roots")
    for text in roots.names():
        size = Members({"roots": text}).take_number("roots", at_least=1)
        result.roots[size] = roots.take_hex(text, HASH_BYTES)
    result.expired = _parse_spans(members.take("expired"))
    result.bridged = _parse_spans(members.take("bridged"))
    result.unsealed_in_gaps = members.take_number("unsealed_in_gaps")
    result.has_schemas = members.take("has_schemas") is True
    result.stamps_from = size  # where the state is of a version that did not read stamps
    if "stamps_from" in members.names():
        result.stamps = parse_stamps(members.take_object_or_null("stamps"))
        result.stamps_from = members.take_number("stamps_from")
    result.findings = _parse_findings(keys.origin, members)
    return result


def _parse_statements(keys: TrailKeys, members: Members) -> StatementList:
    notes = [str(note) for note in _array(members.take("statements"))]
    statements = [Statement(_open_statement(keys, note), note) for note in notes]
    return StatementList(statements, members.take_number("statements_left_out"))


def _open_statement(keys: TrailKeys, note: str) -> Control:
    for key in keys.keys:
        with suppress(FormatError):
            return open_control(note.encode(), key)
    raise FormatError("a control statement of another key")


def _parse_genesis(text: object) -> GenesisBody | None:
    if text is None:
        return None
    body = parse_body(Kind.GENESIS, str(text).encode())
    assert isinstance(body, GenesisBody)  # noqa: S101 - for the type checker; it goes by the kind
    return body


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "code": finding.code.code,
        "key": finding.key,
        "version_id": finding.version_id,
        "span": finding.span and [str(finding.span.first), str(finding.span.last)],
        "expected": finding.expected,
        "found": finding.found,
        "objects": str(finding.objects),
    }


def _parse_findings(origin: str, members: Members) -> FindingLog:
    log = FindingLog(origin)
    for item in _array(members.take("findings")):
        finding = Members({"findings": item}).take_object("findings")
        span = finding.take("span")
        log.add(
            Finding(
                _code(finding.take_string("code")),
                origin,
                _string_or_none(finding.take("key")),
                _string_or_none(finding.take("version_id")),
                None if span is None else next(iter(_parse_spans([span]))),
                finding.take_string("expected"),
                finding.take_string("found"),
                finding.take_number("objects", at_least=1),
            )
        )
    left_out = members.take_object("findings_left_out")
    log.leave_out({_code(code): left_out.take_number(code) for code in left_out.names()})
    return log


def _code(text: str) -> FindingCode:
    for code in FindingCode:
        if code.code == text:
            return code
    raise FormatError(f"{text!a} is no code of a finding")


def _spans_json(spans: Iterable[Span]) -> list[list[str]]:
    return [[str(span.first), str(span.last)] for span in spans]


def _parse_spans(value: object) -> SpanList:
    spans = SpanList()
    for item in _array(value):
        ends = _array(item)
        if len(ends) != 2:
            raise FormatError("a span is not two numbers")
        first, last = (Members({"span": end}).take_number("span") for end in ends)
        spans.add(Span(first, last))
    return spans


def _array(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise FormatError("not an array where one was expected")
    return value


def _string_or_none(value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise FormatError("not a string where one was expected")
    return value


def _optional(number: int | None) -> str | None:
    return None if number is None else str(number)


def _take_optional(members: Members, name: str) -> int | None:
    value = members.take(name)
    return None if value is None else Members({name: value}).take_number(name)


def _ms(moment: datetime) -> str:
    return str((moment - _EPOCH) // timedelta(milliseconds=1))


def _time(members: Members) -> datetime:
    """The time of the member `visited_at`, in milliseconds since the Unix epoch."""
    number = members.take_number("visited_at")
    try:
        return _EPOCH + timedelta(milliseconds=number)
    except OverflowError:
        raise FormatError("member visited_at is no time") from None
