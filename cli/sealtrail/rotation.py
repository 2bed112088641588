"""The files of a data folder while the key of a trail changes, and the switch from one to the other.

    payments-0.key               signs for the trail now
    payments-0.key.next          is to take its place; made, durably, before anything is stated
    payments-0.key.old-dcdf049b  had its place, by the key ID in its vkey; nothing needs it any more

Each step finds what an earlier run did. The last one renames `.next`: while that is there, a change is under
way.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sealtrail.exits import CommandError
from sealtrail.private_file import write_private
from sealtrail_schemas.keys import Signer, encode_signing_key, parse_signing_key
from sealtrail_schemas.policy import Policy, format_policy

if TYPE_CHECKING:
    from pathlib import Path

    from sealtrail.data_folder import DataFolder
    from sealtrail_chainer.trail import Trail


@dataclass(frozen=True, slots=True)
class Rotation:
    """A change of a trail's key, begun or not.

    Attributes:
        trail: The trail under its old key.
        old: The old key.
        new: The new one. Where none was made yet, one that is kept only by `keep`.
        text: The new one as its file holds it. Keep it secret.
        is_begun: Whether `text` lies in its file.
    """

    trail: Trail
    old: Signer
    new: Signer
    text: str
    is_begun: bool

    def __repr__(self) -> str:
        """Without the secret."""
        return f"Rotation({self.old.verifier.vkey} → {self.new.verifier.vkey})"


def begin_rotation(folder: DataFolder, trail: Trail) -> Rotation:
    """Find the change of a trail's key that is under way in the data folder, or one that can begin.

    `trail` is what the policy says: the old key, or the new one where a run died between policy and key.

    Raises:
        CommandError: keys and policy do not belong together.
        FormatError, OSError: a key can't be read.
    """
    file = _next_file(folder, trail)
    if not file.exists():
        old = folder.signer_of(trail)
        text = encode_signing_key(trail.origin, secrets.token_bytes(32))
        return Rotation(trail, old, parse_signing_key(text), text, is_begun=False)
    text = file.read_text("utf-8").removesuffix("\n")
    old, new = folder.signer(trail.origin), parse_signing_key(text)
    if trail.verifier not in {old.verifier, new.verifier} or new.name != trail.origin:
        raise CommandError(
            f"{folder.policy} names the key {trail.verifier.vkey}, and neither the key in {folder.keys} nor "
            f"{file} is that one: restore the right files from their backup"
        )
    return Rotation(replace(trail, verifier=old.verifier), old, new, text, is_begun=True)


def keep_new_key(folder: DataFolder, rotation: Rotation) -> None:
    """Write the new key down, before anything is stated. Raises OSError."""
    if not rotation.is_begun:
        write_private(_next_file(folder, rotation.trail), f"{rotation.text}\n".encode())


def switch(folder: DataFolder, rotation: Rotation) -> Path:
    """Let policy and key file name the new key; returns where the old one is kept.

    Raises:
        OSError: a file can't be written. Call again.
    """
    trail = rotation.trail
    file = folder.key_file(trail.raw_topic, trail.partition)
    kept = file.with_name(f"{file.name}.old-{rotation.old.verifier.key_id.hex()}")
    write_private(kept, file.read_bytes())
    logs = Policy.parse(folder.policy.read_bytes()).logs
    keys = [rotation.new.verifier if key == rotation.old.verifier else key for key in logs.values()]
    write_private(folder.policy, format_policy(keys))
    folder.policy.chmod(0o644)  # it is meant to be handed out
    _next_file(folder, trail).replace(file)
    return kept


def _next_file(folder: DataFolder, trail: Trail) -> Path:
    file = folder.key_file(trail.raw_topic, trail.partition)
    return file.with_name(f"{file.name}.next")
