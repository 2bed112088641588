"""The commands against a listener that demands TLS and SCRAM, with credentials as users give them."""

from __future__ import annotations

import pytest
from confluent_kafka.admin import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from command_line import call

pytestmark = pytest.mark.containers

PASSWORD = "correct horse"


@pytest.fixture
def secured(stack):
    """Settings in the file, and the super user's topics under another user's name."""
    stack.make_raw(1)
    credentials = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
    made = [UserScramCredentialUpsertion(stack.name, credentials, PASSWORD.encode())]
    for future in stack.topics._client.alter_user_scram_credentials(made).values():
        future.result(30)
    (stack.folder / "sealtrail.toml").write_text(
        "[kafka]\n"
        'security.protocol = "SASL_SSL"\n'
        'sasl.mechanisms = "SCRAM-SHA-512"\n'
        f'"sasl.username" = "{stack.name}"\n'
        f'ssl.ca.location = "{stack.cluster.certificates}/ca.pem"\n'
    )
    return stack


def produce(stack, password):
    return call(
        *("produce", "--log", f"kafka://{stack.cluster.secure_address}", "--topic", stack.name, "-"),
        stdin='{"a": 1}\n',
        env={"SEALTRAIL_KAFKA_SASL_PASSWORD": password},
    )


def test_the_password_comes_from_the_environment(secured):
    """It logs in; what this user may not do is told by the broker."""
    answer = produce(secured, PASSWORD)
    assert answer.exit_code == 5
    assert f"not authorised; it takes Describe on topic '{secured.name}'" in answer.stderr


def test_a_wrong_password_is_one_line_that_does_not_repeat_it(secured):
    answer = produce(secured, "wrong-battery")
    assert answer.exit_code == 5
    assert "refuses the credentials" in answer.stderr
    assert answer.stderr.count("\n") == 1
    assert "battery" not in answer.output
