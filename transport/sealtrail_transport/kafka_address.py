"""The address of a Kafka cluster: `kafka://HOST:PORT[,HOST:PORT…]`, the brokers to ask first."""

from __future__ import annotations

import re
from typing import Final

from sealtrail_transport.errors import LogError

KAFKA_SCHEME: Final = "kafka://"

# A name, an IPv4 address or an IPv6 address in brackets, and a port, which is 9092 where it is left out.
_BROKER: Final = re.compile(r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")


def parse_kafka_address(address: str) -> str:
    """The bootstrap servers that an address names.

    Raises:
        LogError: it is none. Credentials are no part of it.
    """
    servers = address.removeprefix(KAFKA_SCHEME).removesuffix("/")
    if not address.startswith(KAFKA_SCHEME) or not all(
        _BROKER.fullmatch(server) for server in servers.split(",")
    ):
        # What was given is not repeated: it may hold a password.
        raise LogError(
            "the address of a Kafka log is kafka://HOST:PORT[,HOST:PORT…]; user names and passwords are "
            "settings (sasl.username, sasl.password)"
        )
    return servers
