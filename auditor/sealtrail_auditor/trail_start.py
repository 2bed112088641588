"""Where the walk through a trail begins: at its first entry, before a part, or where a visit has left off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from sealtrail_auditor.seal_search import SealSearch
from sealtrail_auditor.trail_plan import TrailSettings
from sealtrail_auditor.trail_result import TrailResult

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.visit import Visit
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.keys import Verifier
    from sealtrail_transport.store import Store


class TrailStart(NamedTuple):
    """How to walk through a trail, and what is known of it before."""

    settings: TrailSettings
    result: TrailResult


def start_trail(
    store: Store,
    folder: str,
    verifier: Verifier,
    *,
    now: datetime,
    heads: Sequence[Checkpoint],
    scope: Scope,
    visit: Visit | None,
) -> TrailStart:
    """Find where the walk through the trail in `folder` begins; the rest as in `verify_archive`."""
    settings = TrailSettings(
        folder,
        verifier,
        now,
        root_sizes=frozenset(head.size for head in heads if head.origin == verifier.name),
    )
    if visit is not None:
        return _behind_visit(store, settings, visit)
    if not scope.is_part:
        return TrailStart(settings, TrailResult.new(folder, verifier))
    return _at_part(SealSearch(store, folder, verifier), settings, scope)


def _behind_visit(store: Store, settings: TrailSettings, visit: Visit) -> TrailStart:
    """Go on behind the newest seal that was verified before and is still as it was."""
    for saved in visit.saved(settings.folder):
        base = saved.find_seal(store)
        if base is not None:
            begun = saved.resume(base, settings.root_sizes)
            return TrailStart(replace(settings, base=base, passed=saved.passed), begun)
    return TrailStart(settings, TrailResult.new(settings.folder, settings.verifier))


def _at_part(search: SealSearch, settings: TrailSettings, scope: Scope) -> TrailStart:
    """Begin behind the newest seal before the part."""
    result = TrailResult.new(settings.folder, settings.verifier)
    part = scope.part_of(search)
    base = search.before(part.first) if part.first else None
    if base is not None:
        checkpoint = base.opened.checkpoint
        result.base_size = result.stamps_from = checkpoint.size
        result.head = base  # where no entry lies in the part, the trail's age is that of this one
        result.roots[checkpoint.size] = checkpoint.root
    return TrailStart(replace(settings, part=part, base=base), result)
