"""Which trails of a policy a user means with `--trail`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sealtrail.exits import CommandError
from sealtrail.terminal_text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_schemas.policy import Policy


def choose_trails(policy: Policy, wanted: Sequence[str]) -> list[str] | None:
    """The origins of the trails that were named, in full or as `payments/0`; None, for all, where none was.

    Raises:
        CommandError: a name fits none of the policy's trails, or several.
    """
    return [_find(policy, name) for name in dict.fromkeys(wanted)] or None


def choose_one_trail(policy: Policy, wanted: Sequence[str]) -> str:
    """The origin of the one trail that was named, or that the policy has.

    Raises:
        CommandError: there are several to choose from, or none.
    """
    origins = choose_trails(policy, wanted) or list(policy.logs)
    if len(origins) != 1:
        names = printable(", ".join(origins)) or "none"
        raise CommandError(f"say with --trail which one: {names}")
    return origins[0]


def _find(policy: Policy, name: str) -> str:
    found = [origin for origin in policy.logs if origin == name or origin.endswith(f"/{name}")]
    if len(found) == 1:
        return found[0]
    if found:
        raise CommandError(f"--trail {name!a} fits several trails: {printable(', '.join(found))}")
    known = printable(", ".join(policy.logs)) or "none"
    raise CommandError(f"the policy has no trail {name!a}; it has {known}")
