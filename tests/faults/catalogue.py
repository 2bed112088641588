"""All scenarios, in the order in which they are run."""

from __future__ import annotations

from faults import scenarios_kills, scenarios_broker, scenarios_store  # noqa: F401 - they register themselves
from faults.scenario import SCENARIOS

__all__ = ["SCENARIOS"]
