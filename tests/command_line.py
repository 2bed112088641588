"""Running the program: in this process where that does, as a child where signals and kills are the point."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

from click.testing import CliRunner

from sealtrail.app import app

PROGRAM = [sys.executable, "-m", "sealtrail"]
DEADLINE_S = 60


def call(*arguments, stdin=None, env=None):
    """Run a command in this process; the answer has `exit_code`, `stdout`, `stderr`."""
    return CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin, env=env)


def spawn(*arguments, cwd, stdin="", check=None):
    """Run a command as a child to its end."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment(),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        check=False,
    )
    assert check is None or done.returncode == check, done.stderr
    return done


@contextmanager
def running(*arguments, cwd, **environment):
    """A command as a child in a session of its own; killed at the end if it still runs."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=cwd,
        env=clean_environment() | environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as child:
        try:
            yield child
        finally:
            if child.poll() is None:
                child.kill()


def ended(child, number=None):
    """Send a signal, wait for the end, and return what `spawn` returns."""
    if number is not None:
        child.send_signal(number)
    stdout, stderr = child.communicate(timeout=DEADLINE_S)
    return subprocess.CompletedProcess(child.args, child.returncode, stdout, stderr)


def await_true(condition, what):
    """Wait until a condition holds."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.02)


def await_line(child, text):
    """Read what a child tells on stderr up to a line that holds the text."""
    while text not in (line := child.stderr.readline()):
        assert line, f"it ended without saying {text!r}"


def await_running(child, folder: Path):
    """Wait until `up` holds the folder and its store is open."""

    def serves():
        assert child.poll() is None, child.stderr.read()
        try:
            return json.loads((folder / "running.json").read_bytes())["serves"]
        except (OSError, ValueError):
            return False

    await_true(serves, "the pipeline to run")


def children_below(folder: Path) -> list[int]:
    """Processes whose command line names the folder, but for Python's own; Linux only."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in line and "python" not in line.split(" ", 1)[0]:
            found.append(int(path.parent.name))
    return found


def clean_environment():
    """The environment without settings of this machine, and without views: they have tests of their own."""
    others = {n: value for n, value in os.environ.items() if not n.startswith(("SEALTRAIL_", "AWS_"))}
    return others | {"SEALTRAIL_VIEWS": "false"}


INTERRUPT, TERMINATE = signal.SIGINT, signal.SIGTERM
