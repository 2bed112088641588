"""Checking an evidence pack: every proof in it, and that its files and its page say the same.

Everything is judged by the files of the pack and the reader's own keys. The page is not run: it is made once
more from the files, and compared.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, BinaryIO, Final

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, FindingLog
from sealtrail_auditor.pack import (
    ENTRIES,
    INDEX,
    KEYS,
    MANIFEST,
    MAX_MANIFEST_BYTES,
    POLICY,
    PROOF_SUFFIX,
    README,
    SEALS,
    Manifest,
    PackedChange,
    PackedEntry,
    PackedFile,
)
from sealtrail_auditor.pack_compare import PageState, compare_page
from sealtrail_auditor.pack_files import PackFiles
from sealtrail_auditor.pack_page import PageData, page_template
from sealtrail_auditor.proof_check import Check, check_proof, check_seal
from sealtrail_auditor.proof_findings import proof_findings
from sealtrail_schemas.control import MAX_CONTROL_BYTES, open_key_change
from sealtrail_schemas.errors import FormatError, PackError
from sealtrail_schemas.layout import FORMAT, parse_trail_prefix
from sealtrail_schemas.payload import MAX_PAYLOAD_BYTES
from sealtrail_schemas.policy import MAX_POLICY_BYTES, Policy
from sealtrail_schemas.seal import MAX_SEAL_BYTES
from sealtrail_schemas.tlog_proof import MAX_TLOG_PROOF_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sealtrail_auditor.pack import About
    from sealtrail_auditor.proof_check import CheckedProof
    from sealtrail_auditor.verdict import Verdict
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier

_PROOF: Final = re.compile(rf"{ENTRIES}(.+/)([0-9]{{20}})\.tlog-proof")
_PAYLOAD: Final = re.compile(rf"({ENTRIES}.+/[0-9]{{20}})\.payload")
_SEAL: Final = re.compile(rf"{SEALS}(.+/)([0-9]{{20}})\.seal")
_CHANGE: Final = re.compile(rf"{KEYS}(.+/)([0-9]{{20}})\.note")
_FRAME: Final = frozenset({INDEX, MANIFEST, POLICY, README})
_MAX_PAGE_BYTES: Final = 1 << 28


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What the checks of one entry came to.

    Attributes:
        name: The proof's name in the pack.
        sequence: The entry's number by that name.
        origin: The trail, by the checkpoint; None where there is none.
        checks: In the order of `CheckName`.
    """

    name: str
    sequence: int
    origin: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class CheckedPack:
    """What a pack came to.

    Attributes:
        about: What the pack says of itself.
        missing: What it says could not be shown.
        entries: What the checks of each entry came to.
        page: How its page stands to its files; None where that could not be compared.
        own_keys: The keys in the pack's own policy.
        findings: What is wrong.
    """

    about: About
    missing: tuple[str, ...]
    entries: tuple[EntryResult, ...]
    page: PageState | None
    own_keys: tuple[Verifier, ...]
    findings: FindingLog

    @property
    def verdict(self) -> Verdict:
        """What the findings come to."""
        return self.findings.verdict


def check_pack(file: BinaryIO, keys: Mapping[str, Verifier], changes: Sequence[Control] = ()) -> CheckedPack:
    """Check a pack.

    Args:
        file: The zip.
        keys: The trusted keys, by origin, as a policy has them. The pack's own policy is not believed.
        changes: Key changes, opened, beside those in the pack.

    Raises:
        PackError: it is no pack that can be read: no zip, or without a manifest.
    """
    files = PackFiles(file)
    manifest = Manifest.parse(files.read(MANIFEST, MAX_MANIFEST_BYTES))
    return _PackCheck(files, manifest, keys, list(changes)).run()


@dataclass(slots=True)
class _PackCheck:
    files: PackFiles
    manifest: Manifest
    keys: Mapping[str, Verifier]
    changes: list[Control]
    findings: FindingLog = field(default_factory=lambda: FindingLog(None))
    results: list[EntryResult] = field(default_factory=list)

    def run(self) -> CheckedPack:
        self._compare_files()
        own_keys = self._own_keys()
        packed_changes = list(self._packed_changes())
        page = self._compare_page(own_keys, packed_changes)
        return CheckedPack(
            self.manifest.about, self.manifest.missing, tuple(self.results), page, own_keys, self.findings
        )

    def _compare_files(self) -> None:
        """Hold every file against the manifest."""
        there = set(self.files.names) - {MANIFEST}
        for name in sorted(there | set(self.manifest.files)):
            listed = self.manifest.files.get(name)
            if listed is None:
                self._find(
                    FindingCode.PACK_FILE, name, "no such file", "a file that the manifest does not list"
                )
            elif name in there and not self._is_of_a_pack(name):
                self._find(FindingCode.PACK_FILE, name, "no such file", "a file that no check speaks of")
            elif name not in there:
                self._find(FindingCode.PACK_MISSING, name, f"a file of {listed.length} bytes", "no such file")
            else:
                self._compare_file(name, listed)

    def _is_of_a_pack(self, name: str) -> bool:
        """Whether packs have a file of that name: what lies beside a proven entry is taken for proven too."""
        if match := _PAYLOAD.fullmatch(name):
            return f"{match[1]}{PROOF_SUFFIX}" in self.files.names
        return (
            name in _FRAME
            or name.startswith(FORMAT)
            or any(pattern.fullmatch(name) for pattern in (_PROOF, _SEAL, _CHANGE))
        )

    def _compare_file(self, name: str, listed: PackedFile) -> None:
        digest, length = sha256(), 0
        expected = f"{listed.length} bytes with SHA-256 {listed.sha256.hex()}"
        try:
            for piece in self.files.pieces(name, listed.length):
                digest.update(piece)
                length += len(piece)
        except PackError as error:
            self._find(FindingCode.PACK_FILE, name, expected, str(error))
            return
        if (length, digest.digest()) != listed:
            found = f"{length} bytes with SHA-256 {digest.hexdigest()}"
            self._find(FindingCode.PACK_FILE, name, expected, found)

    def _own_keys(self) -> tuple[Verifier, ...]:
        try:
            return tuple(Policy.parse(self.files.read(POLICY, MAX_POLICY_BYTES)).logs.values())
        except FormatError as error:
            self._find(FindingCode.PACK_FILE, POLICY, "a policy", str(error))
            return ()

    def _packed_changes(self) -> Iterator[PackedChange]:
        """The key changes in the pack; those that open are followed."""
        for name in self.files.names:
            if not (match := _CHANGE.fullmatch(name)):
                continue
            packed = PackedChange(match[1], int(match[2]), self._read(name, MAX_CONTROL_BYTES))
            yield packed
            try:
                control = open_key_change(packed.note)
            except FormatError as error:
                self._find(
                    FindingCode.PACK_FILE, name, "a key change that both of its keys signed", str(error)
                )
                continue
            if control.sequence + 1 != packed.size:
                found = f"that of size {control.sequence + 1}"
                self._find(FindingCode.PACK_FILE, name, f"the key change of size {packed.size}", found)
            else:
                self.changes.append(control)

    def _compare_page(
        self, own_keys: tuple[Verifier, ...], packed_changes: list[PackedChange]
    ) -> PageState | None:
        """Check every entry, and on the way make the page's data once more."""
        data, template = PageData(self.manifest.about), page_template(self.manifest.about)
        pieces = self._pieces(data, own_keys, packed_changes)
        try:
            state = compare_page(self.files, template, pieces, max_bytes=_MAX_PAGE_BYTES)
        except PackError:  # the manifest's finding says so
            state = None
        for _ in pieces:  # the comparison ends at the first difference, the checks do not
            pass
        if state is PageState.OTHER_DATA:
            self._find(FindingCode.PACK_PAGE, INDEX, "the data of the pack's files", "other data")
        return state

    def _pieces(
        self, data: PageData, own_keys: tuple[Verifier, ...], packed_changes: list[PackedChange]
    ) -> Iterator[bytes]:
        yield data.head()
        for entry in self._entries():
            result = self._check(entry)
            self.results.append(result)
            yield data.entry(entry)
        yield data.tail(own_keys, packed_changes, self.manifest.missing)

    def _entries(self) -> Iterator[PackedEntry]:
        sizes = self._seal_sizes()
        for name in self.files.names:
            if not (match := _PROOF.fullmatch(name)):
                continue
            folder, sequence = match[1], int(match[2])
            size = next((size for size in sizes.get(folder, ()) if size > sequence), 0)
            entry = PackedEntry(folder, sequence, self._read(name, MAX_TLOG_PROOF_BYTES), None, b"", size)
            if entry.payload_name in self.files.names or entry.payload_name in self.manifest.files:
                entry = entry._replace(payload=self._read(entry.payload_name, MAX_PAYLOAD_BYTES))
            yield entry._replace(seal=self._read(entry.seal_name, MAX_SEAL_BYTES)) if size else entry

    def _check(self, entry: PackedEntry) -> EntryResult:
        result = check_proof(entry.proof, entry.payload, self.keys, self.changes)
        checks = (*result.checks, check_seal(result, entry.seal or None))
        origin = None if result.checkpoint is None else result.checkpoint.origin
        for finding in proof_findings(checks, origin=origin, key=entry.proof_name, sequence=entry.sequence):
            self.findings.add(finding)
        if result.proven and not _is_named_so(entry, result):
            self._find(
                FindingCode.PACK_FILE,
                entry.proof_name,
                "the proof of the entry of that name",
                f"the proof of entry {result.proof and result.proof.index} of {origin!a}",
            )
        return EntryResult(entry.proof_name, entry.sequence, origin, checks)

    def _seal_sizes(self) -> dict[str, list[int]]:
        """The sizes of the seals of each folder, in order."""
        sizes: dict[str, list[int]] = {}
        for name in self.files.names:
            if match := _SEAL.fullmatch(name):
                sizes.setdefault(match[1], []).append(int(match[2]))
        return sizes

    def _read(self, name: str, limit: int) -> bytes:
        """A file's bytes; none where it can't be read, which the manifest's finding says."""
        try:
            return self.files.read(name, limit)
        except PackError:
            return b""

    def _find(self, code: FindingCode, name: str, expected: str, found: str) -> None:
        self.findings.add(Finding(code, None, name, expected=expected, found=found))


def _is_named_so(entry: PackedEntry, result: CheckedProof) -> bool:
    """Whether what was proven is the entry by whose name the pack and its page show it."""
    if result.proof is None or result.leaf is None or result.checkpoint is None:
        return False
    try:
        topic, partition, id_start = parse_trail_prefix(entry.folder)
    except FormatError:
        return False
    return (
        entry.sequence == result.proof.index
        and result.leaf.trail_id.hex().startswith(id_start)
        and result.checkpoint.origin.endswith(f"/{topic}/{partition}")
    )
