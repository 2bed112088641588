"""The click group. Commands are imported when they are run, not before: `sealtrail --help` stays quick."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Never

import click

from sealtrail import settings
from sealtrail.exits import EXIT_CODE_TABLE, ReaderGoneError, report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

COMMANDS: Final = {
    "init": "Set up a trail: keys, policy, log, archive.",
    "up": "Run the pipeline: chain and seal what is published.",
    "chain": "Chain what is published, as a service.",
    "archive": "Seal what is chained, as a service.",
    "continue": "Go on in the same trail after its chained topic was lost, cut off, or can't be read on.",
    "record-gap": "Go on behind raw records that were deleted before they were chained.",
    "rotate-key": "Give trails new signing keys.",
    "produce": "Publish events from files.",
    "status": "Show what is published, chained and sealed.",
    "doctor": "Examine whether broker and store keep sealtrail's promises.",
    "verify": "Verify an archive, trusting a policy file only.",
    "show": "Show one entry of a trail, verified.",
    "index": "Write the views of what is archived, for `sealtrail search`.",
    "search": "Search an archive for entries, by what they say.",
    "timeline": "Retell what somebody did, step by step, in the order in which it happened.",
    "replay": "Put archived events back: into a log, or into files.",
    "export": "Write the entries of an archive to one file for analysts' tools.",
    "prove": "Prove that a trail holds an entry, in a file or two.",
    "pack": "Pack entries with their proofs, for evidence.",
    "verify-proof": "Verify a proof or an evidence pack, without the archive.",
    "report": "Report on an archive, signed with a key of your own.",
    "verify-report": "Verify an auditor's report: who signed it, and what its page shows.",
    "fetch": "Copy an archive to a folder, for offline work.",
    "demo": "See a trail being sealed, attacked and verified.",
}
"""The commands in the order of the help, with the first line of each one's help (a test compares them)."""


class LazyGroup(click.Group):
    """A group that knows its commands by name and imports `sealtrail.commands.NAME` for the one that runs.

    It also answers every error with one line and a documented exit code (`sealtrail.exits.report`).
    """

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The names of all commands."""
        return list(COMMANDS)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"sealtrail.commands.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)  # noqa: S101 - for the type checker
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        """Write the list of commands without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(  # type: ignore[override]  # its overloads differ in standalone_mode, which is ours to set
        self, args: Sequence[str] | None = None, prog_name: str | None = None, **extra: Any
    ) -> Never:
        """Run, and exit with a documented code."""
        arguments = sys.argv[1:] if args is None else list(args)
        extra["standalone_mode"] = False
        try:
            code = super().main(arguments, prog_name, **extra)
            sys.stdout.flush()
        except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is where all of them end
            code = report(error, with_traceback="--traceback" in arguments)
        sys.exit(code if isinstance(code, int) else 0)

    def make_context(self, *args: Any, **extra: Any) -> click.Context:
        """Read the arguments, which can write the help."""
        with _reader_gone():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        with _reader_gone():
            return super().invoke(ctx)


@contextmanager
def _reader_gone() -> Iterator[None]:
    """Keep BrokenPipeError from click, which would exit with 1."""
    try:
        yield
    except BrokenPipeError:
        raise ReaderGoneError from None


@click.group(
    "sealtrail",
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"""\b
Example, from nothing to a verdict:
  sealtrail init
  echo '{{"action": "login", "actor": "alice"}}' | sealtrail produce -
  sealtrail up --drain
  sealtrail verify

\b
{EXIT_CODE_TABLE}
""",
)
@click.version_option(package_name="sealtrail", message="%(prog)s %(version)s")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False),
    envvar="SEALTRAIL_CONFIG",
    show_envvar=True,
    help="Settings file.  [default: sealtrail.toml, if there is one]",
)
@click.pass_context
def app(ctx: click.Context, config: str | None) -> None:
    """Audit logs that nobody can quietly rewrite.

    A setting comes from its option, else from the environment (SEALTRAIL_*), else from sealtrail.toml, else
    from its default. Credentials of a bucket come as for the AWS tools: environment or profile.
    """
    chosen = settings.read_settings(config)
    ctx.default_map = dict.fromkeys(COMMANDS, chosen)
