"""The frame: help, laziness, exit codes."""

import errno
import os
import subprocess
import sys
from importlib.metadata import version

import click
import pytest

from command_line import call, clean_environment
from sealtrail.app import COMMANDS, LazyGroup, app
from sealtrail.exits import ExitCode, exit_code_of
from sealtrail_auditor.errors import EntryDamagedError, EntryMissingError, PinnedHeadError
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_schemas.errors import EventError, PolicyError, UnknownFormatError
from sealtrail_transport.errors import LogUnavailableError, StoreDeniedError


def modules_after(code):
    """The modules that a fresh interpreter has imported after some code."""
    script = f"import sys\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=clean_environment()
    )
    return set(done.stdout.splitlines()[-1].split())


HELP = """
from sealtrail.app import app
try:
    app(["--help"], prog_name="sealtrail")
except SystemExit as end:
    assert end.code == 0
"""


def test_help_imports_no_command_and_nothing_heavy():
    loaded = modules_after(HELP)
    assert "sealtrail.app" in loaded
    heavy = {"boto3", "botocore", "fastavro", "cryptography", "rich", "sqlite3", "sealtrail_schemas"}
    assert not loaded & heavy
    assert not {name for name in loaded if name.startswith("sealtrail.commands.")}


def test_one_command_imports_no_other():
    loaded = modules_after("from sealtrail.app import app\napp.get_command(None, 'status')")
    assert {name for name in loaded if name.startswith("sealtrail.commands.")} == {
        "sealtrail.commands.status"
    }
    assert "boto3" not in loaded


@pytest.mark.parametrize("name", [*COMMANDS])
def test_help_says_of_a_command_what_it_says_itself(name):
    command = app.get_command(None, name)
    assert command.help.splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", [*COMMANDS])
def test_help_of_a_command_ends_with_an_example(name):
    answer = call(name, "--help")
    assert answer.exit_code == 0
    _, separator, end = answer.stdout.rpartition("Example")
    assert separator, answer.stdout
    assert f"sealtrail {name}" in end
    assert "Options" not in end


def test_version():
    assert call("--version").stdout == f"sealtrail {version('sealtrail')}\n"


def test_an_unknown_command_is_a_mistake_of_usage():
    answer = call("sael")
    assert answer.exit_code == ExitCode.USAGE
    assert "No such command 'sael'" in answer.stderr


ERRORS = {
    LineStoppedError(StopCode.STRAY_LOST, "a stray"): 3,
    LogUnavailableError("the disk is full"): 5,
    StoreDeniedError("not with these credentials"): 5,
    PermissionError(errno.EACCES, os.strerror(errno.EACCES), "here"): 5,
    EntryDamagedError("entry 3", ()): 10,
    EntryMissingError("entry 9"): 2,
    PinnedHeadError("not a head"): 2,
    UnknownFormatError("version 9"): 12,
    PolicyError("line 3"): 2,
    EventError("line 4"): 2,
}


def group_that(error):
    """A group with one command, which raises."""
    group = LazyGroup("sealtrail")
    group.get_command = lambda *_: click.Command("fail", callback=raising(error))
    return group


def raising(error):
    def fail():
        raise error

    return fail


@pytest.mark.parametrize(("error", "code"), ERRORS.items(), ids=lambda value: type(value).__name__)
def test_an_error_is_one_line_and_a_documented_exit_code(error, code, capsys):
    with pytest.raises(SystemExit) as end:
        group_that(error).main(["fail"])
    assert end.value.code == code == exit_code_of(error)
    told = capsys.readouterr().err
    assert told.startswith("Error: ")
    assert told.count("\n") == 1


def test_an_error_of_ours_is_one_line_that_says_how_to_see_more(capsys, monkeypatch):
    with pytest.raises(SystemExit) as end:
        group_that(ZeroDivisionError("division by zero")).main(["fail"])
    assert end.value.code == ExitCode.INTERNAL
    assert capsys.readouterr().err == (
        "Error: internal error: ZeroDivisionError: division by zero "
        "(run again with --traceback or SEALTRAIL_TRACEBACK=1)\n"
    )
    monkeypatch.setenv("SEALTRAIL_TRACEBACK", "1")
    with pytest.raises(SystemExit):
        group_that(ZeroDivisionError("division by zero")).main(["fail"])
    assert "Traceback (most recent call last)" in capsys.readouterr().err


@pytest.mark.parametrize("error", [KeyboardInterrupt(), click.Abort()])
def test_an_interrupt_is_no_verdict(error, capsys):
    with pytest.raises(SystemExit) as end:
        group_that(error).main(["fail"])
    assert end.value.code == ExitCode.INTERRUPTED
    assert capsys.readouterr().err.strip() == "Interrupted."


def test_a_reader_that_goes_away_is_no_reason_to_complain():
    done = subprocess.run(
        [sys.executable, "-m", "sealtrail", "--help"],
        stdout=closed_pipe(),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env=clean_environment(),
    )
    assert done.stderr == ""
    assert done.returncode == ExitCode.IO


def closed_pipe():
    read, write = os.pipe()
    os.close(read)
    return write
