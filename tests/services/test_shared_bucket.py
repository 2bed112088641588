"""One bucket, and somebody else in it: a second deployment of the same name, a squatter, one who deletes."""

from __future__ import annotations

import json
import shutil
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from command_line import TERMINATE, call
from deployment import at_once
from sealtrail.data_folder import DataFolder
from sealtrail_archiver.archiver import Archiver
from sealtrail_archiver.settings import ArchiverSettings
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.s3_access import connect, open_s3
from sealtrail_transport.s3_store import S3Store

if TYPE_CHECKING:
    from pathlib import Path

    from services.stack import Stack

pytestmark = pytest.mark.containers


@dataclass
class Namesake:
    """A second deployment that names itself as the first: its own log and data folder, the same bucket."""

    stack: Stack
    data: Path

    def call(self, command: str, *arguments: str, **options):
        return call(*(command, "--data", str(self.data), *arguments), env=self.stack.environment, **options)

    def init(self):
        stack = self.stack
        return self.call(
            *("init", "--base", "audit.example.com", "--topic", stack.name, "--archive", stack.archive),
            *(*stack.store_options, "--retention", "1d"),
        )

    def seal(self) -> None:
        """Publish, chain and seal one event."""
        assert self.call("produce", "-", stdin='{"theirs": 1}\n').exit_code == 0
        for command in ("chain", "archive"):
            answer = self.call(command, "--drain")
            assert answer.exit_code == 0, answer.stderr


@pytest.fixture
def namesake(stack, tmp_path):
    return Namesake(stack, tmp_path / "theirs")


def findings(report):
    """How many objects there are of each kind of finding, in all trails."""
    kinds = Counter()
    for each in (each for trail in report["trails"] for each in trail["findings"]):
        kinds[each["code"]] += int(each["objects"])
    return kinds


def objects(stack):
    """Everything in the archive, version by version."""
    store = open_s3(stack.archive, stack.minio.access)
    return [(each.key, each.version_id) for each in store.versions("")]


def sealed(told):
    """The one seal that was told of."""
    (line,) = [each for each in told if each["event"] == "sealed"]
    return line


def test_who_seals_under_a_name_that_is_taken_is_refused(stack, namesake):
    """Under another key: auditors would have two trails of one name, and one key."""
    stack.init("--create-raw")
    stack.publish(3)
    seal = sealed(stack.drain())
    before = objects(stack)
    answer = namesake.init()
    assert answer.exit_code == 2
    folder = seal["seal"].split("seals/")[0]
    assert f"{folder} was sealed under the name {seal['origin']} with another key" in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert objects(stack) == before
    shutil.copytree(stack.data / "keys", namesake.data / "keys", dirs_exist_ok=True)
    answer = namesake.init()  # with its keys, it is the topics that are not the trail's
    assert answer.exit_code == 3
    assert "or this store belongs to another deployment" in answer.stderr
    assert stack.verify()["verdict"] == "intact"


def test_two_keys_under_one_name_are_seen_by_doctor_and_auditors_and_mix_nothing(stack, namesake):
    """Both had begun before anything was sealed, which nobody could see."""
    stack.init("--create-raw")
    assert namesake.init().exit_code == 0
    namesake.seal()
    stack.publish(3)
    stack.drain()
    report = stack.verify(check=12)
    assert {trail["size"]: trail["verdict"] for trail in report["trails"]} == {
        "4": "intact",
        "0": "unverifiable",
    }
    assert findings(report) == {"ST-SEAL-KEY": 1}
    doctor = stack.call("doctor", "--json")
    assert doctor.exit_code == 13
    results = json.loads(doctor.stdout)["results"]
    (broken,) = [each for each in results if each["status"] == "failed" and each["severity"] == "error"]
    assert broken["code"] == "ST-TRAIL-NAMESAKE"
    assert "under another key in" in broken["found"]


def test_one_key_in_two_deployments_is_a_fork(stack, namesake):
    """Both had begun before anything was sealed; each goes on in its own folder, and the verdict says it."""
    stack.init("--create-raw")
    shutil.copytree(stack.data / "keys", namesake.data / "keys")
    assert namesake.init().exit_code == 0
    with (
        stack.service("chain") as chainer,
        stack.service("archive", "--batch-entries", "4", "--batch-age", "1h") as archiver,
    ):
        for each in (chainer, archiver):
            each.await_event("recovered")
        namesake.seal()
        stack.publish(3)
        assert archiver.await_event("sealed")["entries"] == 4
        for each in (chainer, archiver):
            assert each.end(TERMINATE) == 0
    report = stack.verify(check=10)
    assert findings(report) == {"ST-TRAIL-FORKED": 1}
    assert sorted(trail["entries_verified"] for trail in report["trails"]) == ["2", "4"]


@dataclass
class Meddler:
    """Somebody who may write to the bucket, and delete."""

    stack: Stack

    def squat(self, key: str) -> None:
        open_s3(self.stack.archive, self.stack.minio.access).put(key, b"squatted", retention=None)

    def delete(self, key: str) -> None:
        """Put a delete marker on top, which is all that a delete does to a locked object."""
        bucket, _, prefix = self.stack.archive.removeprefix("s3://").partition("/")
        connect(self.stack.minio.access).delete_object(Bucket=bucket, Key=f"{prefix}/{key}")


def alarms(told):
    return [each["code"] for each in told if each["event"] == "alarm"]


def test_squatted_names_and_delete_markers_are_gone_around_and_reported(stack):
    meddler = Meddler(stack)
    stack.init("--create-raw")
    stack.publish(3)
    first = sealed(stack.drain())
    folder = first["seal"].split("seals/")[0]
    meddler.squat(f"{folder}batches/{4:020}.avro")
    meddler.squat(f"{folder}seals/{7:020}.seal")
    stack.publish(3, start=3)
    told = stack.drain()
    second = sealed(told)
    assert alarms(told) == ["name-spoiled", "seal-name-spoiled"]
    assert (second["size"], second["entries"], second["batch"]) == (7, 3, f"batches/{4:020}-1.avro")
    squatted = {"ST-OBJECT-SQUATTED": 1, "ST-OBJECT-VERSIONS": 1}
    assert findings(stack.verify(check=13)) == squatted

    meddler.delete(folder + first["batch"])
    meddler.delete(second["seal"])
    stack.publish(3, start=6)
    told = stack.drain()
    assert (sealed(told)["size"], sealed(told)["entries"], alarms(told)) == (10, 3, [])
    report = stack.verify(check=13)
    assert findings(report) == squatted | {"ST-OBJECT-MARKER": 2}
    assert report["trails"][0]["entries_verified"] == "10"


class WithoutSeals(S3Store):
    """A store that goes away before each seal."""

    def put(self, key, body, **options):
        if "/seals/" in key:
            raise StoreUnavailableError("away")
        return super().put(key, body, **options)


def die_before_the_seal(stack):
    """Archive as a process does that writes a batch and dies then; returns the batch's key."""
    folder = DataFolder(stack.data)
    (trail,) = folder.policy_trails()
    store = WithoutSeals(stack.name, "trails", connect(stack.minio.access))
    settings = ArchiverSettings(retention=timedelta(days=1))
    archiver = Archiver(stack.log, store, trail, folder.signer(trail.origin), settings, submit=at_once)
    with suppress(StoreUnavailableError):
        while True:
            archiver.step(now_ms=time.time_ns() // 1_000_000, flush=True)
    (batch,) = [each.key for each in store.versions("") if "/batches/" in each.key]
    return batch


def test_a_batch_that_was_deleted_before_its_seal_is_found_below_the_marker(stack):
    """The store would let a second put succeed there. What was locked first is the batch."""
    stack.init("--create-raw")
    stack.publish(3)
    stack.drain("chain")
    Meddler(stack).delete(die_before_the_seal(stack))
    told = stack.drain("archive")
    assert (sealed(told)["entries"], sealed(told)["adopted"], alarms(told)) == (4, True, ["extra-version"])
    assert findings(stack.verify(check=13)) == {"ST-OBJECT-MARKER": 1}
