"""Examining what lies in the data folder: signing keys, policy, and the evidence of a line that stopped."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Final

from sealtrail import evidence
from sealtrail.doctor_report import Group, Promise
from sealtrail.exits import CommandError, ExitCode, one_line
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.policy import Policy
from sealtrail_transport.check_result import Severity

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail.doctor_report import Examined
    from sealtrail_schemas.keys import Verifier

PRESENT: Final = Promise(
    Group.KEYS,
    "ST-KEY-MISSING",
    "there is a signing key for each trail, or none at all",
    "keys where the archiver runs, none elsewhere",
    "restore it from its backup: a trail can't be sealed on without its key",
)
ELSEWHERE: Final = Promise(
    Group.KEYS,
    "ST-KEY-ELSEWHERE",
    "the signing keys are here",
    "keys where the archiver runs, none elsewhere",
    "nothing, unless the archiver runs on this machine",
    Severity.INFO,
)
PRIVATE: Final = Promise(
    Group.KEYS,
    "ST-KEY-MODE",
    "nobody but its owner can read a signing key",
    "mode 0600 in a folder of mode 0700",
    "chmod 600 the key, 700 its folder; if others had a look, sign no more with it",
)
OF_THE_TRAIL: Final = Promise(
    Group.KEYS,
    "ST-KEY-WRONG",
    "each signing key is that of its trail",
    "a sound key that names the trail",
    "restore the trail's own key from its backup",
)
READABLE: Final = Promise(
    Group.POLICY,
    "ST-POLICY-DAMAGED",
    "the policy can be read",
    "a policy without a quorum of witnesses, which this version can't check",
    "restore it from a copy that was handed out, or run `sealtrail init` to write it anew from the keys",
)
COMPLETE: Final = Promise(
    Group.POLICY,
    "ST-POLICY-INCOMPLETE",
    "the policy has one line for each trail",
    "a log line for each partition, and no other",
    "run `sealtrail init` where the keys are, and hand the policy out again",
)
SAME_KEYS: Final = Promise(
    Group.POLICY,
    "ST-POLICY-OTHER-KEY",
    "the policy names the keys that sign",
    "the same key in the policy and in its file",
    "find out which of them auditors hold, and restore the other from its backup",
)
NOT_WRITABLE: Final = Promise(
    Group.POLICY,
    "ST-POLICY-WRITABLE",
    "nobody but its owner can change the policy",
    "not writable by group and others",
    "chmod 644 the policy",
    Severity.WARNING,
)
NOT_STOPPED: Final = Promise(
    Group.TRAILS,
    "ST-TRAIL-STOPPED",
    "no line has stopped",
    "no evidence of a stop in the data folder",
    "read it; once its cause is understood, take the way onward (docs/operations.md), or move it away",
    exit_code=ExitCode.LINE_STOPPED,
)


def examine_folder(folder: DataFolder, deployment: Deployment) -> Iterator[Examined]:
    """Examine keys, policy and evidence. Nothing is changed, and no secret is shown."""
    examined, keys = _examine_keys(folder, deployment)
    yield from examined
    yield from _examine_policy(folder, deployment, keys)
    stops = ", ".join(str(file) for file in evidence.find(folder))
    yield NOT_STOPPED.broken(stops) if stops else NOT_STOPPED.kept("none")


def _examine_keys(folder: DataFolder, deployment: Deployment) -> tuple[list[Examined], dict[str, Verifier]]:
    """Examine the key files; returns also the public key of each trail whose key is sound, by origin."""
    files = {
        origin: folder.key_file(deployment.topic, number)
        for number, origin in enumerate(deployment.origins())
    }
    try:
        there = {origin: file for origin, file in files.items() if file.exists()}
    except PermissionError as error:
        return [PRESENT.not_permitted(one_line(error))], {}
    if not there:
        return [ELSEWHERE.broken(f"none in {folder.keys}")], {}
    missing = ", ".join(str(file) for origin, file in files.items() if origin not in there)
    found, keys = _read_keys(folder, list(there))
    examined = [
        PRESENT.broken(f"not there: {missing}") if missing else PRESENT.kept(len(there)),
        _examine_modes([folder.keys, *there.values()]),
        *found,
    ]
    return examined, keys


def _examine_modes(paths: Sequence[Path]) -> Examined:
    if os.name == "nt":  # modes say nothing there
        return PRIVATE.not_checked("this system has no modes of files")
    wide = [f"{path} has mode {mode:04o}" for path in paths if (mode := _mode(path)) & 0o077]
    return PRIVATE.broken("; ".join(wide)) if wide else PRIVATE.kept("0600 in 0700")


def _read_keys(folder: DataFolder, origins: Sequence[str]) -> tuple[list[Examined], dict[str, Verifier]]:
    """Read the keys of these trails; returns what is wrong with them, or that all is well."""
    examined: list[Examined] = []
    keys: dict[str, Verifier] = {}
    for origin in origins:
        try:
            keys[origin] = folder.signer(origin).verifier
        except PermissionError as error:
            examined.append(OF_THE_TRAIL.not_permitted(one_line(error)))
        except (FormatError, CommandError, OSError, UnicodeDecodeError):
            # What the file holds may be a key all the same: nothing of it is repeated here.
            examined.append(OF_THE_TRAIL.broken(f"no sound key of {origin} in its file"))
    return examined or [OF_THE_TRAIL.kept(f"{len(keys)} read")], keys


def _examine_policy(
    folder: DataFolder, deployment: Deployment, keys: Mapping[str, Verifier]
) -> Iterator[Examined]:
    try:
        policy = Policy.parse(folder.policy.read_bytes())
        policy.require_supported()
    except PermissionError as error:
        yield READABLE.not_permitted(one_line(error))
        return
    except (FormatError, OSError) as error:
        yield READABLE.broken(one_line(error))
        return
    yield READABLE.kept(f"{len(policy.logs)} trails")
    yield _compare_trails(policy, deployment.origins())
    others = [origin for origin, key in keys.items() if policy.logs.get(origin, key).vkey != key.vkey]
    if keys:
        yield (
            SAME_KEYS.broken(f"another one for {', '.join(others)}") if others else SAME_KEYS.kept("the same")
        )
    if os.name != "nt":
        mode = _mode(folder.policy)
        told = f"mode {mode:04o}"
        yield NOT_WRITABLE.broken(told) if mode & 0o022 else NOT_WRITABLE.kept(told)


def _compare_trails(policy: Policy, origins: Sequence[str]) -> Examined:
    missing, foreign = set(origins) - set(policy.logs), set(policy.logs) - set(origins)
    told = [f"none for {', '.join(sorted(missing))}"] if missing else []
    told += [f"also {', '.join(sorted(foreign))}"] if foreign else []
    return COMPLETE.broken("; ".join(told)) if told else COMPLETE.kept(f"{len(origins)} lines")


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
