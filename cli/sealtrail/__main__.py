"""The program `sealtrail`, also as `python -m sealtrail`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, cast

from sealtrail.app import app

if TYPE_CHECKING:
    from io import TextIOWrapper


def main() -> None:
    """Run the command line and end the process with a documented exit code (`sealtrail.exits.Exit`)."""
    # A character that the terminal does not know must not be what ends a command.
    cast("TextIOWrapper", sys.stdout).reconfigure(errors="backslashreplace")
    app(prog_name="sealtrail")


if __name__ == "__main__":
    main()
