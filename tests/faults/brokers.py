"""Kafka for runs that break it: brokers that can be killed, and started again on what they stored."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from command_line import await_true
from faults.ports import free_ports
from fixtures.containers import execute, switch
from kafka.cluster import IMAGE
from sealtrail_transport.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

# The image formats its storage at each start, and refuses what is formatted already. What is to be done to
# the disk of a broker that is down is done by its next start.
_START: Final = """
if [ -e /tmp/before-start ]; then
    bash -e /tmp/before-start
    rm /tmp/before-start
fi
if [ -e /tmp/formatted ]; then
    exec java $KAFKA_HEAP_OPTS -cp '/opt/kafka/libs/*' kafka.Kafka /opt/kafka/config/server.properties
fi
touch /tmp/formatted
exec /etc/kafka/docker/run
"""
_LOGS: Final = "/tmp/kafka-logs"  # noqa: S108 - in the container
TRANSACTION_PARTITIONS: Final = 3
CLIENTS: Final = ("producer", "chainer", "archiver")
"""Who may be given a way of their own to the broker, with a proxy in it."""


@dataclass(frozen=True, slots=True)
class Way:
    """How one client gets to the broker: the port that it is told, of a proxy, and the broker's own."""

    told: int
    real: int


@dataclass(frozen=True, slots=True)
class Brokers:
    """A cluster. `containers` are its brokers by node id; `ways` are there where one broker serves all."""

    address: str
    containers: Mapping[int, str]
    ways: Mapping[str, Way]

    def settings(self, **properties: str | int) -> KafkaSettings:
        """Settings of clients that look on, and are to notice soon when a broker is back."""
        return KafkaSettings(
            self.address,
            {"reconnect.backoff.max.ms": 200, **properties},
            request_timeout_s=5,
            open_timeout_s=10,
        )

    def kill(self, node: int = 1) -> None:
        """Kill -9."""
        switch(self.containers[node], "kill")

    def start(self, node: int = 1) -> None:
        """Start a broker that was killed or stopped, on its own disk."""
        switch(self.containers[node], "start")

    def pause(self, node: int = 1) -> None:
        switch(self.containers[node], "pause")

    def unpause(self, node: int = 1) -> None:
        switch(self.containers[node], "unpause")

    def remember(self, topic: str) -> None:
        """Keep what partition 0 of a topic holds now."""
        execute(self.containers[1], f"rm -rf /tmp/kept; cp -a {_LOGS}/{topic}-0 /tmp/kept")

    def set_back(self, topic: str) -> None:
        """Kill the broker, and start it again with what was kept: as restored from a backup."""
        where = f"{_LOGS}/{topic}-0"
        execute(self.containers[1], f"echo 'rm -rf {where}; cp -a /tmp/kept {where}' > /tmp/before-start")
        self.kill()
        self.start()
        self.await_all()

    def await_all(self) -> None:
        """Wait until every broker is known to the cluster."""
        client = AdminClient(self.settings().common() | {"logger": _Silent()})
        await_true(lambda: self._known(client) == set(self.containers), "all brokers to be there")

    def leader(self, topic: str, partition: int) -> int:
        """The node that leads a partition."""
        client = AdminClient(self.settings().common() | {"logger": _Silent()})
        return client.list_topics(topic, timeout=10).topics[topic].partitions[partition].leader

    def transaction_partition(self, name: str) -> int:
        """The partition of `__transaction_state` that keeps a transactional id: by Java's hash."""
        hashed = 0
        for unit in name.encode("utf-16-be")[1::2]:  # ids are ASCII here
            hashed = (31 * hashed + unit) & 0xFFFFFFFF
        return (hashed & 0x7FFFFFFF) % TRANSACTION_PARTITIONS

    def await_in_sync(self) -> None:
        """Wait until every copy of every partition is up to date."""
        client = AdminClient(self.settings().common() | {"logger": _Silent()})

        def all_are() -> bool:
            try:
                topics = client.list_topics(timeout=2).topics.values()
            except KafkaException:
                return False
            partitions = [each for topic in topics for each in topic.partitions.values()]
            return all(len(each.isrs) == len(each.replicas) for each in partitions)

        await_true(all_are, "all copies to be up to date")

    @staticmethod
    def _known(client: AdminClient) -> set[int]:
        try:
            return set(client.list_topics(timeout=1).brokers)
        except KafkaException:
            return set()


class _Silent:
    """librdkafka has a line for each connection that is refused; here that is what is waited for."""

    def log(self, *_arguments: object) -> None:
        pass


@contextmanager
def one_broker() -> Iterator[Brokers]:
    """One node, with a listener of its own for each client that is to have a proxy."""
    plain, *others = free_ports(1 + 2 * len(CLIENTS))
    ways = {client: Way(*others[2 * index : 2 * index + 2]) for index, client in enumerate(CLIENTS)}
    names = {client: client.upper() for client in CLIENTS}
    listeners = [f"PLAIN://:{plain}", *(f"{names[client]}://:{ways[client].real}" for client in CLIENTS)]
    advertised = [
        f"PLAIN://127.0.0.1:{plain}",
        *(f"{names[client]}://127.0.0.1:{ways[client].told}" for client in CLIENTS),
    ]
    environment = _environment(1, ["1@localhost:9093"], "PLAIN", copies=1) | {
        "KAFKA_LISTENERS": ",".join([*listeners, "CONTROLLER://localhost:9093"]),
        "KAFKA_ADVERTISED_LISTENERS": ",".join(advertised),
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": ",".join(
            f"{name}:PLAINTEXT" for name in ("PLAIN", "CONTROLLER", *names.values())
        ),
    }
    published = [plain, *(way.real for way in ways.values())]
    with _broker(environment, published) as container:
        brokers = Brokers(f"127.0.0.1:{plain}", {1: container}, ways)
        brokers.await_all()
        yield brokers


@contextmanager
def three_brokers() -> Iterator[Brokers]:
    """Three nodes that are brokers and controllers: three copies of all, two of which must be there."""
    from testcontainers.core.network import Network

    ports = free_ports(3)
    voters = [f"{node}@broker-{node}:9093" for node in (1, 2, 3)]
    with ExitStack() as held:
        network = held.enter_context(Network())
        containers = {}
        for node, port in enumerate(ports, start=1):
            environment = _environment(node, voters, "INTERNAL", copies=3) | {
                "KAFKA_LISTENERS": f"PLAIN://:{port},INTERNAL://:9094,CONTROLLER://:9093",
                "KAFKA_ADVERTISED_LISTENERS": f"PLAIN://127.0.0.1:{port},INTERNAL://broker-{node}:9094",
                "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": (
                    "PLAIN:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT"
                ),
            }
            started = _broker(environment, [port], network=network, alias=f"broker-{node}")
            containers[node] = held.enter_context(started)
        brokers = Brokers(",".join(f"127.0.0.1:{port}" for port in ports), containers, {})
        brokers.await_all()
        yield brokers


@contextmanager
def _broker(environment, published, *, network=None, alias="") -> Iterator[str]:
    from testcontainers.core.container import DockerContainer

    container = DockerContainer(IMAGE).with_envs(**environment).with_command(["bash", "-c", _START])
    for port in published:
        container.with_bind_ports(port, port)
    if network is not None:
        container.with_network(network).with_network_aliases(alias)
    with container:
        yield container.get_container_id()


def _environment(node: int, voters: list[str], internal: str, *, copies: int) -> dict[str, str]:
    """What all brokers have. Few partitions of the internal topics, and short waits, keep a run short."""
    return {
        "KAFKA_NODE_ID": str(node),
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": ",".join(voters),
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_INTER_BROKER_LISTENER_NAME": internal,
        "KAFKA_DEFAULT_REPLICATION_FACTOR": str(copies),
        "KAFKA_MIN_INSYNC_REPLICAS": str(min(2, copies)),
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": str(copies),
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "3",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": str(copies),
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": str(min(2, copies)),
        "KAFKA_TRANSACTION_STATE_LOG_NUM_PARTITIONS": str(TRANSACTION_PARTITIONS),
        "KAFKA_LOG_DIRS": _LOGS,
        "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "100",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_GROUP_MIN_SESSION_TIMEOUT_MS": "1000",
        "KAFKA_BROKER_SESSION_TIMEOUT_MS": "3000",
        "KAFKA_BROKER_HEARTBEAT_INTERVAL_MS": "500",
        "KAFKA_HEAP_OPTS": "-Xmx512m",
    }
