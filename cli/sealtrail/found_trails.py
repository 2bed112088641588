"""The trails that a user means, as far as the archive holds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape

from sealtrail.exits import CommandError
from sealtrail.terminal_text import printable
from sealtrail.trail_choice import choose_trails
from sealtrail_auditor.reading import TrailFolder, find_trails
from sealtrail_auditor.verdict import Verdict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail.console import Output
    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


class FoundTrails(NamedTuple):
    """Folders of trails, and the origins of those that the archive holds nothing of."""

    folders: list[TrailFolder]
    absent: list[str]

    @property
    def verdict(self) -> Verdict:
        """Incomplete where a trail is absent."""
        return Verdict.INCOMPLETE if self.absent else Verdict.INTACT

    def warn(self, output: Output) -> None:
        """Tell of trails that are absent: no hit in them means nothing."""
        for origin in self.absent:
            output.warn(f"the archive holds nothing of the trail {escape(printable(origin))}")


def find_chosen(store: Store, policy: Policy, wanted: Sequence[str]) -> FoundTrails:
    """Find the trails that were named with --trail, or all of the policy.

    Raises:
        CommandError: a name fits no trail of the policy or several, or the archive holds none of them.
    """
    chosen = choose_trails(policy, wanted)
    folders = find_trails(store, policy, chosen)
    held = {trail.origin for trail in folders}
    if not held:
        raise CommandError("the archive holds nothing of the trails of the policy")
    return FoundTrails(folders, [origin for origin in chosen or policy.logs if origin not in held])
