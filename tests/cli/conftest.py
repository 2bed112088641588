"""No setting of this machine has a say in the tests of the command line."""

import os

import pytest

from command_line import call


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty folder as the current one, and an environment without settings; no views unless wanted."""
    for name in os.environ:
        if name.startswith(("SEALTRAIL_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SEALTRAIL_VIEWS", "false")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def trail(here):
    """A folder with a trail whose archive is a plain folder: quick, and without child processes."""
    assert call("init", "--archive", "folder", "--base", "audit.example.com").exit_code == 0
    return here / ".sealtrail"
