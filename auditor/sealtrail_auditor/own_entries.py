"""Step 7 of docs/format.md, "Verification", and what the other entries that sealtrail wrote itself say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_schemas.body import ControlBody, GenesisBody, RejectedBody, parse_body, trail_id
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload


class OwnEntries:
    """Reads the bodies of a trail's own entries as they come by.

    Attributes:
        genesis: The body of the first entry, once it was seen.
        controls: How many control entries there were; this version knows none of their names.
        first_control: The sequence of the first of them.
        key: The batch that is being read, for findings.
        version_id: Its version.
    """

    def __init__(self, verifier: Verifier, add: Callable[[Finding], None]) -> None:
        """Prepare to read entries of the trail whose key is `verifier`; `add` takes findings."""
        self.key: str | None = None
        self.version_id: str | None = None
        self.genesis: GenesisBody | None = None
        self.controls = 0
        self.first_control = -1
        self._verifier = verifier
        self._add = add

    def read(self, leaf: Leaf, payload: Payload) -> None:
        """Read one entry that is no event and whose place in the chain was checked."""
        span = Span(leaf.sequence, leaf.sequence)
        try:
            body = parse_body(leaf.kind, payload.value)
        except FormatError as error:
            expected = f"the body of a {leaf.kind.name.lower()} entry"
            self._report(FindingCode.ENTRY_BODY, span, expected, str(error))
            return
        if isinstance(body, GenesisBody):
            self.genesis = body
            self._check_genesis(leaf, body)
        elif isinstance(body, RejectedBody) and body.source_offset != leaf.source_offset:
            expected, found = f"source offset {leaf.source_offset}", f"source offset {body.source_offset}"
            self._report(FindingCode.ENTRY_BODY, span, expected, found)
        elif isinstance(body, ControlBody):
            self.controls += 1
            self.first_control = leaf.sequence if self.controls == 1 else self.first_control

    def _check_genesis(self, leaf: Leaf, body: GenesisBody) -> None:
        key = self._verifier
        pairs = (
            ("origin", key.name, body.origin),
            ("trail id", leaf.trail_id.hex(), trail_id(body.origin, body.incarnation).hex()),
            ("key", key.vkey, key.vkey if key.vkey in body.keys else ", ".join(body.keys)),
        )
        for what, expected, found in pairs:
            if expected != found:
                self._report(FindingCode.GENESIS_BODY, Span(0, 0), f"{what} {expected}", f"{what} {found}")
                return

    def _report(self, code: FindingCode, span: Span, expected: str, found: str) -> None:
        self._add(Finding(code, None, self.key, self.version_id, span, expected, found))
