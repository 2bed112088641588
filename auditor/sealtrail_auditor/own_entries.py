"""Step 7 of docs/format.md, "Verification", and what the other entries that sealtrail wrote itself say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.control_entries import ControlEntries
from sealtrail_auditor.findings import Finding, Span
from sealtrail_schemas.body import ControlBody, GenesisBody, RejectedBody, parse_body, trail_id
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Callable

    from sealtrail_auditor.batch_task import BatchTask
    from sealtrail_schemas.chain import ChainState
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload


class OwnEntries:
    """Reads the bodies of a trail's own entries in one batch as they come by.

    Attributes:
        genesis: The body of the first entry, once it was seen.
        controls: What the control entries came to.
    """

    def __init__(self, task: BatchTask, version_id: str, add: Callable[[Finding], None]) -> None:
        """Prepare to read entries of a version of the batch; `add` takes findings."""
        self.genesis: GenesisBody | None = None
        self.controls = ControlEntries(task, self._report)
        self._key = task.keys.at(task.placed.opened.seal.size)
        self._place = (task.key, version_id)
        self._add = add

    def read(self, leaf: Leaf, payload: Payload, before: ChainState) -> None:
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
            self.controls.read(leaf, body, before)

    def _check_genesis(self, leaf: Leaf, body: GenesisBody) -> None:
        key = self._key
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
        self._add(Finding(code, None, *self._place, span, expected, found))
