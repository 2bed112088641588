"""The words that every part uses for a record of a log: headers and the kinds of timestamps."""

from __future__ import annotations

from typing import Final, TypeAlias

Header: TypeAlias = tuple[bytes, bytes | None]
"""One header: the key's bytes (UTF-8 by custom, not by rule) and its value. Order and duplicates count."""

TIMESTAMP_NONE: Final = 0
"""The record carries no timestamp; its timestamp is then NO_TIMESTAMP."""
TIMESTAMP_CREATE: Final = 1
"""The producer's clock."""
TIMESTAMP_APPEND: Final = 2
"""The log's clock."""

NO_TIMESTAMP: Final = -1
