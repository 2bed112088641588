"""The end of a run: what it is judged by, and the figures that people ask for."""

from __future__ import annotations

import json
from dataclasses import asdict
from statistics import median
from typing import TYPE_CHECKING, Any

from sealtrail_transport.s3_access import S3Access, open_s3
from soak.counting import archived_values, count_events
from soak.judging import Check, check_alarms, check_counts, check_ends, check_memory, memory_of

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping, Sequence

    from soak.sampling import Sample
    from soak.services import Service


def finish(
    services: Mapping[str, Service],
    samples: Sequence[Sample],
    produced: Mapping[str, Any],
    *,
    drained_s: float | None,
    production_s: float,
    verified: subprocess.CompletedProcess[str],
    archive: str,
) -> dict[str, Any]:
    """Count and judge, with what `sealtrail verify` said; returns `passed`, `checks` and `figures`."""
    outcome = produced["outcome"]
    counted = count_events(
        archived_values(open_s3(archive, S3Access())),
        published=produced["published"],
        failed=outcome["failed"],
    )
    alarms = [
        (line.get("code", line["event"]), line.get("text", line.get("reason", "")))
        for service in services.values()
        for event in ("alarm", "rejected")
        for line in service.told(event)
    ]
    memory = {name: memory_of(samples, name, ended_s=production_s) for name in services}
    drained = "never, within the time allowed" if drained_s is None else f"{drained_s:.1f} s after the end"
    checks = [
        _check_verdict(verified),
        check_counts(counted, acknowledged=outcome["acknowledged"]),
        Check("all was chained and sealed after the end of production", drained_s is not None, drained),
        check_ends({name: service.unwanted for name, service in services.items()}),
        check_alarms(alarms),
        *(check for name, found in memory.items() for check in check_memory(name, found)),
    ]
    return {
        "passed": all(check.passed is not False for check in checks),
        "checks": [asdict(check) for check in checks],
        "figures": {
            "events_acknowledged": outcome["acknowledged"],
            "events_a_second": outcome["acknowledged"] / production_s,
            "events_of_unknown_fate": len(outcome["failed"]),
            "drained_after_s": drained_s,
            **_windows(services["archiver"]),
            **_worst(samples),
            **{
                f"{name}_{key}": value
                for name, found in memory.items()
                for key, value in asdict(found).items()
            },
            **{f"{name}_processes": len(service.lives) for name, service in services.items()},
            "strays": sum(code == "stray" for code, _ in alarms),
        },
    }


def _check_verdict(done: subprocess.CompletedProcess[str]) -> Check:
    try:
        verdict = json.loads(done.stdout)["verdict"]
    except (ValueError, KeyError):
        verdict = done.stderr.strip()
    return Check("`sealtrail verify` exits with 0", done.returncode == 0, f"{done.returncode}, {verdict}")


def _windows(archiver: Service) -> dict[str, float | int | None]:
    """The rewritable window that seals have told of, in seconds: from the first chained entry of a batch."""
    lags = [line["lag_s"] for line in archiver.told("sealed")]
    return {
        "batches": len(lags),
        "rewritable_window_median_s": median(lags) if lags else None,
        "rewritable_window_worst_s": max(lags, default=None),
    }


def _worst(samples: Sequence[Sample]) -> dict[str, float | None]:
    """The worst of what was sampled."""

    def worst(part: str, name: str) -> float | None:
        return max((each[part][name] for each in samples if name in each.get(part, {})), default=None)

    return {
        "chainer_lag_worst": worst("chainer", "lag"),
        "archiver_lag_worst": worst("archiver", "lag"),
        "oldest_unsealed_worst_s": worst("archiver", "oldest_unsealed_s"),
    }
