"""Settings of librdkafka: which place wins, and that no secret is taken where others can read it."""

from dataclasses import replace
from pathlib import Path

import click
import pytest

from command_line import call
from sealtrail import logs
from sealtrail.app import COMMANDS, app
from sealtrail.data_folder import DataFolder, Deployment
from sealtrail.exits import CommandError
from sealtrail.kafka_option import is_secret, merge_properties, variable_of
from sealtrail.settings import read_settings
from sealtrail_transport.errors import LogError
from sealtrail_transport.kafka_address import parse_kafka_address

FILE = Path("sealtrail.toml")
SECRETS = [
    "sasl.password",
    "ssl.key.password",
    "ssl.keystore.password",
    "ssl.key.pem",
    "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
    "sasl.oauthbearer.assertion.private.key.passphrase",
    "sasl.oauthbearer.assertion.private.key.pem",
    "SASL.PASSWORD",
]


def test_option_over_environment_over_file():
    environment = {"SEALTRAIL_KAFKA_CLIENT_ID": "b", "SEALTRAIL_KAFKA_CLIENT_RACK": "b", "CLIENT_ID": "no"}
    table = {"client.id": "c", "client.rack": "c", "debug": "c"}
    assert merge_properties(["client.id=a"], environment, table) == {
        "client.id": "a",
        "client.rack": "b",
        "debug": "c",
    }


def test_a_value_may_hold_what_separates_it_from_its_name():
    assert merge_properties(["sasl.username=a=b"], {}, {}) == {"sasl.username": "a=b"}
    assert merge_properties(["sasl.username="], {}, {}) == {"sasl.username": ""}


@pytest.mark.parametrize("flag", ["", "security.protocol", "=SASL_SSL", "sasl.password:hunter2"])
def test_what_is_no_setting_is_not_repeated(flag):
    with pytest.raises(CommandError) as refused:
        merge_properties([flag], {}, {})
    assert str(refused.value) == "-X takes NAME=VALUE, as -X security.protocol=SASL_SSL"


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_no_option(name):
    assert is_secret(name)
    answer = call("status", "-X", f"{name}=hunter2")
    assert answer.exit_code == 2
    assert variable_of(name) in answer.stderr
    assert "[kafka] in the settings file" in answer.stderr
    assert "hunter2" not in answer.output


@pytest.mark.parametrize("name", ["sasl.username", "ssl.ca.location", "ssl.key.location", "ssl.ca.pem"])
def test_what_is_no_secret_may_be_one(name):
    assert not is_secret(name)
    assert merge_properties([f"{name}=x"], {}, {}) == {name: "x"}


def test_a_secret_comes_from_the_environment_or_the_file():
    assert variable_of("sasl.password") == "SEALTRAIL_KAFKA_SASL_PASSWORD"
    environment = {"SEALTRAIL_KAFKA_SASL_PASSWORD": "x"}
    assert merge_properties([], environment, {"ssl.key.password": "y"}) == {
        "sasl.password": "x",
        "ssl.key.password": "y",
    }


def test_names_with_dots_in_the_file_quoted_or_not():
    FILE.write_text(
        "partitions = 2\n[kafka]\nsecurity.protocol = 'SSL'\n'ssl.ca.location' = 'ca.pem'\n"
        "enable.idempotence = true\nretry.backoff.ms = 10\n"
    )
    assert read_settings(None) == {
        "partitions": "2",
        "kafka": {
            "security.protocol": "SSL",
            "ssl.ca.location": "ca.pem",
            "enable.idempotence": True,
            "retry.backoff.ms": 10,
        },
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kafka = 'hunter2'", "kafka is a table: put [kafka] above its lines"),
        ("[kafka]\nsasl.password = ['hunter2']", "[kafka] sasl.password is text, a number, true or false"),
    ],
)
def test_a_table_that_is_none_is_refused_without_its_values(text, told):
    FILE.write_text(text)
    answer = call("status")
    assert answer.exit_code == 2
    assert told in answer.stderr
    assert "hunter2" not in answer.output


def test_a_setting_that_a_promise_rests_on_can_not_be_changed():
    answer = call("produce", "--log", "kafka://127.0.0.1:1", "--topic", "t", "-X", "acks=1", "-", stdin="{}")
    assert answer.exit_code == 5
    assert "acks can't be changed" in answer.stderr


def test_every_command_that_talks_to_the_log_takes_settings_of_librdkafka():
    def takes(name):
        command = app.get_command(None, name)
        return any("-X" in option.opts for option in command.params if isinstance(option, click.Option))

    assert {name for name in COMMANDS if takes(name)} >= {"init", "chain", "archive", "produce", "status"}


@pytest.mark.parametrize(
    "address", ["kafka://a:9092", "kafka://a", "kafka://a:1,b-c.d:2", "kafka://[::1]:9092", "kafka://a:1/"]
)
def test_addresses_of_kafka(address):
    assert parse_kafka_address(address) == address.removeprefix("kafka://").removesuffix("/")


@pytest.mark.parametrize(
    "address",
    ["a:9092", "kafka:a", "kafka://", "kafka://a:b", "kafka://a,,b", "kafka://me:hunter2@a:1", "kafka://a/b"],
)
def test_what_is_no_address_is_not_repeated(address):
    with pytest.raises(LogError) as refused:
        parse_kafka_address(address)
    assert "kafka://HOST:PORT" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_log_keeps_its_kind_and_may_be_reached_under_another_address():
    assert logs.choose_address("kafka://a:1", None) == "kafka://a:1"
    assert logs.choose_address("kafka://a:1", "kafka://b:2") == "kafka://b:2"
    assert logs.choose_address("sqlite", "sqlite") == "sqlite"
    for fixed, wanted in (("sqlite", "kafka://a:1"), ("kafka://a:1", "sqlite")):
        with pytest.raises(CommandError, match="leave --log out"):
            logs.choose_address(fixed, wanted)


def test_where_producers_find_the_log():
    embedded = Deployment("b", "t", 1, None, "folder")
    remote = Deployment("b", "t", 1, None, "folder", log="kafka://a:1")
    assert logs.sink_address(DataFolder(Path("d")), embedded) == "sqlite:d/log.db"
    assert logs.sink_address(DataFolder(Path("d")), remote) == "kafka://a:1"
    assert Deployment.parse(remote.to_toml()) == remote


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--log", "kafka://a:1"], "say with --archive where to seal to"),
        (["--log", "kafka://a:1", "--archive", "embedded"], "the embedded store serves one process"),
        (["--log", "sqlite:x", "--archive", "folder"], "kafka://HOST:PORT"),
        (["--create-raw"], "--create-raw and --replication are for topics in Kafka"),
    ],
)
def test_what_init_refuses_before_it_asks_a_broker(arguments, told):
    answer = call("init", "--base", "b", *arguments)
    assert answer.exit_code in {2, 5}
    assert told in answer.stderr
    assert not Path(".sealtrail").exists()


@pytest.mark.usefixtures("trail")
def test_an_embedded_trail_stays_embedded():
    answer = call("init", "--log", "kafka://a:1")
    assert answer.exit_code == 2
    assert "with log sqlite, and a trail keeps it" in answer.stderr


def test_up_is_not_for_kafka(trail):
    file = trail / "deployment.toml"
    file.write_text(file.read_text().replace('log = "sqlite"', 'log = "kafka://a:1"'))
    answer = call("up")
    assert answer.exit_code == 2
    assert "run `sealtrail chain` and `sealtrail archive`" in answer.stderr


def test_without_a_data_folder_produce_needs_a_topic():
    answer = call("produce", "--log", "kafka://127.0.0.1:1", "-", stdin="{}")
    assert answer.exit_code == 2
    assert "say with --topic" in answer.stderr


def test_a_broker_that_is_not_there_is_one_line(monkeypatch):
    real = logs.kafka_settings
    monkeypatch.setattr(logs, "kafka_settings", lambda *a, **k: replace(real(*a, **k), request_timeout_s=0.5))
    answer = call("init", "--log", "kafka://127.0.0.1:1", "--archive", "folder", "--base", "b")
    assert answer.exit_code == 5
    assert answer.stderr.startswith("Error: Kafka at 127.0.0.1:1: can't describe topic events: ")
    assert answer.stderr.count("\n") == 1
    assert not Path(".sealtrail").exists()
