"""What holds for every test."""

import os

import pytest
from hypothesis import HealthCheck, settings

from left_out import count_reasons, need_docker

# How long an example takes says more about the machine than about the code.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

# What the tests start they also stop; testcontainers reads this when it is imported.
os.environ.setdefault("TESTCONTAINERS_RYUK_DISABLED", "true")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Ask for Docker before the first fixture of a test that needs it."""
    if item.get_closest_marker("containers"):
        need_docker()


def pytest_terminal_summary(terminalreporter):
    """Tell what was left out where nobody can overlook it."""
    reasons = count_reasons(terminalreporter.stats.get("skipped", []))
    if reasons:
        terminalreporter.section("LEFT OUT", sep="!", red=True, bold=True)
    for reason, count in reasons.items():
        terminalreporter.line(f"{reason}: {count} skipped", red=True, bold=True)
