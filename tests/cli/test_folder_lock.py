"""Who uses a data folder: one at a time, readers beside whoever serves them."""

import os

import pytest

from sealtrail.data_folder import DataFolder
from sealtrail.folder_lock import (
    FolderInUseError,
    Holder,
    announce,
    current_holder,
    locked,
    locked_or_served,
    read_holder,
)


@pytest.fixture
def folder(tmp_path):
    return DataFolder(tmp_path)


def test_one_at_a_time(folder):
    with locked(folder, command="up"):
        with (
            pytest.raises(FolderInUseError, match=rf"process {os.getpid()} \(sealtrail up\)"),
            locked(folder, command="up"),
        ):
            pass
        assert current_holder(folder) == Holder(os.getpid(), "up")
    assert current_holder(folder) is None
    with locked(folder, command="init"):
        pass


def test_the_note_is_gone_with_its_holder_and_private(folder):
    with locked(folder, command="up"):
        assert (folder.root / "running.json").stat().st_mode & 0o777 == 0o600
    assert read_holder(folder) is None


def test_a_note_that_a_killed_holder_left_is_not_believed(folder):
    announce(folder, Holder(1, "up", serves=True))
    with locked_or_served(folder, command="status", wait_s=0) as served:
        assert not served


def test_a_reader_uses_the_store_of_whoever_serves(folder):
    with locked(folder, command="up"):
        announce(folder, Holder(os.getpid(), "up", serves=True))
        with locked_or_served(folder, command="status", wait_s=0) as served:
            assert served
        assert current_holder(folder) == Holder(os.getpid(), "up", serves=True)


def test_a_reader_waits_no_longer_than_it_is_told(folder):
    with (
        locked(folder, command="verify"),
        pytest.raises(FolderInUseError, match="sealtrail verify"),
        locked_or_served(folder, command="status", wait_s=0.2),
    ):
        pass


@pytest.mark.parametrize("text", ["", "[]", '{"pid": 1}', '{"pid": 1, "command": "up", "more": 1}'])
def test_a_note_that_says_nothing_is_no_error(folder, text):
    (folder.root / "running.json").write_text(text)
    assert read_holder(folder) is None


def test_an_error_within_is_not_taken_for_a_busy_folder(folder):
    with (
        pytest.raises(FolderInUseError, match="another process"),
        locked_or_served(folder, command="x", wait_s=0),
    ):
        raise FolderInUseError(folder.root, None)
