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

    from sealtrail_auditor.folders import FolderOwner
    from sealtrail_auditor.scope import Scope
    from sealtrail_auditor.visit import Visit
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_transport.store import Store


class TrailStart(NamedTuple):
    """How to walk through a trail, and what is known of it before."""

    settings: TrailSettings
    result: TrailResult


def start_trail(
    store: Store,
    owner: FolderOwner,
    *,
    now: datetime,
    heads: Sequence[Checkpoint],
    scope: Scope,
    visit: Visit | None,
) -> TrailStart:
    """Find where the walk through the trail of a folder begins; the rest as in `verify_archive`."""
    keys = owner.keys
    assert keys is not None  # noqa: S101 - for the type checker; without keys there is nothing to walk
    settings = TrailSettings(
        owner.folder,
        keys.keys,
        now,
        changes=keys.changes,
        root_sizes=frozenset(head.size for head in heads if head.origin == keys.keys.origin),
    )
    if visit is not None:
        start = _behind_visit(store, settings, visit)
    elif not scope.is_part:
        start = TrailStart(settings, TrailResult.new(owner.folder, settings.keys))
    else:
        start = _at_part(SealSearch(store, owner.folder, settings.keys), settings, scope)
    start.result.vouched_by = owner.vouched_by
    return start


def _behind_visit(store: Store, settings: TrailSettings, visit: Visit) -> TrailStart:
    """Go on behind the newest seal that was verified before and is still as it was."""
    for saved in visit.saved(settings.folder):
        base = saved.find_seal(store, settings.keys)
        if base is not None:
            begun = saved.resume(base, settings.keys, settings.root_sizes)
            return TrailStart(replace(settings, base=base, passed=saved.passed), begun)
    return TrailStart(settings, TrailResult.new(settings.folder, settings.keys))


def _at_part(search: SealSearch, settings: TrailSettings, scope: Scope) -> TrailStart:
    """Begin behind the newest seal before the part."""
    result = TrailResult.new(settings.folder, settings.keys)
    part = scope.part_of(search)
    base = search.before(part.first) if part.first else None
    if base is not None:
        checkpoint = base.opened.checkpoint
        result.base_size = result.stamps_from = checkpoint.size
        result.head = base  # where no entry lies in the part, the trail's age is that of this one
        result.roots[checkpoint.size] = checkpoint.root
    return TrailStart(replace(settings, part=part, base=base), result)
