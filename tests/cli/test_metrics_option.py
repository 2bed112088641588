"""`--metrics [HOST]:PORT`."""

import pytest

from command_line import call
from sealtrail.metrics_option import parse_address


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (":9464", ("127.0.0.1", 9464)),
        (":0", ("127.0.0.1", 0)),
        ("0.0.0.0:9464", ("0.0.0.0", 9464)),  # noqa: S104 - parsed, not bound
        ("metrics.example.com:80", ("metrics.example.com", 80)),
        ("[::1]:9464", ("::1", 9464)),
        ("[fe80::1%eth0]:9464", ("fe80::1%eth0", 9464)),
    ],
)
def test_addresses(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize(
    "text", ["", "9464", ":", ":65536", "::1:9464", "http://host:1", "a b:1", ":-1", ":1x"]
)
def test_no_addresses(text):
    with pytest.raises(ValueError, match=r"is no address: host and port, as :9464"):
        parse_address(text)


def test_a_mistake_is_one_line_that_shows_how():
    answer = call("chain", "--metrics", "nine")
    assert answer.exit_code == 2
    assert "'nine' is no address: host and port, as :9464" in answer.stderr
