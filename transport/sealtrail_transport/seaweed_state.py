"""What the embedded store keeps in its folder from run to run: access key, ports, the child's process id."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sealtrail_transport.errors import StoreError
from sealtrail_transport.s3_access import S3Access

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOST = "127.0.0.1"

_PORTS = ("master.port", "volume.port", "filer.port", "s3.port", "admin.port")  # as weed's flags are named
_ADMIN_GRPC_OFFSET = 10_000  # weed's worker looks for the admin server's gRPC there, whatever it was told
_MAX_PORT = 65_535


@dataclass(frozen=True, slots=True)
class State:
    """The last run's child and its ports by weed's names for them (`s3.port`, `s3.port.grpc`, …)."""

    pid: int | None
    ports: dict[str, int]


def load_state(folder: Path) -> State:
    """Read `state.json`; what is missing or damaged counts as a first run."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError):
        fields = json.loads((folder / "state.json").read_bytes())
        return State(int(fields["pid"]), {str(name): int(port) for name, port in fields["ports"].items()})
    return State(None, {})


def save_state(folder: Path, state: State) -> None:
    """Write `state.json` whole."""
    _write_private(folder / "state.json", {"pid": state.pid, "ports": state.ports})


def load_access(folder: Path, ports: dict[str, int]) -> S3Access | None:
    """How to reach a server on these ports; None if the folder has no access key yet."""
    with contextlib.suppress(OSError, ValueError, TypeError, KeyError, IndexError):
        keys = json.loads((folder / "s3.json").read_bytes())["identities"][0]["credentials"][0]
        return S3Access(
            endpoint_url=f"http://{HOST}:{ports['s3.port']}",
            region="us-east-1",
            access_key=str(keys["accessKey"]),
            secret_key=str(keys["secretKey"]),
        )
    return None


def make_access(folder: Path, ports: dict[str, int]) -> S3Access:
    """As `load_access`, with an access key made if there is none: `s3.json`, weed's file of identities."""
    access = load_access(folder, ports)
    if access is None:
        keys = {"accessKey": secrets.token_hex(10), "secretKey": secrets.token_hex(20)}
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "sealtrail", "credentials": [keys], "actions": actions}
        _write_private(folder / "s3.json", {"identities": [identity]})
        access = load_access(folder, ports)
    if access is None:
        raise StoreError(f"can't read {folder / 's3.json'}")
    return access


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the folder against other processes; one that dies lets go. Raises StoreError if it is held."""
    with (folder / "lock").open("ab") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"the embedded store in {folder} is in use by another process") from None
        yield


def choose_ports(last: dict[str, int]) -> dict[str, int]:
    """Return the last run's ports if they are free, else others that are free at this moment."""
    if last and all(_is_free(port) for port in last.values()):
        return last
    while True:
        names = [*_PORTS, *(f"{name}.grpc" for name in _PORTS if name != "admin.port")]
        ports = dict(zip(names, _free_ports(len(names)), strict=True))
        grpc = ports["admin.port.grpc"] = ports["admin.port"] + _ADMIN_GRPC_OFFSET
        if grpc <= _MAX_PORT and grpc not in list(ports.values())[:-1] and _is_free(grpc):
            return ports


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:  # all held until the last is found, so that they differ
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind((HOST, 0))
        return [each.getsockname()[1] for each in sockets]


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections of the last run don't count
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _write_private(path: Path, content: object) -> None:
    """Write JSON that only we may read, whole or not at all."""
    temp = path.with_suffix(".new")
    temp.unlink(missing_ok=True)
    with os.fdopen(os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    temp.replace(path)
