"""How commands that show verified entries end where entries do not verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from sealtrail.console import Output
    from sealtrail_auditor.errors import EntryDamagedError


def end_damaged(error: EntryDamagedError, output: Output) -> None:
    """Say what is wrong with the entry's batch, and exit with the verdict that it leads to."""
    from sealtrail.report_text import print_findings
    from sealtrail_auditor.verdict import Verdict

    print_findings(output.err, error.findings)
    click.echo(f"Error: {error}", err=True)
    verdict = Verdict.worst(finding.code.verdict for finding in error.findings)
    click.get_current_context().exit(verdict.exit_code)
