"""Which key signs for a trail, by the trail's size (docs/format.md, "Key changes").

From one key that is trusted, the key changes lead to those before and after it.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sealtrail_schemas.control import Control
    from sealtrail_schemas.keys import Verifier


@dataclass(frozen=True, slots=True)
class TrailKeys:
    """The keys of one trail.

    Attributes:
        keys: In the order in which they signed; at least one.
        last_sizes: The size of the last seal that each of them but the newest may sign, rising.
        changes: What leads from each key to the next, in order.
    """

    keys: tuple[Verifier, ...]
    last_sizes: tuple[int, ...] = ()
    changes: tuple[Control, ...] = ()

    @classmethod
    def only(cls, verifier: Verifier) -> TrailKeys:
        """The keys of a trail whose key never changed."""
        return cls((verifier,))

    @classmethod
    def follow(cls, trusted: Verifier, changes: Iterable[Control]) -> TrailKeys:
        """Follow key changes from a trusted key, backwards and forwards; others are passed over.

        `changes` are opened (`open_key_change`) statements of one trail.

        Raises:
            ControlError: the keys do not form one line: a key was replaced twice, or the order of the changes
                is not that of the keys.
        """
        stated = [(change.deed, change) for change in set(changes) if isinstance(change.deed, KeyChange)]
        line: list[Control] = []
        key = trusted
        while before := _one([change for deed, change in stated if deed.new == key and change not in line]):
            line.insert(0, before[1])
            key = before[0]
        oldest, key = key, trusted
        while after := _one([change for deed, change in stated if deed.old == key and change not in line]):
            line.append(after[1])
            key = after[2]
        keys = (oldest, *(change.deed.new for change in line if isinstance(change.deed, KeyChange)))
        sizes = tuple(change.sequence + 1 for change in line)
        if any(later <= earlier for earlier, later in pairwise(sizes)):
            raise ControlError("the key changes of the trail are out of order")
        if len(set(keys)) < len(keys):
            raise ControlError("a key of the trail was taken up again after it had been replaced")
        return cls(keys, sizes, tuple(line))

    @property
    def newest(self) -> Verifier:
        """The key that signs now."""
        return self.keys[-1]

    @property
    def origin(self) -> str:
        """Of the trail."""
        return self.newest.name

    def at(self, size: int) -> Verifier:
        """The key that signs the seal of that size."""
        return self.keys[bisect_left(self.last_sizes, size)]


def _one(changes: list[Control]) -> tuple[Verifier, Control, Verifier] | None:
    """The one change, between its keys. Raises ControlError where there are two."""
    if not changes:
        return None
    if len(changes) > 1:
        sequences = " and ".join(str(change.sequence) for change in sorted(changes, key=lambda c: c.sequence))
        raise ControlError(f"a key was replaced twice: by the entries {sequences}")
    deed = changes[0].deed
    assert isinstance(deed, KeyChange)  # noqa: S101 - for the type checker
    return deed.old, changes[0], deed.new
