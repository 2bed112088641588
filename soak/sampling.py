"""What is seen of a run each second: metrics as Prometheus scrapes them, and memory as the kernel has it."""

from __future__ import annotations

import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Self

    from soak.services import Clock, ProducerProcess, Service

PERIOD_S: Final = 1.0
_PATIENCE_S: Final = 0.8

Sample = dict[str, Any]
"""`at_s`, and by service `pid`, `age_s`, `rss_bytes` and its metrics; what could not be had is left out."""

_WANTED: Final = {
    "sealtrail_healthy": "healthy",
    "sealtrail_chained_size": "size",
    "sealtrail_sealed_size": "size",
    "sealtrail_lag_offsets": "lag",
    "sealtrail_unsealed_entries": "unsealed",
    "sealtrail_oldest_unsealed_age_seconds": "oldest_unsealed_s",
    "sealtrail_newest_seal_timestamp_seconds": "newest_seal_at",
}


class Sampler:
    """Samples in a thread of its own while its context lasts."""

    def __init__(self, services: Mapping[str, Service], producer: ProducerProcess, clock: Clock) -> None:
        self.samples: list[Sample] = []
        self._services = services
        self._producer = producer
        self._clock = clock
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        with ThreadPoolExecutor(len(self._services)) as pool:
            due = time.monotonic()
            while not self._ending.wait(max(0.0, due - time.monotonic())):
                due = max(due + PERIOD_S, time.monotonic())
                seen = dict(zip(self._services, pool.map(self._see, self._services.values()), strict=True))
                told = {key: self._producer.last.get(key) for key in ("published", "acknowledged")}
                self.samples.append({"at_s": round(self._clock.now_s(), 2), "producer": told, **seen})

    def _see(self, service: Service) -> Sample:
        life = service.life
        if life is None:
            return {}
        seen: Sample = {"pid": life.pid, "age_s": round(self._clock.now_s() - life.began_s, 2)}
        with suppress(OSError, ValueError, IndexError):  # it has just ended, has just begun, or is held
            seen["rss_bytes"] = rss_bytes(life.pid)
            with urllib.request.urlopen(service.url, timeout=_PATIENCE_S) as answer:  # noqa: S310 - loopback
                seen |= read_metrics(answer.read().decode())
        return seen


def rss_bytes(pid: int) -> int:
    """The memory that a process has resident. Raises OSError when there is no such process."""
    status = Path(f"/proc/{pid}/status").read_text("ascii", "replace")
    return int(status.split("VmRSS:")[1].split()[0]) * 1024


def read_metrics(text: str) -> Sample:
    """The wanted metrics of a service with one trail, from Prometheus' text form."""
    found: Sample = {}
    for family in text_string_to_metric_families(text):
        if (name := _WANTED.get(family.name)) is not None and family.samples:
            found[name] = family.samples[0].value
    return found
