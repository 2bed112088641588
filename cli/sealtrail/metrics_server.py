"""The HTTP server of metrics and health: `GET /metrics`, `GET /healthz`, and nothing else.

It runs in threads of its own. What happens to it, or is sent to it, never reaches the service.
"""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import TYPE_CHECKING, Final

from prometheus_client.exposition import choose_encoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from prometheus_client import CollectorRegistry

_MOST_CONNECTIONS: Final = 16
_PATIENCE_S: Final = 10
_POLL_S: Final = 0.1
_TEXT: Final = "text/plain; charset=utf-8"


@contextmanager
def serving(
    address: tuple[str, int], registry: CollectorRegistry, why_unhealthy: Callable[[], str | None]
) -> Iterator[MetricsServer]:
    """Serve while the context lasts.

    Args:
        address: host and port; 0 is any that is free.
        registry: what `/metrics` shows.
        why_unhealthy: one line of why `/healthz` answers 503; None: it answers 200.

    Raises:
        OSError: there is no such address, or it is taken.
    """
    family, *_, place = socket.getaddrinfo(*address, type=socket.SOCK_STREAM)[0]
    with MetricsServer(family, (str(place[0]), int(place[1])), registry, why_unhealthy) as server:
        threading.Thread(target=server.serve_forever, args=[_POLL_S], name="metrics", daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()


class MetricsServer(ThreadingHTTPServer):
    """The server, bound and listening when it is made.

    Attributes:
        scraped: set after each answer of `/metrics`.
    """

    daemon_threads = True  # so that a client that holds its connection does not hold the service
    request_queue_size = _MOST_CONNECTIONS

    def __init__(
        self,
        family: socket.AddressFamily,
        place: tuple[str, int],
        registry: CollectorRegistry,
        why_unhealthy: Callable[[], str | None],
    ) -> None:
        self.address_family = family
        self.scraped = threading.Event()
        self._registry = registry
        self._why_unhealthy = why_unhealthy
        self._room = threading.BoundedSemaphore(_MOST_CONNECTIONS)
        super().__init__(place, _Handler)

    @property
    def url(self) -> str:
        """Where it is, without a path."""
        host = f"[{self.server_name}]" if self.address_family == socket.AF_INET6 else self.server_name
        return f"http://{host}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind, and do not ask the name service who we are, as HTTPServer does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def process_request(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Answer in a thread; with too many of them, hang up."""
        if not self._room.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: tuple[str, int]) -> None:  # type: ignore[override]
        """Run in that thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._room.release()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a client that hangs up is no matter of the service."""

    def answer(self, path: str, accept: str) -> tuple[HTTPStatus, str, bytes]:
        """Status, content type and body of the answer to a GET."""
        match path.partition("?")[0]:
            case "/metrics":
                encode, content_type = choose_encoder(accept)
                return HTTPStatus.OK, content_type, encode(self._registry)
            case "/healthz":
                why = self._why_unhealthy()
                status = HTTPStatus.OK if why is None else HTTPStatus.SERVICE_UNAVAILABLE
                return status, _TEXT, f"{why or 'ok'}\n".encode(errors="replace")
        return HTTPStatus.NOT_FOUND, _TEXT, b"there are /metrics and /healthz\n"


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def version_string(self) -> str:
        """What the header Server says."""
        return "sealtrail"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's signature
        """Write nothing: the log is the service's."""

    def _answer(self) -> None:
        status, content_type, body = self.server.answer(self.path, self.headers.get("Accept", ""))
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)
            if status is HTTPStatus.OK and self.path.startswith("/metrics"):
                self.server.scraped.set()
