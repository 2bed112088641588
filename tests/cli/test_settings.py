"""Settings: where a value comes from, and what is refused."""

import importlib
from pathlib import Path

import click
import pytest

from command_line import call
from sealtrail.app import COMMANDS, app
from sealtrail.exits import CommandError
from sealtrail.settings import SETTINGS, read_settings, setting

FILE = Path("sealtrail.toml")


@pytest.fixture
def chosen(monkeypatch):
    """A stand-in for `sealtrail status` that says which value of --policy it got."""

    @click.command
    @setting("--policy", default="from the default")
    def command(policy):
        click.echo(policy)

    monkeypatch.setattr(importlib.import_module("sealtrail.commands.status"), "command", command)
    return lambda *arguments, **env: call("status", *arguments, env=env).stdout.strip()


def test_option_over_environment_over_file_over_default(chosen):
    assert chosen() == "from the default"
    FILE.write_text('policy = "from the file"')
    assert chosen() == "from the file"
    assert chosen(SEALTRAIL_POLICY="from the environment") == "from the environment"
    assert chosen("--policy", "from the option", SEALTRAIL_POLICY="no") == "from the option"


def test_another_file_can_be_named(chosen, tmp_path):
    FILE.write_text('policy = "not this one"')
    (tmp_path / "other.toml").write_text('policy = "this one"')
    assert call("--config", "other.toml", "status").stdout.strip() == "this one"
    assert chosen(SEALTRAIL_CONFIG="other.toml") == "this one"


def test_a_number_in_the_file_is_a_number():
    FILE.write_text("partitions = 3\nbatch_age = '1m'\n")
    assert read_settings(None) == {"partitions": "3", "batch_age": "1m"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("retenton = '1d'", "there is no setting 'retenton': did you mean retention?"),
        ("zzz = 1", "there is no setting 'zzz': settings are data, base, "),
        ("secret_key = 'x'", "there is no setting 'secret_key'"),
        ("partitions = 1.5", "partitions is text or a whole number, not 1.5"),
        ("policy = true", "policy is text or a whole number, not True"),
        ("[policy]\nfile = 'x'", "policy is text or a whole number"),
        ("policy = ", "not TOML"),
        ("views = 'perhaps'\nbatch_age = true", "batch_age is text or a whole number, not True"),
        ("recognise = 'x'", "recognise is a table: put [recognise] above its lines"),
        ("[recognise]\nactr = 'a'", "[recognise] mapping settings: there is no 'actr'"),
        ("[recognise.Okta]\nactor = 'a'", "[recognise] a mapping's name is"),
        ("[recognise.m]\nactor = 'a b'", "[recognise] 'a b' is no path into JSON"),
        ("[recognise]\nactor = 'a'\n[recognise.settings]\nactor = 'a'", "is the mapping settings"),
    ],
)
def test_what_is_no_setting_is_refused_by_name(text, told):
    FILE.write_text(text)
    with pytest.raises(CommandError) as refused:
        read_settings(None)
    assert str(refused.value).startswith("sealtrail.toml: ")
    assert told in str(refused.value)
    assert call("status").exit_code == 2


def test_a_value_of_the_file_is_checked_as_that_of_an_option():
    FILE.write_text("batch_age = 'soon'")
    answer = call("up")
    assert answer.exit_code == 2
    assert "'soon' is no duration" in answer.stderr


def test_mappings_come_in_their_order_the_one_without_a_name_last():
    FILE.write_text(
        "[recognise]\nactor = 'a'\n[recognise.second]\nactor = 'b'\n[recognise.first]\nactor = 'c'\n"
    )
    assert [mapping.name for mapping in read_settings(None)["recognise"]] == ["second", "first", "settings"]


def test_every_setting_is_an_option_of_some_command_and_no_secret():
    options = {
        (parameter.name, parameter.envvar)
        for name in COMMANDS
        for parameter in app.get_command(None, name).params
        if isinstance(parameter, click.Option) and parameter.envvar
    }
    assert options == {(name, f"SEALTRAIL_{name.upper()}") for name in SETTINGS}
    assert not [name for name in SETTINGS if "key" in name or "secret" in name or "password" in name]


def test_a_setting_has_to_be_listed():
    with pytest.raises(ValueError, match="nonsense is no setting"):
        setting("--nonsense")
