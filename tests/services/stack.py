"""One deployment on a real broker and a real store, as its users run it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource, ResourceType

from command_line import PROGRAM, await_true, call, clean_environment
from sealtrail import AuditProducer
from sealtrail_transport.errors import TopicMissingError
from sealtrail_transport.kafka_log import KafkaLog
from sealtrail_transport.kafka_topics import KafkaTopics

if TYPE_CHECKING:
    from pathlib import Path

    from fixtures.minio import Minio
    from kafka.cluster import Cluster

# The least that a broker allows: what a stopped member had is given to others after that.
SESSION_MS = 6_000


@dataclass
class Stack:
    """The parts, and names that nothing else has. `folder` is the current one, and holds the data folder.

    `settings` are variables of the environment, as users set them.
    """

    cluster: Cluster
    minio: Minio
    folder: Path
    name: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / ".sealtrail"

    @property
    def log_address(self) -> str:
        return f"kafka://{self.cluster.address}"

    @property
    def archive(self) -> str:
        return f"s3://{self.name}/trails"

    @cached_property
    def topics(self) -> KafkaTopics:
        return KafkaTopics(self.cluster.settings())

    @cached_property
    def log(self) -> KafkaLog:
        return KafkaLog(self.cluster.settings())

    @property
    def environment(self) -> dict[str, str]:
        # Views are made beside all this, by processes of their own that take their time.
        return self.minio.environment | {"SEALTRAIL_VIEWS": "false"} | self.settings

    @property
    def store_options(self) -> list[str]:
        return ["--endpoint-url", self.minio.endpoint_url]

    def init(self, *arguments: str, archive: str | None = None, check: int | None = 0):
        """Run `sealtrail init`, on topic and bucket of this stack unless the arguments say otherwise."""
        answer = self.call(
            *("init", "--base", "audit.example.com", "--topic", self.name, "--log", self.log_address),
            *("--archive", archive or self.archive, *self.store_options, "--retention", "1d", *arguments),
        )
        assert check in {None, answer.exit_code}, answer.output
        return answer

    def call(self, *arguments: str):
        return call(*arguments, env=self.environment)

    def make_raw(self, partitions: int, **configs: str) -> None:
        """Make the raw topic as somebody else would."""
        self.make_topic(self.name, partitions, {"max.message.bytes": "1048576", **configs})

    def make_topic(self, name: str, partitions: int, configs: dict[str, str]) -> None:
        self.topics.create(name, configs, partitions=partitions, replication_factor=None)

    def configure(self, kind: ResourceType, name: str, configs: dict[str, str | None]) -> None:
        """Change properties of a topic or a broker; None gives one its default again."""
        operations = {True: AlterConfigOpType.DELETE, False: AlterConfigOpType.SET}
        entries = [
            ConfigEntry(key, value, incremental_operation=operations[value is None])
            for key, value in configs.items()
        ]
        changed = ConfigResource(kind, name, incremental_configs=entries)
        for future in self.topics._client.incremental_alter_configs([changed]).values():
            future.result(30)

    def delete_topic(self, name: str) -> None:
        """Delete a topic, and wait until the broker knows it no more."""
        self.topics._client.delete_topics([name], operation_timeout=10)[name].result()

        def gone():
            try:
                self.topics.describe(name)
            except TopicMissingError:
                return True
            return False

        await_true(gone, f"{name} to be gone")

    def publish(self, count: int, *, start: int = 0) -> None:
        """Publish numbered events under ten keys."""
        with AuditProducer.connect(self.log_address, topic=self.name, source="tests") as producer:
            futures = [
                producer.publish(b'{"n":%d}' % number, key=f"k{number % 10}")
                for number in range(start, start + count)
            ]
            wait(futures)

    def published(self) -> dict[int, list[bytes]]:
        """Values of the raw topic by partition."""
        partitions = range(self.topics.describe(self.name)[1])
        return {number: self._values(self.name, number) for number in partitions}

    def chained(self) -> dict[int, list[bytes]]:
        """Values of the chained topic by partition, without those of each trail's beginning."""
        partitions = range(self.topics.describe(self.name)[1])
        return {number: self._values(f"{self.name}.chained", number)[1:] for number in partitions}

    def _values(self, topic: str, partition: int) -> list[bytes]:
        bounds = self.log.bounds(topic, partition)
        values, offset = [], bounds.start
        while offset < bounds.end:
            chunk = self.log.read(topic, partition, offset, max_records=10_000, max_bytes=2**25)
            values += [record.value for record in chunk.records]
            offset = chunk.next_offset
        return values

    def service(self, command: str, *arguments: str, instance: str = "one"):
        """A service as a child that logs JSON; its lines are read as they come."""
        session = ["-X", f"session.timeout.ms={SESSION_MS}", "-X", "heartbeat.interval.ms=1000"]
        return service(
            *(command, "--instance", instance, "--log-format", "json", *session, *arguments),
            cwd=self.folder,
            environment=self.environment,
        )

    def drain(self, *commands: str) -> list[dict]:
        """Work off what is there, in this process; returns what the services told."""
        told = []
        for command in commands or ("chain", "archive"):
            answer = self.call(command, "--drain", "--instance", "one", "--log-format", "json")
            assert answer.exit_code == 0, answer.stderr
            told += map(json.loads, answer.stderr.splitlines())
        return told

    def verify(self, check: int = 0) -> dict:
        """The report as JSON; `check` is the exit code that is asserted."""
        answer = self.call(
            *("verify", "--json", "--policy", str(self.data / "policy"), self.archive, *self.store_options)
        )
        assert answer.exit_code == check, answer.output
        return json.loads(answer.stdout)

    def status(self) -> list[dict]:
        return [json.loads(line) for line in self.call("status", "--json").stdout.splitlines()]


class Child:
    """A service that runs, and what it has told."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.told: list[dict] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            try:
                self.told.append(json.loads(line))
            except ValueError:
                self.told.append({"event": "no-json", "text": line})

    def events(self, name: str) -> list[dict]:
        return [told for told in self.told if told["event"] == name]

    def await_event(self, name: str, **fields) -> dict:
        """Wait until it tells such an event; returns the first."""

        def found():
            return [each for each in self.events(name) if fields.items() <= each.items()]

        def there():
            assert found() or self.process.poll() is None, self.told
            return found()

        await_true(there, f"{name} {fields} of {self.told[-5:]}")
        return found()[0]

    def suspend(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def end(self, number: int) -> int:
        """Send a signal and wait for the end; returns the exit code."""
        self.process.send_signal(number)
        return self.await_end()

    def await_end(self) -> int:
        code = self.process.wait(timeout=60)
        self._reader.join(timeout=60)
        return code


@contextmanager
def service(*arguments: str, cwd: Path, environment: dict[str, str]):
    with subprocess.Popen(
        [*PROGRAM, *arguments],
        cwd=cwd,
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        child = Child(process)
        try:
            yield child
        finally:
            if process.poll() is None:
                process.kill()
            child.await_end()
            sys.stdout.write("".join(f"{told}\n" for told in child.told))  # shown if the test fails
