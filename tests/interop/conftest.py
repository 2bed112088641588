"""The Go program that both tests of this folder run."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from left_out import leave_out

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def go_note(tmp_path_factory):
    """Build the Go program and return a function that runs it."""
    go = shutil.which("go")
    if go is None:
        leave_out("there is no `go`, so notes and proofs were not checked against golang.org/x/mod")
    folder = tmp_path_factory.mktemp("go_note")
    for name in ("main.go", "proof.go", "go.mod", "go.sum"):
        shutil.copy(HERE / "go_note" / name, folder)
    program = folder / "go_note.exe"
    environment = os.environ | {"GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly", "CGO_ENABLED": "0"}
    built = subprocess.run(
        [go, "build", "-o", program, "."],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr

    def run(*arguments, data):
        return subprocess.run([program, *arguments], input=data, capture_output=True, check=False)

    return run
