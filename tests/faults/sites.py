"""Where runs take place: a Kafka cluster and a MinIO server in containers, and proxies before them."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from command_line import await_true
from faults.brokers import CLIENTS, one_broker, three_brokers
from faults.ports import free_ports
from faults.toxiproxy import find_server, running_toxiproxy
from fixtures.containers import state, switch
from fixtures.minio import running_minio
from sealtrail_transport.errors import StoreError
from sealtrail_transport.s3_access import connect
from sealtrail_transport.s3_errors import store_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from faults.brokers import Brokers
    from faults.toxiproxy import Toxiproxy
    from fixtures.minio import Minio

SiteKind = Literal["one", "three"]
STORE_CLIENTS: Final = ("chainer", "archiver")


@dataclass(frozen=True, slots=True)
class Site:
    """What runs share. `proxies` is None where there is no toxiproxy; `doors` are its ways to the store."""

    brokers: Brokers
    minio: Minio
    proxies: Toxiproxy | None
    doors: Mapping[str, str]

    def log_of(self, client: str) -> str:
        """The address of the log for a client, with a proxy on the way."""
        return f"kafka://127.0.0.1:{self.brokers.ways[client].told}"

    def mend(self) -> None:
        """Undo whatever a run has done to it, and wait until all is there."""
        for container in (*self.brokers.containers.values(), self.minio.container):
            match state(container):
                case "paused":
                    switch(container, "unpause")
                case "exited":
                    switch(container, "start")
        if self.proxies is not None:
            self.proxies.reset()
        self.brokers.await_all()
        self.await_store()

    def await_store(self) -> None:
        """Wait until the store answers."""
        await_true(self._store_answers, "the store to answer")

    def _store_answers(self) -> bool:
        try:
            with store_errors("ask for buckets", self.minio.endpoint_url):
                connect(self.minio.access).list_buckets()
        except StoreError:
            return False
        return True


@contextmanager
def open_site(kind: SiteKind) -> Iterator[Site]:
    """Start a site for as long as the context lasts."""
    with ExitStack() as held:
        brokers = held.enter_context(one_broker() if kind == "one" else three_brokers())
        minio = held.enter_context(running_minio())
        server = find_server() if kind == "one" else None
        proxies = held.enter_context(running_toxiproxy(server)) if server else None
        doors = {}
        if proxies is not None:
            for client in CLIENTS:
                way = brokers.ways[client]
                proxies.make(f"{client}-kafka", f"127.0.0.1:{way.told}", f"127.0.0.1:{way.real}")
            ports = free_ports(len(STORE_CLIENTS))
            real = minio.endpoint_url.removeprefix("http://").replace("localhost", "127.0.0.1")
            for client, port in zip(STORE_CLIENTS, ports, strict=True):
                proxies.make(f"{client}-store", f"127.0.0.1:{port}", real)
                doors[client] = f"http://127.0.0.1:{port}"
        yield Site(brokers, minio, proxies, doors)
