"""What came of checking one proof, for a person to read and as JSON."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import click
from rich.text import Text

from sealtrail.entry_text import entry_lines, format_ms, leaf_lines
from sealtrail.report_text import print_findings, print_verdict_line
from sealtrail.terminal_text import hanging, printable
from sealtrail_auditor.proof_check import CheckName, State
from sealtrail_auditor.proof_findings import proof_findings
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.entry import Entry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sealtrail.console import Output
    from sealtrail_auditor.findings import Finding
    from sealtrail_auditor.proof_check import CheckedProof
    from sealtrail_schemas.leaf import Leaf
    from sealtrail_schemas.payload import Payload

NEVER_SHOWN: Final = (
    "The trail before and behind the entry: `sealtrail verify` reads the archive for that.",
    "Whether the key has signed another history, too: compare with a head that you keep.",
    "That what the event says is true, and that clocks were right.",
)
_HIDDEN: Final = (
    "The payload was not shown: key, headers and value of the event. The leaf commits to its SHA-256, and a "
    "salt within it keeps it from being guessed."
)


@dataclass(frozen=True, slots=True)
class _Shown:
    """A proven entry, as `entry_lines` shows it."""

    origin: str
    leaf: Leaf
    payload: Payload
    entry: Entry
    checks: tuple[str, ...]
    not_checked: tuple[str, ...]


def print_proof(result: CheckedProof, name: str, payload: bytes | None, output: Output) -> None:
    """Print the entry and what was checked of it."""
    if output.json:
        click.echo(json.dumps(_json(result, name)))
    elif not output.quiet:
        console = output.out
        for line in _lines(result, payload, console.width if console.is_terminal else None):
            console.print(Text(line, style="bold" if line[:1].strip() else ""))
        console.print()


def end_proof(result: CheckedProof, name: str, output: Output, *, raw: bool) -> None:
    """Print what is wrong and the verdict, and exit with its code."""
    findings = _findings(result, name)
    verdict = Verdict.worst(finding.code.verdict for finding in findings)
    if not output.json:
        console = output.err if raw else output.out
        print_findings(console, findings)
        print_verdict_line(console, verdict, _reason(result, findings))
    click.get_current_context().exit(verdict.exit_code)


def not_shown(result: CheckedProof) -> tuple[str, ...]:
    """What a proof leaves open, in sentences."""
    hidden = (_HIDDEN,) if result.state(CheckName.PAYLOAD) is State.HIDDEN else ()
    return (*hidden, *NEVER_SHOWN)


def _lines(result: CheckedProof, payload: bytes | None, width: int | None) -> Iterator[str]:
    checks = tuple(f"{check.detail}" for check in result.checks if check.state is State.GOOD)
    proof, leaf, checkpoint = result.proof, result.leaf, result.checkpoint
    if result.proven and result.payload is not None and proof and leaf and checkpoint and payload is not None:
        entry = Entry(proof.extra or b"", payload)
        shown = _Shown(checkpoint.origin, leaf, result.payload, entry, checks, not_shown(result))
        yield from entry_lines(shown, width)
        return
    if checkpoint and leaf:
        said = "" if result.proven else ", not proven"
        yield f"Entry {leaf.sequence} of {printable(checkpoint.origin)}{said}"
        yield from leaf_lines(leaf)
        yield "Hashes (SHA-256)"
        yield f"  {'entry':<16}{(result.entry_hash or b'').hex()}"
        yield f"  {'payload':<16}{leaf.payload_hash.hex()} (the leaf's word for what it commits to)"
        yield ""
    yield "Verified"
    for sentence in checks:
        yield from hanging("  - ", sentence, width)
    yield ""
    yield "Not checked"
    for sentence in not_shown(result):
        yield from hanging("  - ", sentence, width)


def _findings(result: CheckedProof, name: str) -> list[Finding]:
    origin = None if result.checkpoint is None else result.checkpoint.origin
    sequence = None if result.proof is None else result.proof.index
    return list(proof_findings(result.checks, origin=origin, key=name, sequence=sequence))


def _reason(result: CheckedProof, findings: Sequence[Finding]) -> str:
    if findings:
        return printable(findings[0].code.title)
    assert result.leaf is not None  # noqa: S101 - it is proven
    assert result.checkpoint is not None  # noqa: S101 - it is proven
    hidden = ", its payload not shown" if result.payload is None else ""
    size = result.checkpoint.size
    return printable(
        f"entry {result.leaf.sequence} is in {result.checkpoint.origin} of {size:,} entries{hidden}"
    )


def _json(result: CheckedProof, name: str) -> dict[str, Any]:
    findings = _findings(result, name)
    verdict = Verdict.worst(finding.code.verdict for finding in findings)
    leaf, checkpoint = result.leaf, result.checkpoint
    return {
        "format": "sealtrail/verify-proof/v1",
        "proof": name,
        "verdict": verdict.value,
        "exit_code": verdict.exit_code,
        "origin": checkpoint and checkpoint.origin,
        "sequence": result.proof and str(result.proof.index),
        "kind": leaf and leaf.kind.name.lower(),
        "chained_at": leaf and format_ms(leaf.chained_at_ms),
        "entry_hash": result.entry_hash and result.entry_hash.hex(),
        "payload_hash": leaf and leaf.payload_hash.hex(),
        "trail_id": leaf and leaf.trail_id.hex(),
        "size": checkpoint and str(checkpoint.size),
        "root": checkpoint and checkpoint.root.hex(),
        "checks": {check.name.value: check.state.value for check in result.checks},
        "findings": [finding.to_json() for finding in findings],
        "not_checked": list(not_shown(result)),
    }
