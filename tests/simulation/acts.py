"""The faults, by kind: each act tries to make one happen, and says whether it did or is armed.

What needs a state that is not there yet (a seal, a record beyond it) answers False and is tried again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from simulation import acts_on_buckets, acts_on_ends, acts_on_logs
from simulation.faulty_log import APPEND_FAULTS
from simulation.faulty_store import PUT_FAULTS, READ_FAULTS
from simulation.world import AWAY_POINTS, CHAINED, LOG_CALLS, RAW

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.world import World

ARMED_APPENDS: Final = (*APPEND_FAULTS, "append-late-in-next", "append-late-in-part")
ARMED_STORE: Final = (*PUT_FAULTS, *READ_FAULTS, "list-stale", "retention-echoed-wrong")


def make(world: World, kind: str) -> bool:
    """Make a fault happen, or arm it for the next call that it fits; False: it can't be now."""
    if kind in ARMED_APPENDS:
        world.due_appends.append(kind)
        return True
    if kind in ARMED_STORE:
        world.store.due.append(kind)
        return True
    return _ACTS[kind](world)


def _away(of_log: bool) -> Callable[[World], bool]:
    points = [label for label in AWAY_POINTS if (label.split(".")[1] in LOG_CALLS) == of_log]

    def act(world: World) -> bool:
        world.away_at = world.random.choice(points)
        return True

    return act


_ACTS: Final[dict[str, Callable[[World], bool]]] = {
    "log-away": _away(True),
    "store-away": _away(False),
    "offsets-burnt": acts_on_logs.burn,
    "strays-linked": acts_on_logs.branch,
    "foreign-record": acts_on_logs.foreign,
    "chained-repeated": acts_on_logs.repeat_chained,
    "raw-repeated": acts_on_logs.repeat_raw,
    "record-refused": acts_on_logs.refused,
    "record-unreadable": acts_on_logs.unreadable,
    "chained-tail-lost": acts_on_ends.lose_tail,
    "chainer-zombie": acts_on_logs.zombie,
    "store-slow": acts_on_logs.slow,
    "clock-back": acts_on_logs.clock_back,
    "store-clock-apart": acts_on_logs.store_clock,
    "machine-clock-apart": acts_on_logs.machine_clock,
    "batch-marked": acts_on_buckets.mark("batches/", "batch-marked"),
    "seal-marked": acts_on_buckets.mark("seals/", "seal-marked"),
    "batch-shadowed": acts_on_buckets.shadow("batches/", "batch-shadowed"),
    "seal-shadowed": acts_on_buckets.shadow("seals/", "seal-shadowed"),
    "batch-squatted": acts_on_buckets.squat_batch,
    "seal-squatted": acts_on_buckets.squat_seals,
    "stray-contradicts": acts_on_logs.contradict,
    "sealed-tail-lost": acts_on_ends.lose_sealed_tail,
    "chained-overtaken": acts_on_ends.overtake_chained,
    "raw-tail-lost": acts_on_ends.lose_raw_tail,
    "raw-overtaken": acts_on_ends.overtake_raw,
    "raw-recreated": acts_on_ends.recreate(RAW, "raw-recreated"),
    "chained-recreated": acts_on_ends.recreate(CHAINED, "chained-recreated"),
}
