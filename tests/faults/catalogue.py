"""All scenarios, in the order in which they are run."""

from __future__ import annotations

from importlib import import_module

from faults.scenario import SCENARIOS

__all__ = ["SCENARIOS"]

for _part in ("kills", "broker", "store", "groups", "network", "clocks", "misuse", "outbox"):
    import_module(f"faults.scenarios_{_part}")  # its scenarios register themselves
