"""The HTTP server: what it answers, and what it takes no notice of."""

import http.client
import socket
import threading
import urllib.request
from urllib.error import HTTPError

import pytest
from prometheus_client import CollectorRegistry, Gauge

from command_line import await_true
from sealtrail.metrics_server import _MOST_CONNECTIONS, serving

LOOPBACK = ("127.0.0.1", 0)


class Asked:
    """A server, with what it is asked for."""

    def __init__(self, server):
        self.server = server

    def get(self, path, **headers):
        request = urllib.request.Request(self.server.url + path, headers=headers)  # noqa: S310 - to loopback
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - to loopback
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except HTTPError as error:
            with error:
                return error.code, error.headers["Content-Type"], error.read().decode()


@pytest.fixture
def registry():
    registry = CollectorRegistry()
    Gauge("sealtrail_tried", "Tried.", registry=registry).set(7)
    return registry


@pytest.fixture
def trouble():
    return []


@pytest.fixture
def asked(registry, trouble):
    with serving(LOOPBACK, registry, lambda: trouble[0] if trouble else None) as server:
        yield Asked(server)


def test_metrics_as_text(asked):
    status, kind, text = asked.get("/metrics")
    assert (status, "sealtrail_tried 7.0" in text) == (200, True)
    assert kind.startswith("text/plain; version=")
    assert asked.server.scraped.wait(60)  # after the answer was sent


def test_metrics_as_openmetrics_where_they_are_asked_for(asked):
    status, kind, text = asked.get("/metrics?name=x", Accept="application/openmetrics-text")
    assert (status, text.splitlines()[-1]) == (200, "# EOF")
    assert kind.startswith("application/openmetrics-text")


def test_health_is_a_status_and_one_line(asked, trouble):
    assert asked.get("/healthz")[::2] == (200, "ok\n")
    trouble.append("the broker is away")
    assert asked.get("/healthz")[::2] == (503, "the broker is away\n")
    assert not asked.server.scraped.is_set()


def test_anything_else_is_not_found(asked):
    for path in ("/", "/metrics/more", "/metricsx"):
        assert asked.get(path)[::2] == (404, "there are /metrics and /healthz\n")
    assert not asked.server.scraped.is_set()


def test_head_has_no_body_and_other_methods_are_refused(asked):
    with socket.create_connection(asked.server.server_address, timeout=30) as client:
        client.sendall(b"HEAD /healthz HTTP/1.0\r\n\r\n")
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.0 200 OK\r\n")
    assert head.endswith(b"Content-Length: 3")
    assert body == b""
    connection = http.client.HTTPConnection(*asked.server.server_address, timeout=30)
    connection.request("POST", "/metrics", body="x")
    assert connection.getresponse().status == 501
    connection.close()


def test_garbage_and_a_client_that_hangs_up_disturb_nobody(asked, capfd):
    for sent in (b"\x00\xff\r\n\r\n", b"GET /metrics HTTP/9.9\r\n\r\n", b"GET " + b"x" * 100_000, b""):
        with socket.create_connection(asked.server.server_address) as client:
            client.sendall(sent)
    assert asked.get("/healthz")[0] == 200
    assert capfd.readouterr() == ("", "")


def test_more_connections_than_it_holds_are_hung_up_on(asked):
    held = [socket.create_connection(asked.server.server_address) for _ in range(_MOST_CONNECTIONS)]
    try:
        # Accepted in order: that one is answered with nothing shows that all of those are held.
        with socket.create_connection(asked.server.server_address, timeout=30) as one_more:
            assert one_more.recv(1) == b""
    finally:
        for client in held:
            client.close()
    await_true(lambda: _status(asked) == 200, "room")


def _status(asked):
    try:
        return asked.get("/healthz")[0]
    except (OSError, http.client.HTTPException):
        return None


def test_it_ends_with_its_context_whoever_holds_a_connection(registry):
    with serving(LOOPBACK, registry, lambda: None) as server:
        held = socket.create_connection(server.server_address)
        address = server.server_address
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)
    held.close()
    await_true(lambda: not [each for each in threading.enumerate() if each.name == "metrics"], "its end")


def test_a_port_that_is_taken_is_an_error(asked, registry):
    with pytest.raises(OSError, match="in use"), serving(asked.server.server_address, registry, lambda: None):
        pass
