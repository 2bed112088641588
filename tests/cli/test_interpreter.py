"""What a service sets in Python, and takes back."""

import gc
import sys

import pytest

from command_line import call
from sealtrail.service import Service


def _settings():
    return gc.get_threshold()[0], pytest.approx(sys.getswitchinterval())


@pytest.mark.usefixtures("trail")
@pytest.mark.parametrize("command", ["chain", "archive"])
def test_a_service_runs_with_its_settings_and_takes_them_back(monkeypatch, command):
    seen, run = [], Service.run

    def watched(self, *arguments):
        seen.append(_settings())
        run(self, *arguments)

    monkeypatch.setattr(Service, "run", watched)
    before = _settings()
    assert call(command, "--drain").exit_code == 0
    assert seen == [(50_000, 0.0005)]
    assert _settings() == before != seen[0]
