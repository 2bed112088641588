"""Starting, recognising and ending the embedded store's child process.

The child must not outlive us: an orphan would hold the data folder and its ports. So beside it, in its
process group, runs a watcher: a shell that reads from a pipe whose other end we hold. When we end, however we
end, the kernel closes the pipe, and the watcher wakes and ends the group. Where the watcher was killed too,
the next start finds the orphan by its process id and ends it, if its command line names our folder.

Linux's PR_SET_PDEATHSIG would need code between fork and exec, which is not safe with threads, and it fires
when the *thread* that started the child ends.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# `kill … 0` signals the group: the watcher is in it, so its number can't have passed to others meanwhile.
_WATCHED = """
exec 3<&0 </dev/null
(read -r _ <&3; trap '' TERM; kill -TERM 0; sleep 3; kill -KILL 0) &
exec 3<&-
exec "$@"
"""
_POLL_S = 0.02


def start_watched(command: Sequence[str], *, folder: Path, log: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start a child that ends with us. Its `stdin` is the watcher's pipe: closing it kills the child.

    The child runs in `folder`, in a session of its own (a Ctrl-C in the terminal does not reach it), with an
    environment that holds nothing of ours: neither settings nor credentials.
    """
    return subprocess.Popen(  # noqa: S603 - the command is ours
        ["/bin/sh", "-c", _WATCHED, "sh", *command],
        stdin=subprocess.PIPE,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=folder,
        env={"PATH": os.defpath, "HOME": str(folder)},
        start_new_session=True,
    )


def end_watched(child: subprocess.Popen[bytes], *, grace_s: float) -> None:
    """Ask the child to end, and kill it and its watcher after `grace_s` seconds."""
    child.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(grace_s)
    if child.stdin is not None:
        child.stdin.close()
    _signal_group(child.pid, signal.SIGKILL)
    child.wait()


def command_line(pid: int) -> str | None:
    """The command line of a running process; None if there is none."""
    with contextlib.suppress(OSError):
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
        return raw.replace(b"\0", b" ").decode(errors="replace") or None
    if Path("/proc/self").exists():
        return None
    answer = subprocess.run(  # noqa: S603 - macOS has no /proc
        ["/bin/ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    return answer.stdout.strip() or None


def end_orphan(pid: int, mark: str, *, grace_s: float) -> bool:
    """End process `pid` if its command line holds `mark`, at last by force; returns whether it was there."""
    if not _is_ours(pid, mark):
        return False
    _signal_group(pid, signal.SIGTERM)
    _await_end(pid, mark, grace_s)
    if _is_ours(pid, mark):
        _signal_group(pid, signal.SIGKILL)
        _await_end(pid, mark, grace_s)
    return True


def _is_ours(pid: int, mark: str) -> bool:
    return mark in (command_line(pid) or "")


def _await_end(pid: int, mark: str, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while _is_ours(pid, mark) and time.monotonic() < deadline:
        time.sleep(_POLL_S)


def _signal_group(pid: int, number: signal.Signals) -> None:
    """Signal the process group that `pid` leads or led."""
    with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS: EPERM for a group of zombies
        os.killpg(pid, number)
