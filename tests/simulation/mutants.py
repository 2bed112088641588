"""Mutants: bugs planted in the shipped code, to see whether the simulation would find them.

Each is a small change of a shipped function, made for a while and taken back. A mutant that no seed of the
tests catches would be a hole in the simulation, and is to be closed there. `mutants_of_chainer.py` and
`mutants_of_archiver.py` list them.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from unittest.mock import patch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Mutant(NamedTuple):
    """A planted bug: what is replaced (owner and attribute), by what, and the mistake in one sentence."""

    what: str
    places: tuple[tuple[Any, str], ...]
    make: Callable[[Any], Any]

    @contextmanager
    def planted(self) -> Iterator[None]:
        """Within, the shipped code has the bug."""
        with ExitStack() as stack:
            for owner, name in self.places:
                stack.enter_context(patch.object(owner, name, self.make(getattr(owner, name))))
            yield


MUTANTS: Final[dict[str, Mutant]] = {}


def mutant(what: str, *places: tuple[Any, str]) -> Callable[[Callable], Callable]:
    """Enter a function that makes the wrong code from the right one into the list."""

    def enter(make: Callable) -> Callable:
        MUTANTS[make.__name__.strip("_").replace("_", "-")] = Mutant(what, places, make)
        return make

    return enter
