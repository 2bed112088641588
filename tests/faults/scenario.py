"""The register of scenarios: a function that plays one, under a name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults.harness import Run
    from faults.sites import SiteKind

    Play = Callable[[Run], None]


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario. `about` says what is done; `needs_…`: it needs toxiproxy, or libfaketime."""

    name: str
    play: Play
    about: str
    site: SiteKind
    needs_proxies: bool
    needs_faketime: bool


SCENARIOS: Final[dict[str, Scenario]] = {}


def scenario(
    name: str, *, site: SiteKind = "one", needs_proxies: bool = False, needs_faketime: bool = False
) -> Callable[[Play], Play]:
    """Register a function under a name; the first line of its docstring is what it does."""

    def register(play: Play) -> Play:
        about = (play.__doc__ or "").strip().split("\n\n", 1)[0]
        SCENARIOS[name] = Scenario(name, play, " ".join(about.split()), site, needs_proxies, needs_faketime)
        return play

    return register
