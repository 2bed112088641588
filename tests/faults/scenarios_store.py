"""A store that is killed or away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from faults.processes import Fault
from faults.scenario import scenario
from fixtures.containers import switch

if TYPE_CHECKING:
    from faults.harness import Run


@scenario("store-killed-in-put", needs_proxies=True)
def store_killed_in_put(run: Run) -> None:
    """MinIO is killed with -9 while the bytes of a batch, then of a seal, are on their way to it, and started
    again on its own disk."""
    run.begin(padding=3_000)
    run.chain()
    door, minio = run.site.doors["archiver"], run.site.minio.container
    archiver = run.archive("--endpoint-url", door, "--batch-codec", "null")
    run.await_flow()
    for what in ("put-batch", "put-seal"):
        archiver.kill()
        # A batch of 180 kB takes a second now, so that the kill comes in its middle.
        with run.site.proxies.toxic("archiver-store", "bandwidth", stream="upstream", rate=150):
            fault = Fault(f"archiver.{what}.before", 1, "note")
            archiver = run.archive("--endpoint-url", door, "--batch-codec", "null", fault=fault)
            run.wait_until(lambda noted=archiver: noted.reached, f"the archiver to come to {what}")
            run.pause(0, 0.6)
            switch(minio, "kill")
        run.pause(0, 2)
        switch(minio, "start")
        run.site.await_store()
        since = run.mark(f"the store killed in {what}", "archiver")
        run.await_flow(since)
    run.settle()


@scenario("store-out")
def store_out(run: Run) -> None:
    """The store is out for a minute (quick runs: some seconds): frozen in one half of the runs, so that
    connections stay open and nothing answers, stopped in the other."""
    run.begin()
    run.chain()
    run.archive()
    run.await_flow()
    minio, frozen = run.site.minio.container, run.chance.random() < 0.5
    switch(minio, "pause" if frozen else "kill")
    run.wait_out()
    switch(minio, "unpause" if frozen else "start")
    run.site.await_store()
    since = run.mark(f"the store {'frozen' if frozen else 'away'} for {run.outage_s:.0f} s", "archiver")
    run.await_flow(since)
    run.settle()
