"""A test that needs Docker and finds none is told of at the end of the run, and fails where CI is true."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from left_out import count_reasons

HERE = Path(__file__).parent
CHOSEN = "transport/test_s3_probe.py::test_minio_passes"


def run_without_docker(**environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("CI", "PYTEST_"))}
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", CHOSEN],
        cwd=HERE,
        env=kept | {"DOCKER_HOST": "tcp://127.0.0.1:1", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.embedded
def test_a_test_without_docker_is_left_out_and_told_of():
    done = run_without_docker()
    assert done.returncode == 0, done.stdout
    assert "!! LEFT OUT !!" in done.stdout
    assert "Docker does not answer, so nothing was tested against real brokers and stores: 1 skipped" in (
        done.stdout
    )


@pytest.mark.embedded
def test_a_test_without_docker_fails_in_ci():
    done = run_without_docker(CI="true")
    assert done.returncode == 1, done.stdout
    assert "Docker does not answer" in done.stdout
    assert "1 error" in done.stdout or "1 failed" in done.stdout


def test_only_what_was_left_out_is_counted():
    class Report:
        def __init__(self, reason):
            self.longrepr = ("file.py", 1, f"Skipped: {reason}")

    told = ["left out: no Go\nfound: none", "left out: no Go\nfound: 1.2", "root may write anywhere"]
    assert count_reasons(map(Report, told)) == {"no Go": 2}
