"""The tables of an outbox: one SQLite file that holds a producer's events until the log has them."""

from __future__ import annotations

from typing import Final

from sealtrail_transport.sqlite_schema import DatabaseKind

# `log_offset`: nothing that was shipped and is still in `events` lies below it in the log's partition; null
# before the first attempt. `events` are the numbers that wait, without their stamps. `void` are numbers that
# the log refused, until a later event has declared them.
OUTBOX: Final = DatabaseKind(
    "an outbox",
    int.from_bytes(b"outb", "big"),
    1,
    (
        """
        CREATE TABLE outbox (
            producer TEXT NOT NULL,
            topic TEXT NOT NULL,
            incarnation TEXT NOT NULL,
            topic_id BLOB,
            partitions INTEGER
        )
        """,
        """
        CREATE TABLE lanes (
            partition INTEGER PRIMARY KEY,
            next_number INTEGER NOT NULL DEFAULT 0,
            log_offset INTEGER
        )
        """,
        """
        CREATE TABLE events (
            partition INTEGER NOT NULL,
            number INTEGER NOT NULL,
            size INTEGER NOT NULL,
            timestamp_ms INTEGER,
            key BLOB,
            headers BLOB NOT NULL,
            value BLOB,
            PRIMARY KEY (partition, number)
        ) WITHOUT ROWID
        """,
        """
        CREATE TABLE void (
            partition INTEGER NOT NULL,
            number INTEGER NOT NULL,
            PRIMARY KEY (partition, number)
        ) WITHOUT ROWID
        """,
    ),
)
