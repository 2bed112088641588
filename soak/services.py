"""Chainer and archiver as processes: started, killed, held, started again under the same name and port."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

PROGRAM: Final = (sys.executable, "-m", "sealtrail")
_END_S: Final = 60


@dataclass(frozen=True, slots=True)
class Life:
    """One process of a service: its id and when it was started, in seconds of the run."""

    pid: int
    began_s: float


@dataclass(slots=True)
class Service:
    """A service that is started again by whoever kills it. For one thread, but for `life`.

    Attributes:
        name: `chainer` or `archiver`.
        arguments: of the command line.
        port: of its metrics, the same in every life.
        log_file: where its log lines go, of all lives one after the other.
        lives: all processes so far, the newest last.
        unwanted: exit codes with which it ended without being killed.
    """

    name: str
    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    port: int
    log_file: Path
    clock: Clock
    lives: list[Life] = field(default_factory=list)
    unwanted: list[int] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None
    _log: IO[bytes] | None = None

    @property
    def life(self) -> Life | None:
        """The process that runs."""
        return self.lives[-1] if self._process is not None and self._process.poll() is None else None

    @property
    def url(self) -> str:
        """Of its metrics."""
        return f"http://127.0.0.1:{self.port}/metrics"

    def start(self) -> None:
        """Start it, or start it again."""
        if self._log is None:
            self._log = self.log_file.open("ab")
        options = ("--metrics", f":{self.port}", "--instance", self.name, "--log-format", "json")
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            (*PROGRAM, *self.arguments, *options),
            cwd=self.folder,
            env=dict(self.environment),
            stdin=subprocess.DEVNULL,
            stderr=self._log,
        )
        self.lives.append(Life(self._process.pid, self.clock.now_s()))

    def kill(self) -> None:
        """Kill it with SIGKILL, and wait for its end."""
        self._signal(signal.SIGKILL)
        self._wait(expected=-signal.SIGKILL)

    def hold(self) -> None:
        """Stop it with SIGSTOP."""
        self._signal(signal.SIGSTOP)

    def release(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def end(self) -> None:
        """End it with SIGTERM; one that does not end is killed, and that is noted."""
        self._signal(signal.SIGTERM)
        self._wait(expected=0)
        if self._log is not None:
            self._log.close()

    def has_ended(self) -> bool:
        """Whether it has ended by itself, which is noted with its exit code."""
        if self._process is None or self._process.poll() is None:
            return False
        self.unwanted.append(self._process.returncode)
        self._process = None
        return True

    def told(self, event: str) -> list[dict[str, Any]]:
        """The lines of its log with that event."""
        lines = [json.loads(line) for line in self.log_file.read_bytes().splitlines() if line[:1] == b"{"]
        return [line for line in lines if line.get("event") == event]

    def _signal(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.poll() is None:
            os.kill(self._process.pid, number)

    def _wait(self, *, expected: int) -> None:
        if self._process is None:
            return
        try:
            code = self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        if code != expected:
            self.unwanted.append(code)
        self._process = None


def run_sealtrail(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end. Raises RuntimeError when it fails, but for a verdict of `verify`."""
    done = subprocess.run(  # noqa: S603 - this program itself
        (*PROGRAM, *arguments), cwd=folder, env=dict(environment), capture_output=True, text=True, check=False
    )
    if done.returncode and arguments[0] != "verify":
        raise RuntimeError(f"sealtrail {arguments[0]} has failed: {done.stderr.strip()}")
    return done


class Clock:
    """Seconds since the run began."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def now_s(self) -> float:
        """Now."""
        return time.monotonic() - self._began


class ProducerProcess:
    """The producer, with what it said last."""

    def __init__(self, argument: str, environment: Mapping[str, str], folder: Path) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - this program itself
            (sys.executable, "-m", "soak.producer", argument),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        self.last: dict[str, Any] = {}
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def end(self, timeout_s: float) -> dict[str, Any]:
        """Let it end, and return its last word. Raises RuntimeError when there is none."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._reader.join(timeout_s)
        if "outcome" not in self.last:
            self.kill()
            raise RuntimeError("the producer ended without telling what was acknowledged")
        self._process.wait(timeout_s)
        return self.last

    def kill(self) -> None:
        """End it whatever it does."""
        self._process.kill()
        self._process.wait()

    def _read(self) -> None:
        assert self._process.stdout is not None  # noqa: S101 - for the type checker
        for line in self._process.stdout:
            self.last = json.loads(line)
