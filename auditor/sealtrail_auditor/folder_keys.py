"""The keys of the trail in a folder: where the key changes under `keys/` lead from a key that is trusted.

What contradicts them is set aside, for a verification to report (docs/format.md, "Key changes").
"""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.errors import ControlError
from sealtrail_schemas.trail_keys import TrailKeys

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.key_shelf import PlacedChange


@dataclass(frozen=True, slots=True)
class FolderKeys:
    """The keys of one trail, and what lies under its `keys/`.

    Attributes:
        keys: The keys to which the trusted one leads.
        changes: All key changes of the origin under `keys/`, in order of size: those that lead from one key
            to the next, those that contradict them, and strangers'.
    """

    keys: TrailKeys
    changes: tuple[PlacedChange, ...] = ()


def follow_keys(
    trusted: Verifier, placed: Sequence[PlacedChange], stated: Sequence[Control] = ()
) -> FolderKeys:
    """Follow the key changes of a folder from a trusted key. Where they fork, no branch is followed.

    Args:
        trusted: The key to begin with.
        placed: The changes under `keys/`.
        stated: Further ones, that only entries of the trail state.
    """
    ours = [change for change in placed if change.control.origin == trusted.name]
    keys = _followed(trusted, [*(change.control for change in ours), *stated])
    return FolderKeys(keys, tuple(ours))


def _followed(trusted: Verifier, changes: Sequence[Control]) -> TrailKeys:
    for branches in (changes, _without_forks(changes)):
        with suppress(ControlError):
            return TrailKeys.follow(trusted, branches)
    return TrailKeys.only(trusted)


def _without_forks(changes: Sequence[Control]) -> list[Control]:
    """The changes but for those that replace the same key, or replace a key by the same one."""
    controls = set(changes)
    olds = Counter(control.deed.old for control in controls if isinstance(control.deed, KeyChange))
    news = Counter(control.deed.new for control in controls if isinstance(control.deed, KeyChange))
    return [
        control
        for control in controls
        if isinstance(deed := control.deed, KeyChange) and olds[deed.old] == news[deed.new] == 1
    ]


def keys_of_origin(keys: Iterable[TrailKeys], trusted: Verifier) -> list[TrailKeys]:
    """The keys of all trails of the origin of a trusted key; that one alone where there are none."""
    return [line for line in keys if line.origin == trusted.name] or [TrailKeys.only(trusted)]
