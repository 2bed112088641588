"""Brokers and stores that let nobody in: expired certificates, wrong credentials, another region."""

from __future__ import annotations

import re
import socket
import ssl
from contextlib import contextmanager
from dataclasses import replace

import pytest
from confluent_kafka.admin import ResourceType

from command_line import TERMINATE, await_true
from fixtures.containers import switch
from fixtures.minio import running_minio
from kafka.certificates import write_certificates
from kafka.test_kafka_security import Realm, eventually
from sealtrail_transport.kafka_log import KafkaLog
from services.stack import Stack

pytestmark = pytest.mark.containers

NETWORK_THREADS = 3  # the default of the broker's num.network.threads


def refusal(answer):
    """The one line with which a command, or a service, has ended with exit 5."""
    assert answer.exit_code == 5, answer.output
    *_, line = answer.stderr.splitlines()
    assert "Traceback" not in answer.stderr
    return line


def shows(cluster, *, trusted):
    """Whether each of the broker's network threads shows a certificate that is trusted, or one that is not.

    Each thread takes up a new certificate by itself, and new connections go to the threads in turn.
    """
    host, port = cluster.secure_address.split(":")
    context = ssl.create_default_context(cafile=f"{cluster.certificates}/ca.pem")

    def is_trusted():
        try:
            with socket.create_connection((host, int(port))) as plain:
                context.wrap_socket(plain, server_hostname=host).close()
        except ssl.SSLCertVerificationError:
            return False
        return True

    return all(is_trusted() is trusted for _ in range(3 * NETWORK_THREADS))


@contextmanager
def expired_certificate(stack):
    """The broker shows a certificate that has expired, to whoever connects."""
    location = "listener.name.secure.ssl.keystore.location"
    stack.configure(ResourceType.BROKER, "1", {location: "/certificates/expired.pem"})
    try:
        await_true(lambda: shows(stack.cluster, trusted=False), "the expired certificate")
        yield
    finally:
        stack.configure(ResourceType.BROKER, "1", {location: None})
        await_true(lambda: shows(stack.cluster, trusted=True), "the good certificate")


@pytest.fixture
def secured(spare):
    """A deployment, and the settings of an archiver that comes in by the listener with TLS and SCRAM."""
    spare.init("--create-raw")
    realm = Realm.__new__(Realm)  # its own way would make the topics
    realm.cluster, realm.raw, realm._admin = spare.cluster, spare.name, spare.topics._client
    settings = realm.user(
        "archiver",
        f"topic {spare.name}.chained READ DESCRIBE DESCRIBE_CONFIGS",
        f"topic {spare.name} DESCRIBE DESCRIBE_CONFIGS",
        f"group sealtrail-archive/audit.example.com/{spare.name} READ",
    )
    with KafkaLog(settings) as log:
        eventually(lambda: log.topic(spare.name))
    variables = {
        f"SEALTRAIL_KAFKA_{name.upper().replace('.', '_')}": value
        for name, value in settings.librdkafka.items()
    }
    return replace(spare, settings={"SEALTRAIL_LOG": f"kafka://{spare.cluster.secure_address}", **variables})


def test_a_brokers_certificate_that_expires_ends_a_service_and_lets_no_command_begin(secured):
    advice = "until when the broker's certificate is valid"
    # What does not answer within a second is asked again, over a new connection.
    with secured.service("archive", "-X", "socket.timeout.ms=1000") as archiver:
        archiver.await_event("recovered")
        with expired_certificate(secured):
            switch(secured.cluster.container, "pause")
            try:
                await_true(lambda: archiver.events("away") or archiver.events("lost"), "it to notice")
            finally:
                switch(secured.cluster.container, "unpause")
            assert archiver.await_end() == 5
            assert advice in archiver.await_event("failed")["error"]
            for command in (
                ("archive", "--drain", "--instance", "one"),
                ("chain", "--drain", "--instance", "one"),
                ("produce", "-"),
                ("init",),
                ("status",),
            ):
                assert advice in refusal(secured.call(*command))
    assert secured.drain("archive")[-1]["exit"] == 0


class Certificates:
    """A folder in which a store finds the certificate that it is to show."""

    def __init__(self, folder):
        self.made, self.shown = folder / "made", folder / "shown"
        for each in (self.made, self.shown):
            each.mkdir()
        write_certificates(self.made)
        self.show("broker.pem")

    def show(self, name):
        key, begin, chain = (self.made / name).read_text().partition("-----BEGIN CERTIFICATE-----")
        (self.shown / "private.key").write_text(key)
        (self.shown / "public.crt").write_text(begin + chain)


def test_a_stores_certificate_that_expires_ends_a_service_and_lets_no_command_begin(cluster, tmp_path, name):
    certificates = Certificates(tmp_path)
    trust = {"AWS_CA_BUNDLE": f"{certificates.made}/ca.pem"}
    expired = re.compile("no trusted TLS connection: .*certificate has expired")
    with running_minio(certificates=certificates.shown) as minio:
        stack = Stack(cluster, minio, tmp_path, name, trust)
        stack.init("--create-raw")
        with stack.service("chain") as chainer, stack.service("archive", "--batch-age", "100ms") as archiver:
            chainer.await_event("recovered")
            archiver.await_event("sealed")
            switch(minio.container, "stop")
            certificates.show("expired.pem")
            switch(minio.container, "start")
            stack.publish(3)
            assert archiver.await_end() == 5
            assert expired.search(archiver.await_event("failed")["error"])
            assert chainer.end(TERMINATE) == 0, "it needs the store only to begin"
        for command in ("chain", "archive"):
            assert expired.search(refusal(stack.call(command, "--drain", "--instance", "one")))
        assert expired.search(refusal(stack.call("verify")))
        untrusting = replace(stack, settings={})
        assert "certificate verify failed" in refusal(untrusting.call("verify"))
        switch(minio.container, "stop")
        certificates.show("broker.pem")
        switch(minio.container, "start")
        stack.drain("archive")
        assert stack.verify()["trails"][0]["size"] == "4"


def test_wrong_credentials_end_a_service_with_what_is_wrong(stack):
    stack.init("--create-raw")
    stack.publish(3)
    for setting, said in (
        ("AWS_SECRET_ACCESS_KEY", "the secret key does not fit the access key"),
        ("AWS_ACCESS_KEY_ID", "the access key is not known there"),
    ):
        wrong = replace(stack, settings={setting: "not-this-one"})
        for command in (("chain", "--instance", "one"), ("archive", "--instance", "one"), ("verify",)):
            line = refusal(wrong.call(*command))
            assert said in line
            assert "not-this-one" not in line
    stack.drain()
    assert stack.verify()["trails"][0]["size"] == "4"


def test_a_bucket_in_another_region(cluster, tmp_path, name):
    """One that is there is found wherever it is; where one has to be made, the region has to be said."""
    with running_minio(region="eu-west-3") as minio:
        stack = Stack(cluster, minio, tmp_path, name, {"AWS_REGION": "eu-west-3"})
        elsewhere = replace(stack, settings={"AWS_REGION": "us-west-1"})
        assert "in region eu-west-3: set AWS_REGION" in refusal(elsewhere.init("--create-raw", check=5))
        stack.init("--create-raw")
        elsewhere.publish(3)
        elsewhere.drain()
        assert elsewhere.verify()["trails"][0]["size"] == "4"
