"""SqliteLog: the contract."""

from __future__ import annotations

import pytest

from contracts.log_contract import NOW_MS, LogContract
from sealtrail_transport.sqlite_log import SqliteLog


class TestSqliteLog(LogContract):
    @pytest.fixture
    def log(self, tmp_path):
        with SqliteLog(tmp_path / "log.db", clock_ms=lambda: NOW_MS) as log:
            yield log

    def recreate(self, log, name):
        """There is no way to delete a topic: the file itself is made again."""
        path = log._path
        log.close()
        path.unlink()
        log = SqliteLog(path, clock_ms=lambda: NOW_MS)
        log.create_topic(name, partitions=2, append_time=False)
        log.close()
        return log
