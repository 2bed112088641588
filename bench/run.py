"""`python -m bench.run`: measure all stages several times, show a table, write JSON. See docs/bench.md."""

from __future__ import annotations

import json
import secrets
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.figures import figures, table
from bench.job import Job
from bench.plan import run_once
from bench.servers import servers

if TYPE_CHECKING:
    from rich.status import Status


@click.command()
@click.option("--events", default=100_000, show_default=True, help="Events in each run.")
@click.option("--event-bytes", default=500, show_default=True, help="Length of an event's value.")
@click.option("--transaction-events", default=1_000, show_default=True, help="Most events in a transaction.")
@click.option("--runs", default=3, show_default=True, help="Runs, of which medians are shown.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures to this file.")
def main(events: int, event_bytes: int, transaction_events: int, runs: int, json_file: Path | None) -> None:
    """Measure each stage on real servers, beside its bare floor in the same run.

    Kafka and MinIO are started in containers, unless SEALTRAIL_BENCH_KAFKA names brokers and
    SEALTRAIL_BENCH_S3 a bucket as s3://BUCKET, reached as the AWS tools reach it.
    """
    console = Console()
    measured = []
    with console.status("starting the servers") as status, servers() as where:
        for number in range(1, runs + 1):
            name = f"bench-{secrets.token_hex(4)}"
            job = Job(where.kafka, where.bucket, name, events, event_bytes, transaction_events)
            progress = f"run {number} of {runs}: "
            measured.append(run_once(job, on_stage=partial(_say, status, progress)))
    told = figures(measured, events=events, event_bytes=event_bytes, transaction_events=transaction_events)
    console.print(table(told))
    if json_file is not None:
        json_file.write_text(json.dumps(told, indent=2) + "\n")


def _say(status: Status, progress: str, stage: str) -> None:
    status.update(progress + stage)


if __name__ == "__main__":
    main()
