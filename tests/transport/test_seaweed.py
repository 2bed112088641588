"""SeaweedServer: its life as a child process, however that ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import metadata
from itertools import count

import pytest

from contracts.store_contract import a_day, put, read
from sealtrail_transport.errors import ExtraMissingError, StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.s3_access import S3Access, open_s3
from sealtrail_transport.seaweed import SeaweedServer, find_weed, running_access
from sealtrail_transport.seaweed_process import command_line
from sealtrail_transport.seaweed_state import choose_ports, exclusive, load_state

pytestmark = pytest.mark.embedded


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "store"


def has_ended(pid: int) -> bool:
    line = command_line(pid)
    return line is None or "weed" not in line


def end_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def await_group_end(pid: int) -> None:
    """Wait until nothing is left of the process group that `pid` led."""
    deadline = time.monotonic() + 60
    with suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(pid, 0)
            time.sleep(0.02)
        pytest.fail(f"the group of {pid} lives on: {command_line(pid)}")


def test_what_was_written_is_there_in_the_next_run(folder):
    with SeaweedServer(folder) as server:
        store = server.open("audit", "prod")
        assert store.ensure_bucket() is True
        version_id = put(store, "key", b"body", retention=a_day())
        before, access = store.head("key", version_id), server.access
        assert running_access(folder) == access
    assert server.pid is None
    assert running_access(folder) is None
    with pytest.raises(StoreUnavailableError, match="not running"):
        server.open("audit")
    with SeaweedServer(folder) as server:
        store = server.open("audit", "prod")
        assert (store.head("key", version_id), read(store, "key", version_id)) == (before, b"body")
        assert server.access == access  # the same key, and the same ports while they are free
        with pytest.raises(StoreDeniedError):
            open_s3(
                "s3://audit", S3Access(endpoint_url=access.endpoint_url, access_key="", secret_key="")
            ).head("key", "v")


def test_only_we_may_read_the_key_and_only_loopback_is_listened_on(folder):
    with SeaweedServer(folder) as server:
        assert stat.S_IMODE((folder / "s3.json").stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        flags = command_line(server.pid).split()
        assert {"-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false"} <= set(flags)
        for port in load_state(folder).ports.values():
            with pytest.raises(OSError):  # noqa: PT011 - refused or unreachable; who listens on all would accept
                socket.create_connection(("127.0.0.2", port), timeout=0.5)


def test_a_folder_has_one_server_at_a_time(folder):
    with SeaweedServer(folder) as server, pytest.raises(StoreError, match="in use by another process"):
        SeaweedServer(folder).start()
    assert server.pid is None


def test_puts_survive_kill_nine_of_the_server(folder):
    """Whatever was answered is there; what the kill cut off is there whole or not at all."""
    kept: dict[tuple[str, str], bytes] = {}
    for run in range(3):
        with SeaweedServer(folder) as server:
            store = server.open("audit")
            store.ensure_bucket()
            for (key, version_id), body in kept.items():
                assert read(store, key, version_id) == body
                assert store.head(key, version_id).retention is not None
            listed = {(line.key, line.version_id) for line in store.versions("")}
            assert kept.keys() <= listed
            for key, version_id in listed - kept.keys():
                kept[key, version_id] = read(store, key, version_id)
            threading.Timer(0.1 + 0.2 * run, os.kill, [server.pid, signal.SIGKILL]).start()
            with suppress(StoreUnavailableError):
                for number in count():
                    body = bytes([number % 256]) * (number % 7) * 300_000
                    version_id = put(store, f"{run}/{number:04}", body, retention=a_day())
                    kept[f"{run}/{number:04}", version_id] = body
    assert len(kept) > 3


PARENT = """
import sys
from pathlib import Path
from sealtrail_transport.seaweed import SeaweedServer
server = SeaweedServer(Path(sys.argv[1]))
server.start()
server.open("audit").ensure_bucket()
version_id = server.open("audit").put("key", b"body", retention=None)
print(server.pid, version_id, flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("watcher_too", [False, True], ids=["the parent alone", "its watcher too"])
def test_a_killed_parent_leaves_nothing_that_the_next_cannot_clean_up(folder, request, watcher_too):
    command = [sys.executable, "-c", PARENT, folder]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        pid, version_id = parent.stdout.readline().split()
        request.addfinalizer(lambda: end_group(int(pid)))
        if watcher_too:
            found = subprocess.run(
                ["ps", "-A", "-o", "pid=,pgid=,comm="], capture_output=True, text=True, check=True
            )
            group = [line.split() for line in found.stdout.splitlines() if line.split()[1] == pid]
            (watcher,) = [member for member, _, name in group if name == "sh"]
            os.kill(int(watcher), signal.SIGKILL)
        parent.kill()
    if watcher_too:
        assert not has_ended(int(pid))
    else:
        await_group_end(int(pid))
    with SeaweedServer(folder) as server:
        assert has_ended(int(pid))
        assert read(server.open("audit"), "key", version_id) == b"body"


def test_a_stranger_with_the_old_process_id_is_left_alone(folder):
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True) as stranger:
        folder.mkdir()
        (folder / "state.json").write_text(json.dumps({"pid": stranger.pid, "ports": {}}))
        assert running_access(folder) is None
        with SeaweedServer(folder):
            assert stranger.poll() is None
        stranger.stdin.close()
        assert stranger.wait() == 0


@pytest.mark.parametrize("damage", [b"", b"{", b"[]", b'{"pid": "x"}', b"\xff"])
def test_a_damaged_state_counts_as_a_first_run(folder, damage):
    folder.mkdir()
    (folder / "state.json").write_bytes(damage)
    assert (load_state(folder).pid, load_state(folder).ports) == (None, {})


def pretend_weed(monkeypatch, tmp_path, script: str) -> None:
    weed = tmp_path / "weed"
    weed.write_text(f"#!/bin/sh\n{script}\n")
    weed.chmod(0o700)
    monkeypatch.setattr("sealtrail_transport.seaweed.find_weed", lambda: weed)


def test_a_child_that_dies_is_tried_again_and_then_quoted(folder, monkeypatch, tmp_path):
    pretend_weed(
        monkeypatch, tmp_path, f"echo started >> {tmp_path}/starts; echo no room; echo disk is gone; exit 1"
    )
    with pytest.raises(StoreError, match=r"did not start: disk is gone \(the log is .*weed\.log\)"):
        SeaweedServer(folder).start()
    assert (tmp_path / "starts").read_text().split() == ["started"] * 3
    with exclusive(folder):  # it was let go of
        pass


def test_a_child_that_neither_answers_nor_ends_is_killed(folder, monkeypatch, tmp_path):
    pretend_weed(
        monkeypatch, tmp_path, f"trap '' TERM; echo $$ > {tmp_path}/pid; echo waiting; sleep 600; exit 1"
    )
    with pytest.raises(StoreError, match="does not answer: waiting"):
        SeaweedServer(folder, start_timeout_s=0.5, stop_grace_s=0.1).start()
    await_group_end(int((tmp_path / "pid").read_text()))


def test_a_folder_that_can_not_be_made_is_one_line(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="can't start the embedded store in"):
        SeaweedServer(tmp_path / "file").start()


def test_a_port_that_was_taken_meanwhile_is_given_up(folder, monkeypatch):
    """The first choice of ports holds one that somebody listens on."""
    choices = []

    def choose(last):
        ports = choose_ports(last)
        if not choices:
            ports["s3.port"] = taken.getsockname()[1]
        choices.append(ports)
        return ports

    monkeypatch.setattr("sealtrail_transport.seaweed.choose_ports", choose)
    with socket.create_server(("127.0.0.1", 0)) as taken, SeaweedServer(folder) as server:
        assert server.open("audit").ensure_bucket() is True
    assert len(choices) == 2


def test_ports_differ_and_the_last_runs_are_kept_while_free():
    with ThreadPoolExecutor(4) as pool:
        for ports in pool.map(lambda _: choose_ports({}), range(20)):
            assert len(set(ports.values())) == len(ports) == 10
            assert ports["admin.port.grpc"] == ports["admin.port"] + 10_000 <= 65_535
    assert choose_ports(ports) == ports


def test_without_the_package_the_extra_is_named(monkeypatch, folder):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", missing)
    with pytest.raises(ExtraMissingError, match=r"pip install 'sealtrail\[local\]'"):
        find_weed()
    with pytest.raises(ExtraMissingError):
        SeaweedServer(folder).start()
    assert not folder.exists()
