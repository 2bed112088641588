"""When chained records became visible: what recovery times are taken from. No part of the judgement."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from sealtrail_transport.errors import LogError, OffsetOutOfRangeError
from sealtrail_transport.kafka_log import KafkaLog

if TYPE_CHECKING:
    from sealtrail_transport.kafka_settings import KafkaSettings

_EVERY_S = 0.02


class Progress:
    """Reads a chained topic along in a thread, from a way of its own to the brokers."""

    def __init__(self, settings: KafkaSettings, topic: str, partitions: int) -> None:
        self.seen: list[tuple[float, int]] = []
        self._settings = settings
        self._topic = topic
        self._positions = dict.fromkeys(range(partitions), 0)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def since(self, moment: float, partition: int | None = None) -> float | None:
        """When records first became visible after a moment, in any partition or in one; None: not yet."""
        return next((at for at, of in list(self.seen) if at > moment and partition in {None, of}), None)

    def close(self) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with KafkaLog(self._settings) as log:
            while not self._over.wait(_EVERY_S):
                for partition in self._positions:
                    self._look(log, partition)

    def _look(self, log: KafkaLog, partition: int) -> None:
        position = self._positions[partition]
        try:
            chunk = log.read(self._topic, partition, position, max_records=10_000, max_bytes=2**24)
        except OffsetOutOfRangeError:  # trimmed, or cut: go on at its beginning
            try:
                self._positions[partition] = log.bounds(self._topic, partition).start
            except LogError:
                return
            return
        except LogError:
            return
        self._positions[partition] = chunk.next_offset
        if chunk.records:
            self.seen.append((time.time(), partition))
