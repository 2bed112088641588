"""A real broker for the tests in this folder; without Docker they are left out, loudly."""

from __future__ import annotations

import os
import uuid

import pytest

from kafka.cluster import docker_trouble, shared_cluster
from sealtrail_transport.kafka_log import KafkaLog

LEFT_OUT = "Docker does not answer, so nothing was tested against a real Kafka"


def pytest_configure(config):
    config.addinivalue_line("markers", "containers: runs against real services in containers; needs Docker")


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    trouble = docker_trouble()
    if trouble is not None:
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(f"{LEFT_OUT}: {trouble}")
        pytest.skip(f"{LEFT_OUT}: {trouble}")
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with shared_cluster(folder) as cluster:
        yield cluster


@pytest.fixture
def log(cluster):
    with KafkaLog(cluster.settings()) as log:
        yield log


@pytest.fixture
def name():
    """A name for topics, groups and writers that nothing else has."""
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def topic(log, name):
    """A topic that keeps the producer's time, with one partition."""
    log.create_topic(name, partitions=1, append_time=False)
    return name


def pytest_terminal_summary(terminalreporter):
    skipped = [
        report for report in terminalreporter.stats.get("skipped", []) if LEFT_OUT in str(report.longrepr)
    ]
    if skipped:
        terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
        terminalreporter.line(f"{LEFT_OUT}: {len(skipped)} tests were skipped.", red=True, bold=True)
