"""The servers that are measured on: containers started here, or those that the environment names."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA: Final = "apache/kafka:4.1.1"
MINIO: Final = "quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z"


@dataclass(frozen=True, slots=True)
class Servers:
    """A Kafka cluster, and a bucket as `s3://BUCKET`. How to reach the bucket, the environment says.

    Where they run in containers of ours, those have ids. A container that is stopped and started again is
    reached as before.
    """

    kafka: str
    bucket: str
    kafka_container: str | None = None
    store_container: str | None = None


@contextlib.contextmanager
def servers() -> Iterator[Servers]:
    """Those of SEALTRAIL_BENCH_KAFKA and SEALTRAIL_BENCH_S3; containers for what these do not name.

    The endpoint and the keys of a container's bucket are put into this process's environment, where boto3
    and all child processes find them.
    """
    kafka = os.environ.get("SEALTRAIL_BENCH_KAFKA")
    bucket = os.environ.get("SEALTRAIL_BENCH_S3")
    os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")  # containers are stopped here
    with contextlib.ExitStack() as stack:
        kafka_container = store_container = None
        if kafka is None:
            kafka, kafka_container = stack.enter_context(_kafka_container())
        if bucket is None:
            bucket, store_container = stack.enter_context(_minio_container())
        yield Servers(kafka, bucket, kafka_container, store_container)


def free_port() -> int:
    """A port of the loopback interface that was free a moment ago."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def _kafka_container() -> Iterator[tuple[str, str]]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import ExecWaitStrategy

    port = free_port()  # a broker must know beforehand under which port it is reached
    environment = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": "1@localhost:9093",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENERS": f"PLAIN://:{port},CONTROLLER://localhost:9093",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAIN://127.0.0.1:{port}",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "PLAIN:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "KAFKA_INTER_BROKER_LISTENER_NAME": "PLAIN",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR": "1",
        "KAFKA_TRANSACTION_STATE_LOG_MIN_ISR": "1",
        "KAFKA_HEAP_OPTS": "-Xmx1g",
    }
    container = DockerContainer(KAFKA).with_envs(**environment).with_bind_ports(port, port)
    # From inside: the port on the host accepts connections before anybody serves them.
    container.waiting_for(ExecWaitStrategy(["bash", "-c", f": > /dev/tcp/127.0.0.1/{port}"]))
    with container:
        yield f"127.0.0.1:{port}", container.get_container_id()


@contextlib.contextmanager
def _minio_container() -> Iterator[tuple[str, str]]:
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import HttpWaitStrategy

    user, password = secrets.token_hex(8), secrets.token_hex(16)
    container = (
        DockerContainer(MINIO)
        .with_command("server /data")
        .with_envs(MINIO_ROOT_USER=user, MINIO_ROOT_PASSWORD=password)
        .with_bind_ports(9000, free_port())
        .waiting_for(HttpWaitStrategy(9000, "/minio/health/live"))
    )
    with container:
        os.environ["AWS_ENDPOINT_URL_S3"] = f"http://127.0.0.1:{container.get_exposed_port(9000)}"
        os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"] = user, password
        yield "s3://bench", container.get_container_id()
