"""`sealtrail verify-proof`: a proof or an evidence pack, held against a policy; no archive is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from sealtrail.archive_option import ArchiveChoice, data_option
from sealtrail.console import current_output, output_options
from sealtrail.data_folder import DataFolder
from sealtrail.exits import CommandError
from sealtrail.help_text import examples
from sealtrail.settings import setting

if TYPE_CHECKING:
    from sealtrail_schemas.control import Control
    from sealtrail_schemas.policy import Policy

_ZIP = b"PK\x03\x04"


@click.command(
    epilog=examples(
        "sealtrail verify-proof payments-0-42.tlog-proof --policy auditor.policy",
        "sealtrail verify-proof payments-0-42.tlog-proof --policy auditor.policy --raw > event.json",
        "sealtrail verify-proof payments-0-42.tlog-proof --policy new.policy --key-change keys/…6.note",
        "sealtrail verify-proof case-17.zip --policy auditor.policy",
    )
)
@click.argument("file", metavar="PROOF", type=click.Path(path_type=Path))
@setting(
    "--policy",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Whose keys to trust.  [default: the policy of the data folder]",
)
@click.option(
    "--payload",
    "payload_file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="The entry's payload.  [default: PROOF with .payload for .tlog-proof, if it is there]",
)
@click.option(
    "--key-change",
    "change_files",
    metavar="FILE",
    multiple=True,
    type=click.Path(path_type=Path),
    help="A change of the trail's key, from keys/ in its folder, that leads from the policy's key to the one "
    "that signed (may be repeated). Packs carry them.",
)
@click.option(
    "--raw", is_flag=True, help="Write the bytes of a proven event's value to stdout, and nothing else."
)
@data_option
@output_options
def command(
    *,
    file: Path,
    policy: Path | None,
    payload_file: Path | None,
    change_files: tuple[Path, ...],
    raw: bool,
    data: Path,
) -> None:
    """Verify a proof or an evidence pack, without the archive.

    PROOF is what `sealtrail prove` or `sealtrail pack` has written. Nothing is believed but the policy: the
    leaf, the path from it to the root of the whole trail, and the signature of that root under the policy's
    key, or one to which key changes lead. Of a pack every entry is checked so, and that its page shows what
    its files hold.

    It says what the leaf commits to and what was not shown. The verdict is the last line, and the exit code
    says it to scripts: 0 intact, 10 tampered, 11 incomplete (a file of a pack is missing), 12 unverifiable
    (an unknown key or format). A file that is neither proof nor pack is a mistake of usage.
    """
    if policy is None and not DataFolder(data).exists:
        raise CommandError(
            "no policy: say with --policy FILE whose keys to trust. The operator of the trail hands that "
            "file over by another way than the proof"
        )
    trusted = ArchiveChoice(None, None, None, policy, (), DataFolder(data)).read_policy()
    changes = [_read_change(change) for change in change_files]
    with file.open("rb") as stream:
        is_pack = stream.read(len(_ZIP)) == _ZIP
    if not is_pack:
        _verify_one(file, payload_file, trusted, changes, raw=raw)
    elif raw or payload_file is not None:
        raise click.UsageError("--raw and --payload are for single proofs, not for packs")
    else:
        _verify_pack(file, trusted, changes)


def _read_change(file: Path) -> Control:
    from sealtrail_schemas.control import MAX_CONTROL_BYTES, open_key_change
    from sealtrail_schemas.errors import FormatError

    try:
        return open_key_change(_read(file, MAX_CONTROL_BYTES))
    except FormatError as error:
        raise CommandError(f"{file} is no key change that both of its keys signed: {error}") from None


def _verify_one(
    file: Path, payload_file: Path | None, policy: Policy, changes: list[Control], *, raw: bool
) -> None:
    from sealtrail.proof_text import end_proof, print_proof
    from sealtrail_auditor.proof_check import check_proof
    from sealtrail_schemas.payload import MAX_PAYLOAD_BYTES
    from sealtrail_schemas.tlog_proof import MAX_TLOG_PROOF_BYTES, is_tlog_proof

    data = _read(file, MAX_TLOG_PROOF_BYTES)
    if not is_tlog_proof(data):
        raise CommandError(f"{file} is neither a proof (.tlog-proof) nor an evidence pack (.zip)")
    beside = file.with_suffix(".payload")
    payload_file = payload_file or (beside if beside.is_file() else None)
    payload = None if payload_file is None else _read(payload_file, MAX_PAYLOAD_BYTES)
    result = check_proof(data, payload, policy.logs, changes)
    output = current_output()
    if not raw:
        print_proof(result, str(file), payload, output)
    elif result.proven and result.payload is not None:
        click.echo(result.payload.value or b"", nl=False)
    end_proof(result, str(file), output, raw=raw)


def _verify_pack(file: Path, policy: Policy, changes: list[Control]) -> None:
    from sealtrail.pack_text import print_pack
    from sealtrail_auditor.pack_check import check_pack

    output = current_output()
    with file.open("rb") as stream:
        checked = check_pack(stream, policy.logs, changes)
    print_pack(checked, str(file), policy, output)
    click.get_current_context().exit(checked.verdict.exit_code)


def _read(file: Path, limit: int) -> bytes:
    """A file's bytes, at most one more than `limit`: parsers refuse what is too long."""
    with file.open("rb") as stream:
        return stream.read(limit + 1)
