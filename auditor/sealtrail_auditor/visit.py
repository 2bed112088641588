"""A visit: a verification that goes on from the last one, and what is kept between them (a state file).

For each trail the state holds how far it was verified, to what checkpoint, and what was found. The next visit
looks for the seal of that checkpoint and walks on behind it, so that chain and Merkle tree prove that the
trail was only appended to. Where that seal is not in its place as it was, all of the trail is verified again
and held against the checkpoint, as against any pinned head.

The state is not signed. Who can write to it can make a verifier pass over what was changed, so it is to be
kept from everybody who could have changed the archive.
"""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.errors import StateError
from sealtrail_auditor.folder_keys import keys_of_origin
from sealtrail_auditor.saved_trail import SavedTrail
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.canonical_json import Members, dumps_canonical, loads_canonical
from sealtrail_schemas.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sealtrail_auditor.trail import Bookmark
    from sealtrail_schemas.checkpoint import Checkpoint
    from sealtrail_schemas.policy import Policy
    from sealtrail_schemas.trail_keys import TrailKeys

STATE_FORMAT: Final = "sealtrail/state/v1"
MAX_STATE_BYTES: Final = 64 << 20
GOOD: Final = frozenset({Verdict.INTACT, Verdict.UNPROTECTED})
"""The verdicts on a trail with which the state moves on: as it was sealed, lock or no lock."""


class Visit:
    """What a state file says, and what is added to it while the visit goes on.

    `to_bytes` can be asked at any moment, also after an interruption: what it has then is how far the visit
    had come.

    Attributes:
        is_begun: Whether there is something to be kept that a state file did not say before.
        left_behind: Folders of trails for which the state stays as it was, since the verdict on them is bad.
    """

    def __init__(self) -> None:
        self.is_begun = False
        self.left_behind: tuple[str, ...] = ()
        self._verified: dict[str, SavedTrail] = {}  # by folder: as the last visit left it
        self._begun: dict[str, SavedTrail] = {}  # by folder: how far this visit has come
        self._pinned = ""
        self._others: dict[str, Any] = {}  # trails that this policy does not name: kept as they are

    @classmethod
    def parse(cls, data: bytes, policy: Policy) -> Visit:
        """Read a state file.

        Raises:
            StateError: it is none, or holds a checkpoint that does not open under the keys that it states.
        """
        visit = cls()
        try:
            members = Members(loads_canonical(data, MAX_STATE_BYTES))
            _check_format(members.take_text("format"))
            visit._others = visit._read_trails(members.take_object("trails"), policy, visit._verified)
            begun = members.take_object_or_null("interrupted")
            if begun is not None:
                visit._pinned = begun.take_string("pinned")
                visit._read_trails(begun.take_object("trails"), policy, visit._begun)
        except FormatError as error:
            raise StateError(f"it is not the state of a visit: {error}") from None
        return visit

    def to_bytes(self) -> bytes:
        """The state file, in canonical JSON."""
        interrupted = {folder: saved.to_json() for folder, saved in self._begun.items()}
        trails = {folder: saved.to_json() for folder, saved in self._verified.items()}
        return dumps_canonical(
            {
                "format": STATE_FORMAT,
                "trails": self._others | trails,
                "interrupted": {"pinned": self._pinned, "trails": interrupted} if interrupted else None,
            }
        )

    def check_keys(self, policy: Policy, trails: Sequence[TrailKeys]) -> None:
        """Check that what was verified before was verified under keys of the policy's trails.

        The policy may name another key of a trail than it did then: the key changes in the archive say so.

        Args:
            policy: The keys to trust.
            trails: The keys to which they lead in the trails of the archive.

        Raises:
            StateError: it was not.
        """
        for saved in (*self._verified.values(), *self._begun.values()):
            keys, trusted = saved.result.keys, policy.logs[saved.result.origin]
            signed_by = keys.at(saved.size)
            if trusted not in keys.keys and not any(
                line.at(saved.size) == signed_by for line in keys_of_origin(trails, trusted)
            ):
                raise StateError(
                    f"it is the state of another policy: {saved.result.origin} was verified under the key "
                    f"{signed_by.fingerprint}, to which the key {trusted.fingerprint} does not lead"
                )

    @property
    def is_interrupted(self) -> bool:
        """Whether a visit was begun and has not ended."""
        return bool(self._begun)

    def heads(self, origins: Collection[str]) -> list[Checkpoint]:
        """The checkpoints that the last visit has verified: pinned heads for this one."""
        return [saved.head() for saved in self._verified.values() if saved.result.origin in origins]

    def interrupted_heads(self, origins: Collection[str]) -> list[Checkpoint]:
        """The checkpoints that a visit which was interrupted has come to: the archive held that much."""
        return [saved.head() for saved in self._begun.values() if saved.result.origin in origins]

    def begin(self, pinned: Sequence[bytes]) -> None:
        """Begin, or go on with a visit that was interrupted if it held the same heads against the archive."""
        digest = sha256(b"".join(sorted(sha256(note).digest() for note in pinned))).hexdigest()
        if digest != self._pinned:
            self.drop_interrupted()
        self._pinned = digest

    def drop_interrupted(self) -> None:
        """Forget a visit that was interrupted: the next one goes on from the last that ended."""
        self._begun = {}

    def saved(self, folder: str) -> list[SavedTrail]:
        """How far a trail has been verified: by this visit, then by the one before."""
        return [trails[folder] for trails in (self._begun, self._verified) if folder in trails]

    def note(self, folder: str, bookmark: Bookmark) -> None:
        """Take down how far this visit has come in a trail."""
        self._begun[folder] = SavedTrail.of(bookmark)
        self.is_begun = True

    def end(self, verdicts: Mapping[str, Verdict], now: datetime) -> None:
        """End the visit: where the verdict on a trail is good, the next one goes on from here.

        Elsewhere the state stays as the visit before has left it, so that the next one looks again.
        """
        for folder, verdict in verdicts.items():
            newest = next(iter(self.saved(folder)), None)
            if newest is not None and verdict in GOOD:
                self._verified[folder] = replace(newest, visited_at=now)
        self.left_behind = tuple(folder for folder, verdict in verdicts.items() if verdict not in GOOD)
        self.is_begun, self._begun = True, {}

    @staticmethod
    def _read_trails(trails: Members, policy: Policy, into: dict[str, SavedTrail]) -> dict[str, Any]:
        """Read the trails that the policy names; returns the others as they stand."""
        others = {}
        for folder in trails.names():
            members = trails.take(folder)
            trail = Members({folder: members}).take_object(folder)
            origin = trail.take_string("origin")
            if origin not in policy.logs:
                others[folder] = members
                continue
            saved = into[folder] = SavedTrail.parse(folder, origin, trail)
            saved.head()
        return others


def _check_format(found: str) -> None:
    if found != STATE_FORMAT:
        raise FormatError(f"its format is {found!a}, not {STATE_FORMAT!a}")
