#!/usr/bin/env python3
"""Write docs/cli.md from the commands' own help; with --check, exit with 1 where that would change it."""

from __future__ import annotations

import difflib
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from sealtrail.app import app

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE: Final = Path(__file__).with_name("cli.md")
_WIDTH: Final = 100
_HEAD: Final = """\
# The command line

What `sealtrail --help` and `sealtrail COMMAND --help` print. This page is made by `docs/make_cli.py`.
"""


def helps() -> Iterator[tuple[str, str]]:
    """The heading and the help of the program and of each of its commands, in their order."""
    root = click.Context(app, info_name="sealtrail", terminal_width=_WIDTH, **app.context_settings)
    yield "sealtrail", app.get_help(root)
    for name in app.list_commands(root):
        command = app.get_command(root, name)
        assert command is not None  # noqa: S101 - it is in the list
        context = click.Context(command, parent=root, info_name=name, terminal_width=_WIDTH)
        yield f"sealtrail {name}", command.get_help(context)


def page() -> str:
    """The text of docs/cli.md."""
    sections = [f"## {heading}\n\n```text\n{_trimmed(text)}\n```\n" for heading, text in helps()]
    return "\n".join([_HEAD, *sections])


def main() -> int:
    """Write or check the page; returns the exit code."""
    made = page()
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(made, "utf-8")
        return 0
    there = PAGE.read_text("utf-8") if PAGE.exists() else ""
    changes = difflib.unified_diff(
        there.splitlines(), made.splitlines(), "docs/cli.md", "--help", lineterm=""
    )
    for line in changes:
        print(line)  # noqa: T201 - a script
    if there == made:
        return 0
    print("docs/cli.md differs from --help: run docs/make_cli.py", file=sys.stderr)  # noqa: T201
    return 1


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    sys.exit(main())
