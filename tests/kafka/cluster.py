"""A Kafka broker in a container: one for all tests of a run, however many processes it has."""

from __future__ import annotations

import contextlib
import json
import socket
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from filelock import FileLock

from kafka.certificates import write_certificates
from sealtrail_transport.kafka_settings import KafkaSettings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IMAGE = "apache/kafka:4.1.1"


@dataclass(frozen=True, slots=True)
class Cluster:
    """Addresses of a broker: without any protection, for the one super user; and with all of it."""

    address: str
    secure_address: str
    certificates: str
    container: str

    def settings(self, **properties: str | int) -> KafkaSettings:
        return KafkaSettings(self.address, properties)

    def secure_settings(self, user: str, password: str, **properties: str) -> KafkaSettings:
        return KafkaSettings(
            self.secure_address,
            {
                "security.protocol": "SASL_SSL",
                "sasl.mechanisms": "SCRAM-SHA-512",
                "sasl.username": user,
                "sasl.password": password,
                "ssl.ca.location": f"{self.certificates}/ca.pem",
                **properties,
            },
            request_timeout_s=5,
            open_timeout_s=5,
        )


@contextlib.contextmanager
def shared_cluster(folder: Path) -> Iterator[Cluster]:
    """The broker of this test run: the first process that asks starts it, the last that leaves stops it."""
    lock, note = FileLock(folder / "kafka.lock"), folder / "kafka.json"
    with lock:
        state = json.loads(note.read_text()) if note.exists() else {"users": 0}
        if not state["users"]:
            state["cluster"] = asdict(_start(folder))
        state["users"] += 1
        note.write_text(json.dumps(state))
    try:
        yield Cluster(**state["cluster"])
    finally:
        with lock:
            state = json.loads(note.read_text())
            state["users"] -= 1
            note.write_text(json.dumps(state))
            if not state["users"]:
                _stop(state["cluster"]["container"])


def _start(folder: Path) -> Cluster:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    certificates = folder / "certificates"
    certificates.mkdir(exist_ok=True)
    write_certificates(certificates)
    plain, secure = _free_ports(2)
    container = (
        DockerContainer(IMAGE)
        .with_envs(**_environment(plain, secure))
        .with_bind_ports(plain, plain)
        .with_bind_ports(secure, secure)
        .with_volume_mapping(str(certificates), "/certificates", "ro")
        # From inside: the port on the host accepts connections before anybody serves them.
        .waiting_for(ExecWaitStrategy(["bash", "-c", f": > /dev/tcp/127.0.0.1/{plain}"]))
    )
    try:
        container.start()
    except BaseException:
        container.stop()
        raise
    return Cluster(
        f"127.0.0.1:{plain}", f"localhost:{secure}", str(certificates), container.get_container_id()
    )


def _stop(container: str) -> None:
    import docker

    with contextlib.closing(docker.from_env()) as client:
        client.containers.get(container).remove(force=True, v=True)


def _environment(plain: int, secure: int) -> dict[str, str]:
    """One node that is broker and controller. It reaches itself under the ports that it advertises."""
    return {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAIN://:{plain},SECURE://:{secure},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAIN://127.0.0.1:{plain},SECURE://localhost:{secure}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAIN:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAIN",
        "KAFKA_LISTENER_NAME_SECURE_SSL_KEYSTORE_TYPE": "PEM",
        "KAFKA_LISTENER_NAME_SECURE_SSL_KEYSTORE_LOCATION": "/certificates/broker.pem",
        "KAFKA_LISTENER_NAME_SECURE_SASL_ENABLED_MECHANISMS": "SCRAM-SHA-512",
        "KAFKA_LISTENER_NAME_SECURE_SCRAM___SHA___512_SASL_JAAS_CONFIG": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
        "KAFKA_AUTHORIZER_CLASS_NAME": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "KAFKA_SUPER_USERS": "User:ANONYMOUS",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_TRANSACTION_ABORT_TIMED_OUT_TRANSACTION_CLEANUP_INTERVAL_MS": "100",
        "KAFKA_HEAP_OPTS": "-Xmx512m",
    }


def _free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago: a broker must know beforehand under which it is reached."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
