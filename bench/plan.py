"""The stages in their order, each with its floors, and one run through all of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.job import Job

Measures = dict[str, float]
END_TO_END: Final = "end to end"


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of the table: what is run for it, and the floors that it is put beside, the last one counts."""

    name: str
    function: str
    floors: tuple[tuple[str, str], ...]
    codec: Literal["deflate", "null"] = "deflate"


_PUT: Final = (("locked puts of equal bytes", "archive"),)
_HASHES: Final = (
    ("SHA-256 of the payloads", "verify_payloads"),
    ("… + leaf and chain", "verify_chain"),
    ("… + Merkle tree", "verify_merkle"),
)
STAGES: Final = (
    Stage("produce", "produce", (("confluent-kafka, callbacks", "produce"),)),
    Stage("chain", "chain", (("transactional copy loop", "chain"),)),
    Stage("archive, deflate", "archive", _PUT),
    Stage("archive, null", "archive", _PUT, codec="null"),
    Stage("verify, deflate", "verify", _HASHES),
    Stage("verify, null", "verify", _HASHES, codec="null"),
    Stage("verify, deflate, copy", "verify_copy", _HASHES[-1:]),
    Stage("verify, null, copy", "verify_copy", _HASHES[-1:], codec="null"),
)


def run_once(job: Job, *, on_stage: Callable[[str], None]) -> dict[str, dict[str, Measures]]:
    """Run every stage and its floors, one after another: measures by stage, then by "sealtrail" or floor."""
    _child("stages.setup", job)
    measured: dict[str, dict[str, Measures]] = {}
    for stage in STAGES:
        on_stage(stage.name)
        its_job = replace(job, codec=stage.codec)
        measured[stage.name] = {"sealtrail": _child(f"stages.{stage.function}", its_job)}
        for name, function in stage.floors:
            measured[stage.name][name] = _child(f"floors.{function}", its_job)
    on_stage(END_TO_END)
    measured[END_TO_END] = _end_to_end(replace(job, name=f"{job.name}-all"))
    return measured


def _end_to_end(job: Job) -> dict[str, Measures]:
    """All stages at once, each in its process: from the first event published to the last one sealed."""
    _child("stages.setup", job)
    names = ("produce", "chain", "archive")
    processes = [_start(f"stages.{name}", job) for name in reversed(names)]
    produced, chained, archived = (
        _answer(process, name) for process, name in zip(reversed(processes), names, strict=True)
    )
    _child("stages.verify", job)
    whole = {
        "wall_s": archived["ended_at"] - produced["began_at"],
        "cpu_s": produced["cpu_s"] + chained["cpu_s"] + archived["cpu_s"],
    }
    return {"sealtrail": whole, "producer": produced, "chainer": chained, "archiver": archived}


def _child(what: str, job: Job) -> Measures:
    return _answer(_start(what, job), what)


def _start(what: str, job: Job) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bench.child", what, json.dumps(asdict(job))]
    return subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - this program itself


def _answer(process: subprocess.Popen[bytes], what: str) -> Measures:
    output, _ = process.communicate()
    if process.returncode:
        raise SystemExit(f"bench: {what} failed with exit code {process.returncode}")
    answer: Measures = json.loads(output)
    return answer
