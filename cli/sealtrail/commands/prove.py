"""`sealtrail prove`: one entry, and the proof that the trail holds it, as files to hand over."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click
from rich.markup import escape

from sealtrail.archive_option import archive_options
from sealtrail.console import current_output, output_options
from sealtrail.help_text import examples

if TYPE_CHECKING:
    from sealtrail.archive_option import ArchiveChoice
    from sealtrail.console import Output
    from sealtrail_auditor.proof import ProvenEntry

PROOF_SUFFIX: Final = ".tlog-proof"
PAYLOAD_SUFFIX: Final = ".payload"


@click.command(
    epilog=examples(
        "sealtrail prove 42",
        "sealtrail prove s3://audit-archive --policy auditor.policy --trail payments/0 42 -o evidence",
        "sealtrail prove ./copy --policy auditor.policy 42 --redacted -o case-17.tlog-proof",
    )
)
@archive_options
@click.argument("sequence", metavar="SEQ", type=click.IntRange(min=0))
@click.option(
    "--output",
    "-o",
    "target",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=Path(),
    help="A folder for the files, or the proof's name, which ends in .tlog-proof.  [default: this folder]",
)
@click.option("--redacted", is_flag=True, help="Prove that the entry is there without showing its content.")
@click.option(
    "--folder",
    metavar="FOLDER",
    help="Folder of the trail, where the archive holds several of one name, as payments/0/5be1a7c2/.",
)
@output_options
def command(archive: ArchiveChoice, sequence: int, target: Path, redacted: bool, folder: str | None) -> None:
    """Prove that a trail holds an entry, in a file or two.

    SEQ is the entry's number in the trail, from 0. Two files are written: NAME.tlog-proof, the proof in
    C2SP's format with the entry's leaf in it, and NAME.payload, what the event was: key, headers and value.
    Whoever has both and the policy needs nothing else: no archive, no network.

    With --redacted the payload stays here. The leaf shows the entry's kind, times and offsets, and commits to
    the content: show the payload later, and it fits or it does not. A random salt in it keeps it from being
    guessed.
    """
    from sealtrail.trail_choice import choose_one_trail
    from sealtrail.verdict_exit import end_damaged
    from sealtrail_auditor.errors import EntryDamagedError
    from sealtrail_auditor.proof import prove_entry

    output = current_output()
    policy = archive.read_policy()
    origin = choose_one_trail(policy, archive.trails)
    with archive.opened() as store:
        try:
            proven = prove_entry(store, policy, origin, sequence, folder=folder, now=datetime.now(UTC))
        except EntryDamagedError as error:
            end_damaged(error, output)
            return
    _write(proven, _proof_file(target, origin, sequence), output, redacted=redacted)


def _proof_file(target: Path, origin: str, sequence: int) -> Path:
    """Where the proof goes: a name of its own, or one made from trail and sequence in a folder."""
    if target.suffix == PROOF_SUFFIX and not target.is_dir():
        return target
    topic, partition = origin.rsplit("/", 2)[1:]
    return target / f"{topic}-{partition}-{sequence}{PROOF_SUFFIX}"


def _write(proven: ProvenEntry, proof_file: Path, output: Output, *, redacted: bool) -> None:
    from sealtrail.new_file import new_file, refuse_existing

    payload_file = None if redacted else proof_file.with_suffix(PAYLOAD_SUFFIX)
    refuse_existing(proof_file)
    proof_file.parent.mkdir(parents=True, exist_ok=True)
    if payload_file is not None:
        with new_file(payload_file) as file:
            file.write(proven.found.entry.payload)
    with new_file(proof_file) as file:
        file.write(proven.proof.encode())
    output.record(
        proof=str(proof_file),
        payload=payload_file and str(payload_file),
        origin=proven.found.origin,
        sequence=str(proven.proof.index),
        seal=proven.found.placed.key,
    )
    files = " and ".join(escape(str(name)) for name in (proof_file, payload_file) if name is not None)
    shown = "without its content" if redacted else "with its content"
    output.result(f"Wrote {files}: entry {proven.proof.index} of {escape(proven.found.origin)}, {shown}.")
    command = f"sealtrail verify-proof {shlex.quote(str(proof_file))} --policy FILE"
    output.say(f"Whoever gets it checks it with: {escape(command)}")
