"""The system's clock, as those who take a clock for a parameter want it."""

from __future__ import annotations

import time


def system_clock_ms() -> int:
    """Milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000
