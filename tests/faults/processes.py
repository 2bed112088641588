"""The processes of a run: producers, and services with or without a fault inside."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from command_line import await_true, clean_environment

if TYPE_CHECKING:
    from collections.abc import Mapping

TESTS: Final = Path(__file__).parents[1]
END_S: Final = 120
SESSION_MS: Final = 6_000
TRANSACTION_MS: Final = 10_000
SHORT: Final = (
    *("-X", f"session.timeout.ms={SESSION_MS}"),
    *("-X", "heartbeat.interval.ms=1000"),
    *("-X", f"transaction.timeout.ms={TRANSACTION_MS}"),
)
"""Timeouts that keep a run short."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What a process does to itself at one passage of a point; see `faults.launch`."""

    point: str
    passage: int = 1
    action: Literal["kill", "stop", "note"] = "kill"


class Service:
    """`sealtrail chain` or `sealtrail archive` as a child, and what it has told so far."""

    def __init__(
        self,
        command: str,
        *arguments: str,
        folder: Path,
        environment: Mapping[str, str],
        instance: str = "one",
        fault: Fault | None = None,
    ) -> None:
        self.command = command
        self.instance = instance
        self.told: list[dict] = []
        self.started_at = time.time()
        self._note = folder / f"note-{command}-{instance}-{time.monotonic_ns()}"
        inside = {} if fault is None else inside_of(fault, self._note)
        common = ("--instance", instance, "--log-format", "json", *SHORT)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "faults.launch", command, *common, *arguments],
            cwd=folder,
            env=clean_environment() | {"PYTHONPATH": str(TESTS)} | dict(environment) | inside,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with self.process.stderr as lines:
            for line in lines:
                try:
                    told = json.loads(line)
                except ValueError:
                    told = {"event": "no-json", "text": line.rstrip()}
                self.told.append(told | {"seen_at": time.time()})  # the service's own clock may be wrong

    @property
    def reached(self) -> bool:
        """Whether it has come to the point of its fault."""
        return self._note.exists()

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def events(self, name: str) -> list[dict]:
        return [told for told in self.told if told["event"] == name]

    def await_event(self, name: str, **fields) -> dict:
        """Wait until it tells such an event; returns the first."""

        def found():
            return [each for each in self.events(name) if fields.items() <= each.items()]

        def there():
            assert found() or self.is_running, f"{self.command} ended: {self.told[-5:]}"
            return found()

        await_true(there, f"{name} {fields} of {self.told[-5:]}")
        return found()[0]

    def await_end(self) -> int:
        code = self.process.wait(timeout=END_S)
        self._reader.join(timeout=END_S)
        return code

    def send(self, number: int) -> None:
        self.process.send_signal(number)

    def resume(self) -> None:
        """Let a process that was stopped by SIGSTOP go on."""
        self.send(signal.SIGCONT)

    def kill(self) -> None:
        """Kill -9, and wait for the end."""
        self.process.kill()
        self.await_end()

    def stop(self) -> int:
        """Ask it to end in good order; returns its exit code."""
        self.send(signal.SIGTERM)
        return self.await_end()

    @property
    def is_suspended(self) -> bool:
        """Whether SIGSTOP has taken hold of it; Linux only."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        return fields[0] == "T"


class Producer:
    """`faults.producer` as a child."""

    def __init__(
        self,
        name: str,
        *,
        log: str,
        topic: str,
        folder: Path,
        rate: float,
        padding: int,
        keys: int,
        outbox: bool = False,
        fault: Fault | None = None,
    ) -> None:
        self.notes = folder / f"{name}.jsonl"
        self._note = folder / f"note-{name}-{time.monotonic_ns()}"
        inside = {} if fault is None else inside_of(fault, self._note)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "faults.producer", "--log", log, "--topic", topic),
                *("--notes", str(self.notes), "--rate", str(rate)),
                *("--padding", str(padding), "--keys", str(keys)),
                *(("--outbox", str(folder / f"{name}.db")) if outbox else ()),
            ],
            cwd=folder,
            env=clean_environment() | {"PYTHONPATH": str(TESTS)} | inside,
            stdin=subprocess.DEVNULL,
        )

    @property
    def reached(self) -> bool:
        """Whether it has come to the point of its fault."""
        return self._note.exists()

    def stop(self) -> None:
        """Have it publish no more, and wait until it has every answer that it will get."""
        if self.process.poll() == -signal.SIGKILL:
            return
        self.process.terminate()
        code = self.process.wait(timeout=2 * END_S)
        assert code == 0, f"the producer {self.notes.stem} ended with {code}"

    def kill(self) -> None:
        """Kill -9, and wait for the end."""
        self.process.kill()
        self.process.wait()


def inside_of(fault: Fault, note: Path) -> dict[str, str]:
    """The environment of a process that is to do that to itself."""
    return {
        "FAULTS_POINT": fault.point,
        "FAULTS_PASSAGE": str(fault.passage),
        "FAULTS_ACTION": fault.action,
        "FAULTS_NOTE": str(note),
    }
