"""`python -m soak.run`: services on real servers under load and faults, then verified. See docs/soak.md."""

from __future__ import annotations

import json
import os
import secrets
import sys
import time
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from bench.servers import free_port, servers
from soak.faults import Parts, cause
from soak.outcome import finish
from soak.plan import plan_faults
from soak.producer import Order
from soak.report import page
from soak.sampling import Sampler
from soak.services import Clock, ProducerProcess, Service, run_sealtrail

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from bench.servers import Servers
    from soak.faults import Done

_LOOK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Settings:
    """What the user asked for; `rate` is events a second."""

    minutes: float
    seed: int
    rate: float
    event_bytes: int
    fault_every_s: float
    batch_age: str
    drain_s: float

    @property
    def production_s(self) -> float:
        """How long events are published."""
        return self.minutes * 60


@click.command()
@click.option("--minutes", default=10.0, show_default=True, type=click.FloatRange(min=0.2), help="Length.")
@click.option("--seed", default=1, show_default=True, help="Of the faults.")
@click.option(
    "--rate",
    default=4_800.0,
    show_default=True,
    type=click.FloatRange(min=1),
    help="Events a second. The default is a third of what docs/bench.md has from end to end.",
)
@click.option("--event-bytes", default=500, show_default=True, help="Length of an event's value.")
@click.option(
    "--fault-every", "fault_every_s", default=25.0, show_default=True, help="Seconds between faults; 0: none."
)
@click.option("--batch-age", default="10s", show_default=True, help="As of `sealtrail archive`.")
@click.option(
    "--drain",
    "drain_s",
    default=300.0,
    show_default=True,
    help="Seconds to work off what is left at the end.",
)
@click.option(
    "--results",
    default=Path("build/soak"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Where the results of runs are kept, a folder each.",
)
def main(results: Path, **chosen: Any) -> None:
    """Run chainer and archiver under a steady load and faults, verify what they archived, and judge.

    Kafka and MinIO are started in containers, unless SEALTRAIL_BENCH_KAFKA names brokers and
    SEALTRAIL_BENCH_S3 a bucket as s3://BUCKET, as for the benchmark; there are then no faults of servers.
    """
    settings = Settings(**chosen)
    console = Console()
    began = datetime.now(UTC)
    folder = results.absolute() / f"{began:%Y-%m-%dT%H%M%SZ}-seed{settings.seed}"
    (folder / "work").mkdir(parents=True)
    with console.status("starting the servers") as status, servers() as where:
        run = Run(settings, where, folder, status.update)
        told = {"began": began.isoformat(timespec="seconds"), **run.to_the_end()}
    (folder / "soak.json").write_text(json.dumps(told, indent=1) + "\n")
    (folder / "soak.html").write_text(page(told))
    for check in told["checks"]:
        word = {True: "[green]passed[/]", False: "[red bold]FAILED[/]", None: "not judged"}[check["passed"]]
        console.print(f"{word}  {check['name']}: {check['detail']}", highlight=False)
    console.print(f"report: {folder / 'soak.html'}", highlight=False, soft_wrap=True)
    sys.exit(0 if told["passed"] else 1)


class Run:
    """One soak, on servers that are there. `say` shows how far it is."""

    def __init__(self, settings: Settings, where: Servers, folder: Path, say: Callable[[str], None]) -> None:
        self._settings = settings
        self._where = where
        self._folder = folder
        self._say = say
        self._topic = f"soak-{secrets.token_hex(4)}"
        self._archive = f"{where.bucket}/{self._topic}"
        plain = {name: value for name, value in os.environ.items() if not name.startswith("SEALTRAIL_")}
        # Views are made by a process of its own that takes more than all else, and they are no evidence.
        self._environment = plain | {"SEALTRAIL_VIEWS": "false", "SEALTRAIL_BATCH_AGE": settings.batch_age}

    def to_the_end(self) -> dict[str, Any]:
        """Everything from `init` to the verdict; returns the run's JSON."""
        init = ("init", "--base", "soak.example.com", "--topic", self._topic, "--create-raw")
        at = ("--log", f"kafka://{self._where.kafka}", "--archive", self._archive, "--retention", "1h")
        self._sealtrail(*init, *at)
        clock, began_at = Clock(), time.time()
        services = {name: self._service(name, clock) for name in ("chainer", "archiver")}
        with self._started(services) as producer:
            with Sampler(services, producer, clock) as sampler:
                done = self._produce(services, clock)
                production_s = clock.now_s()
                self._say("draining")
                produced = producer.end(self._settings.drain_s)
                drained_s = self._await_drained(services, clock)
            for service in services.values():
                service.end()
        self._say("verifying and counting")
        outcome = finish(
            services,
            sampler.samples,
            produced,
            drained_s=drained_s,
            production_s=production_s,
            verified=self._sealtrail("verify", self._archive, "--policy", ".sealtrail/policy", "--json"),
            archive=self._archive,
        )
        return {
            "format": "sealtrail-soak/1",
            "version": version("sealtrail"),
            "cores": os.cpu_count(),
            **asdict(self._settings),
            "began_at": began_at,
            "production_s": production_s,
            "faults": [asdict(fault) for fault in done],
            **outcome,
            "samples": sampler.samples,
        }

    @contextmanager
    def _started(self, services: dict[str, Service]) -> Iterator[ProducerProcess]:
        """Everything runs within the context; nothing is left behind it, however it ends."""
        settings = self._settings
        order = Order(self._where.kafka, self._topic, settings.rate, settings.event_bytes)
        with ExitStack() as held:
            for service in services.values():
                held.callback(service.kill)
                service.start()
            root = Path(__file__).parents[1]
            producer = ProducerProcess(order.to_argument(), self._environment, root)
            held.callback(producer.kill)
            yield producer

    def _sealtrail(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run_sealtrail(arguments, self._folder / "work", self._environment)

    def _service(self, name: str, clock: Clock) -> Service:
        command = {"chainer": "chain", "archiver": "archive"}[name]
        return Service(
            name,
            (command,),
            self._environment,
            self._folder / "work",
            free_port(),
            self._folder / f"{name}.log",
            clock,
        )

    def _produce(self, services: dict[str, Service], clock: Clock) -> list[Done]:
        """Let the time of production pass, with its faults; ends early when a service has ended by itself."""
        settings = self._settings
        where = self._where
        parts = Parts(services["chainer"], services["archiver"], where.kafka_container, where.store_container)
        planned = (
            plan_faults(settings.seed, duration_s=settings.production_s, every_s=settings.fault_every_s)
            if settings.fault_every_s
            else ()
        )
        done: list[Done] = []

        def wait(seconds: float) -> bool:
            return self._wait(seconds, services, clock)

        for each in planned:
            if not wait(each.at_s - clock.now_s()):
                return done
            self._say(f"{clock.now_s():.0f} s: {each.fault.value}")
            if (caused := cause(each, parts, clock, wait)) is not None:
                done.append(caused)
            self._say(f"{clock.now_s():.0f} s of {settings.production_s:.0f}")
        wait(settings.production_s - clock.now_s())
        return done

    def _wait(self, seconds: float, services: dict[str, Service], clock: Clock) -> bool:
        """Wait; False as soon as a service has ended by itself."""
        until_s = clock.now_s() + seconds
        while (left_s := until_s - clock.now_s()) > 0:
            if any(service.has_ended() for service in services.values()):
                return False
            time.sleep(min(left_s, _LOOK_EVERY_S))
        return True

    def _await_drained(self, services: dict[str, Service], clock: Clock) -> float | None:
        """Wait until all is chained and sealed; seconds that it took, or None where it was given up."""
        began_s = clock.now_s()
        while clock.now_s() - began_s < self._settings.drain_s:
            try:
                status = self._sealtrail("status", "--json")
            except RuntimeError:  # a line has stopped; the log files say why
                return None
            trail = json.loads(status.stdout)
            if trail["unchained"] == trail["unsealed"] == 0:
                return clock.now_s() - began_s
            if not self._wait(1, services, clock):
                return None
        return None


if __name__ == "__main__":
    main()
