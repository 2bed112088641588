"""What every command's help ends with."""

from __future__ import annotations


def examples(*lines: str) -> str:
    """The epilog of a command: examples, line by line as they are typed."""
    # A line with nothing but a backspace keeps click from filling the lines below it into a paragraph.
    return "\n".join(["\b", "Example:" if len(lines) == 1 else "Examples:", *(f"  {line}" for line in lines)])
