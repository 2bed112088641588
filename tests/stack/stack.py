"""The stack of docker-compose.yml under a project, ports and volumes that nothing else has."""

from __future__ import annotations

import configparser
import json
import os
import socket
import subprocess
import sys
import time
import uuid
from contextlib import ExitStack
from pathlib import Path

import boto3

ROOT = Path(__file__).parents[2]
BUCKET = "audit-archive"
DEADLINE_S = 120


class Stack:
    """Up while the context lasts. The host has what `init` hands out, in `folder`/clients."""

    def __init__(self, folder, *overrides):
        self.folder = folder
        self.project = f"sealtrail-test-{uuid.uuid4().hex[:8]}"
        kafka, s3 = free_ports(2)
        self.endpoint_url = f"http://127.0.0.1:{s3}"
        self._files = [ROOT / "docker-compose.yml", *overrides]
        self._environment = plain_environment() | {
            "SEALTRAIL_BATCH_AGE": "1s",
            "SEALTRAIL_IMAGE": "sealtrail-test",
            "SEALTRAIL_PORT_KAFKA": str(kafka),
            "SEALTRAIL_PORT_S3": str(s3),
        }

    def __enter__(self):
        try:
            self.compose("up", "--build", "--wait")
            self.compose("cp", "init:/volumes/clients", self.folder / "clients")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.compose("down", "--volumes", "--timeout", "5")

    def compose(self, *arguments):
        done = self._compose(*arguments)
        assert done.returncode == 0, f"{done.stderr[-3000:]}\n{self.logs()}"
        return done.stdout

    def logs(self):
        return self._compose("logs", "--tail", "30", "kafka", "init", "chainer", "archiver").stdout

    def inside(self, service, command):
        """Run a shell command in the container of a service."""
        return self.compose("exec", "-T", service, "sh", "-c", command)

    def sealtrail(self, *arguments):
        """Run the program on the host, as producer and auditor do, with what was handed out to them."""
        keys = self.folder / "clients" / "auditor.credentials"
        env = plain_environment() | {"AWS_SHARED_CREDENTIALS_FILE": str(keys)}
        return run(sys.executable, "-m", "sealtrail", *arguments, env=env, cwd=self.folder)

    def produce(self, *files, topic="events"):
        settings = ("--config", "clients/producer.toml")
        return self.sealtrail(*settings, "produce", "--topic", topic, "--format", "cloudtrail", *files)

    def verify(self):
        """What `verify` says of the archive."""
        at = (f"s3://{BUCKET}", "--endpoint-url", self.endpoint_url)
        return self.sealtrail("verify", *at, "--policy", "clients/policy", "--json")

    def await_verified(self, entries):
        """Verify until that many entries are sealed, or something is wrong; returns exit code and verdict."""
        deadline = time.monotonic() + DEADLINE_S
        while True:
            done = self.verify()
            verdict = json.loads(done.stdout)
            sealed = sum(int(trail["size"]) for trail in verdict["trails"])
            # Until its first seal, a trail is missing in the archive: incomplete.
            if sealed >= entries or done.returncode not in {0, 11}:
                return done.returncode, verdict
            assert time.monotonic() < deadline, f"{done.stdout}\n{self.logs()}"

    def fetch(self):
        done = self.sealtrail("fetch", f"s3://{BUCKET}", "copy", "--endpoint-url", self.endpoint_url)
        assert done.returncode == 0, done.stderr
        return self.folder / "copy"

    def s3(self, service):
        """A client with the credentials of a service."""
        keys = configparser.ConfigParser()
        keys.read_string(self.inside(service, "cat /var/lib/sealtrail/credentials"))
        return boto3.client("s3", endpoint_url=self.endpoint_url, region_name="us-east-1", **keys["default"])

    def _compose(self, *arguments):
        files = [text for file in self._files for text in ("--file", file)]
        command = ("docker", "compose", "--project-name", self.project, *files, *arguments)
        return run(*command, env=self._environment)


def run(*command, **options):
    command = [str(part) for part in command]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=4 * DEADLINE_S, **options
    )


def plain_environment():
    """The environment without what would direct the program or the stack elsewhere."""
    others = ("SEALTRAIL_", "AWS_", "COMPOSE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(others)}


def free_ports(count):
    """Ports that were free a moment ago: the broker must know beforehand under which it is reached."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
