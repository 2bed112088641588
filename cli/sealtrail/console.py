"""Where commands write: results to stdout, everything for people's eyes only (progress, advice) to stderr.

`rich` honours NO_COLOR and writes plain text where the stream is no terminal. It is imported on first use.
"""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


class Output:
    """A command's two streams and how it was asked to use them; `current_output` has that of the command."""

    def __init__(self) -> None:
        self.json = False
        self.quiet = False

    @cached_property
    def out(self) -> Console:
        """Results: stdout."""
        return _console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Progress, warnings and advice: stderr."""
        return _console(stderr=True)

    @property
    def live(self) -> bool:
        """Whether progress may be drawn: somebody watches, and did not ask for silence."""
        return not self.quiet and self.err.is_terminal

    def result(self, text: str) -> None:
        """Write a result to stdout, with rich markup (escape what is not yours). Silent with --json."""
        if not self.json:
            self.out.print(text)

    def record(self, **members: Any) -> None:
        """Write one JSON object on one line to stdout. Silent without --json."""
        if self.json:
            click.echo(json.dumps(members, default=str))

    def say(self, text: str) -> None:
        """Tell people something on stderr, with rich markup. Silent with --quiet."""
        if not self.quiet:
            self.err.print(text)

    def warn(self, text: str, *, stamp: str = "") -> None:
        """Tell people on stderr what they must not miss, also with --quiet; `stamp` goes in front."""
        self.err.print(f"{stamp}[yellow]Warning:[/] {text}")


def output_options(command: click.decorators.FC) -> click.decorators.FC:
    """Add --json, --quiet and --traceback; the command finds them in `current_output()`."""
    options = (
        _flag("--json", help="Write JSON to stdout, one object a line."),
        _flag("--quiet", "-q", help="No progress and no advice."),
        click.option(
            "--traceback", is_flag=True, expose_value=False, hidden=True, help="Show internal errors whole."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def current_output() -> Output:
    """The output of the command that runs."""
    return click.get_current_context().ensure_object(Output)


def _flag(*declarations: str, help: str) -> Any:  # noqa: A002 - click's word
    def remember(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        assert param.name  # noqa: S101 - an option has one
        setattr(ctx.ensure_object(Output), param.name, value)

    return click.option(*declarations, is_flag=True, expose_value=False, callback=remember, help=help)


def _console(*, stderr: bool) -> Console:
    from rich.console import Console

    return Console(stderr=stderr, highlight=False, soft_wrap=True)
