"""A real broker for the tests in this folder."""

from __future__ import annotations

import os
import uuid

import pytest

from kafka.cluster import shared_cluster
from sealtrail_transport.kafka_log import KafkaLog


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
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
