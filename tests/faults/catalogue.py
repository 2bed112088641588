"""All scenarios, in the order in which they are run."""

from __future__ import annotations

from faults import (  # noqa: F401 - they register themselves
    scenarios_kills,
    scenarios_broker,
    scenarios_store,
    scenarios_groups,
    scenarios_network,
    scenarios_clocks,
    scenarios_misuse,
    scenarios_outbox,
)
from faults.scenario import SCENARIOS

__all__ = ["SCENARIOS"]
