"""What a child process is asked to measure, and what it answers."""

from __future__ import annotations

import json
import resource
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sealtrail_chainer.trail import Trail
from sealtrail_schemas.keys import Signer
from sealtrail_transport.kafka_settings import KafkaSettings
from sealtrail_transport.s3_access import S3Access, open_s3

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Literal, Self

    from sealtrail_transport.s3_store import S3Store

RETENTION: Final = timedelta(hours=1)  # what is benched on lasting servers can be cleared soon
_REASON: Final = "approved within the limit of the office, after a second look at the account. "


@dataclass(frozen=True, slots=True)
class Job:
    """One measurement: `name` tells the trail, topics and folder of one run from all others."""

    kafka: str
    bucket: str
    name: str
    events: int
    event_bytes: int
    transaction_events: int
    codec: Literal["deflate", "null"] = "deflate"

    @property
    def settings(self) -> KafkaSettings:
        """Of all Kafka clients: sealtrail's own, and those of the floors."""
        return KafkaSettings(self.kafka)

    @property
    def raw_topic(self) -> str:
        """What is produced to."""
        return self.name

    @property
    def chained_topic(self) -> str:
        """What is chained to."""
        return f"{self.name}.chained"

    @property
    def floor_topic(self) -> str:
        """What the floors write to."""
        return f"{self.name}.floor"

    @property
    def signer(self) -> Signer:
        """The trail's key, which protects nothing here."""
        return Signer.from_seed(f"bench.example.com/{self.name}/0", bytes(32))

    @property
    def trail(self) -> Trail:
        """The one trail of the run."""
        return Trail(self.signer.verifier, self.chained_topic)

    def store(self) -> S3Store:
        """The run's folder in the bucket; one for each codec."""
        return open_s3(f"{self.bucket}/{self.name}-{self.codec}", S3Access())

    def event(self, number: int) -> tuple[bytes, bytes]:
        """Key and value of an event: JSON of which about a quarter is new in each."""
        user = f"user-{number * 7919 % 10_007}"
        fields = {
            "id": f"{number * 0x9E3779B97F4A7C15 % 2**128:032x}",
            "type": "account.transfer.approved",
            "source": "/services/ledger",
            "actor": {"type": "user", "id": user},
            "resource": {"type": "account", "id": f"{number * 0xC2B2AE3D27D4EB4F % 2**64:016x}"},
            "outcome": "success",
            "number": number,
            "reason": "",
        }
        text = json.dumps(fields)[:-2] + _REASON * (self.event_bytes // len(_REASON) + 1)
        return user.encode(), text[: self.event_bytes - 2].encode() + b'"}'


class Stopwatch:
    """Measures what runs inside `with`: wall clock and CPU time of this process, in seconds."""

    def __enter__(self) -> Self:
        self.began_at = time.time()
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wall_s, self.cpu_s = time.perf_counter() - self._wall, time.process_time() - self._cpu
        self.ended_at = time.time()

    def result(self) -> dict[str, float]:
        """What a child process answers."""
        return {
            "wall_s": self.wall_s,
            "cpu_s": self.cpu_s,
            "peak_rss_bytes": peak_rss_bytes(),
            "began_at": self.began_at,
            "ended_at": self.ended_at,
        }


def peak_rss_bytes() -> int:
    """The most memory that this process had resident.

    Linux counts the parent's into `ru_maxrss` of a child that was made by vfork, but not into VmHWM.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.split("VmHWM:")[1].split()[0]) * 1024
