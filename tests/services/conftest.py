"""Real brokers and stores for the services; without Docker these tests are left out, loudly."""

from __future__ import annotations

import os
import uuid

import pytest

from fixtures.minio import running_minio
from kafka.conftest import cluster  # noqa: F401 - a fixture
from services.stack import Stack


@pytest.fixture(scope="session")
def minio(cluster):  # noqa: F811, ARG001 - where there is a broker, there is Docker
    with running_minio() as minio:
        yield minio


@pytest.fixture
def stack(cluster, minio, tmp_path, monkeypatch):  # noqa: F811 - as above
    """A topic name, a bucket name and a data folder that nothing else has."""
    for name in os.environ:
        if name.startswith(("SEALTRAIL_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return Stack(cluster, minio, tmp_path, f"t-{uuid.uuid4().hex[:12]}")
