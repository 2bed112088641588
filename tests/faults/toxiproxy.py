"""Network faults by toxiproxy (https://github.com/Shopify/toxiproxy), through its HTTP API."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from command_line import await_true
from faults.ports import free_ports

if TYPE_CHECKING:
    from collections.abc import Iterator

Stream = Literal["upstream", "downstream"]


def find_server() -> str | None:
    """The program: $TOXIPROXY_SERVER, or on the PATH; None where there is none."""
    return os.environ.get("TOXIPROXY_SERVER") or shutil.which("toxiproxy-server")


@dataclass(frozen=True, slots=True)
class Toxiproxy:
    """A server that runs, by the address of its API."""

    api: str

    def make(self, name: str, listen: str, upstream: str) -> None:
        """Make a proxy between two addresses `HOST:PORT`."""
        self._call("POST", "/proxies", {"name": name, "listen": listen, "upstream": upstream})

    def switch(self, name: str, *, on: bool) -> None:
        """Let a proxy take connections, or cut all that it has and take none."""
        self._call("POST", f"/proxies/{name}", {"enabled": on})

    @contextmanager
    def toxic(
        self, name: str, kind: str, *, stream: Stream = "downstream", **attributes: int
    ) -> Iterator[None]:
        """A toxic for as long as the context lasts; kinds and attributes are toxiproxy's own."""
        toxic = {"name": "it", "type": kind, "stream": stream, "attributes": attributes}
        self._call("POST", f"/proxies/{name}/toxics", toxic)
        try:
            yield
        finally:
            self._call("DELETE", f"/proxies/{name}/toxics/it")

    def reset(self) -> None:
        """Switch every proxy on and take all toxics away."""
        self._call("POST", "/reset")

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> None:
        request = urllib.request.Request(  # noqa: S310 - a server that was started here
            self.api + path, json.dumps(body).encode() if body else None, method=method
        )
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - as above
            answer.read()


@contextmanager
def running_toxiproxy(server: str) -> Iterator[Toxiproxy]:
    """Start the server on a free port for as long as the context lasts."""
    (port,) = free_ports(1)
    with subprocess.Popen(
        [server, "-host", "127.0.0.1", "-port", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        proxy = Toxiproxy(f"http://127.0.0.1:{port}")

        def answers():
            try:
                proxy._call("GET", "/version")
            except OSError:
                return False
            return True

        try:
            await_true(answers, "toxiproxy to answer")
            yield proxy
        finally:
            process.kill()
