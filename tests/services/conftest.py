"""Real brokers and stores for the services."""

from __future__ import annotations

import os
import uuid
from contextlib import ExitStack
from pathlib import Path

import pytest
from filelock import FileLock

import kafka.cluster
from fixtures.minio import running_minio
from kafka.cluster import shared_cluster
from kafka.conftest import cluster  # noqa: F401 - a fixture
from services.stack import Stack

# A broker looks after old records every few minutes; this one, several times a second.
_HURRIED = {
    "KAFKA_LOG_INITIAL_TASK_DELAY_MS": "200",
    "KAFKA_LOG_RETENTION_CHECK_INTERVAL_MS": "200",
    "KAFKA_LOG_CLEANER_BACKOFF_MS": "200",
}


@pytest.fixture(scope="session")
def minio():
    with running_minio() as minio:
        yield minio


@pytest.fixture(scope="session")
def spare_cluster(tmp_path_factory):
    """A broker that may be broken, and that deletes and compacts at once. Tests take it through `spare`."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    (folder / "spare").mkdir(exist_ok=True)
    usual = kafka.cluster._environment
    with ExitStack() as held:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kafka.cluster, "_environment", lambda *ports: usual(*ports) | _HURRIED)
            cluster = held.enter_context(shared_cluster(folder / "spare"))
        yield cluster


@pytest.fixture
def name(tmp_path, monkeypatch):
    """A name that nothing else has, for a topic and a bucket; and an empty folder is the current one."""
    for variable in os.environ:
        if variable.startswith(("SEALTRAIL_", "AWS_")):
            monkeypatch.delenv(variable)
    monkeypatch.chdir(tmp_path)
    return f"t-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def stack(cluster, minio, tmp_path, name):  # noqa: F811 - the fixture
    """A topic name, a bucket name and a data folder that nothing else has."""
    return Stack(cluster, minio, tmp_path, name)


@pytest.fixture
def spare(spare_cluster, minio, tmp_path, name):
    """The same on a broker that no other test uses meanwhile."""
    with FileLock(Path(spare_cluster.certificates).parent / "spare.lock"):
        yield Stack(spare_cluster, minio, tmp_path, name)
