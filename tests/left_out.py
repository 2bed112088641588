"""Tests that lack something they need: left out and told of at the end; failed where CI is true."""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARK = "left out: "


def leave_out(reason: str, detail: str = "") -> NoReturn:
    """End a test that can't run here; with CI=true it fails, since nothing may be missing there."""
    told = f"{reason}\n{detail}".strip()
    if os.environ.get("CI", "").lower() in {"1", "true"}:
        pytest.fail(told, pytrace=False)
    pytest.skip(_MARK + told)


def need_docker() -> None:
    """Leave the test out unless containers can be started."""
    trouble = _docker_trouble()
    if trouble is not None:
        leave_out("Docker does not answer, so nothing was tested against real brokers and stores", trouble)


def count_reasons(skipped: Iterable[pytest.TestReport]) -> Counter[str]:
    """How many tests were left out for which reason, among those that were skipped for whatever reason."""
    told = (str(report.longrepr[2]).removeprefix("Skipped: ") for report in skipped)
    return Counter(text.removeprefix(_MARK).split("\n")[0] for text in told if text.startswith(_MARK))


@cache
def _docker_trouble() -> str | None:
    """Why no container can be started; None if one can."""
    trouble = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # the client forgets a socket that did not connect
        try:
            import docker

            with contextlib.closing(docker.from_env()) as client:
                client.ping()
        except Exception as error:  # noqa: BLE001 - whatever it is, there is no Docker
            trouble = str(error)
        gc.collect()
    return trouble
