"""The four ways in which `sealtrail demo` tries to make an evening be forgotten, each on its own copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sealtrail import tamper
from sealtrail.story import COLLEAGUE, INTRUDER
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_schemas.layout import SEALS, seal_key
from sealtrail_schemas.seal import open_seal, sign_seal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from sealtrail_schemas.keys import Signer
    from sealtrail_schemas.seal import Seal


@dataclass(frozen=True, slots=True)
class Scene:
    """What an attacker needs to know.

    Attributes:
        trail: The trail's folder, in a copy of the archive.
        signer: The trail's own key.
        evening: The sequences of the evening's entries.
        elevation: The sequence of the entry by which the rights were elevated.
    """

    trail: Path
    signer: Signer
    evening: range
    elevation: int

    def seals(self) -> list[Seal]:
        """What the trail's seals say, oldest first."""
        notes = [path.read_bytes() for path in sorted((self.trail / SEALS).iterdir())]
        return [open_seal(note, self.signer.verifier).seal for note in notes]

    def batch_of(self, sequence: int) -> Path:
        """The file of the batch that holds an entry."""
        return self.trail / next(seal.batch.key for seal in self.seals() if seal.size > sequence)


@dataclass(frozen=True, slots=True)
class Attack:
    """One attempt.

    Attributes:
        name: Of the folder that it leaves behind.
        title: What is done, in a few words.
        story: The same for a reader, in whole sentences.
        apply: Does it.
        caught_by: The finding by which it has to be caught.
        head_needed: Whether it passes for genuine with a verifier that kept no head.
    """

    name: str
    title: str
    story: str
    apply: Callable[[Scene], None]
    caught_by: FindingCode
    head_needed: bool = False


def change_a_byte(scene: Scene) -> None:
    """Change one digit in the record of the elevation."""
    only = range(scene.elevation, scene.elevation + 1)
    file = scene.batch_of(scene.elevation)
    file.write_bytes(tamper.edit_batch(file.read_bytes(), _accuse_colleague(only, times=1)))


def remove_an_entry(scene: Scene) -> None:
    """Take out the record of the elevation."""
    file = scene.batch_of(scene.elevation)
    file.write_bytes(tamper.remove_entry(file.read_bytes(), scene.elevation))


def cut_the_tail(scene: Scene) -> None:
    """Delete everything from the evening's first batch on, seals and all."""
    for seal in scene.seals():
        if seal.size > scene.evening.start:
            (scene.trail / seal.batch.key).unlink()
            (scene.trail / seal_key(seal.size)).unlink()


def rewrite_history(scene: Scene) -> None:
    """Make the evening the colleague's, in a history chained and signed anew."""
    trail, seals = scene.trail, scene.seals()
    history = [tamper.SealedBatch((trail / seal.batch.key).read_bytes(), seal) for seal in seals]
    for batch, seal in tamper.forge_history(history, _accuse_colleague(scene.evening), scene.signer):
        (trail / seal.batch.key).write_bytes(batch)
        (trail / seal_key(seal.size)).write_bytes(sign_seal(seal, scene.signer))


ATTACKS: Final = (
    Attack(
        "changed-byte",
        "One byte is changed",
        f"In the record of the elevation {INTRUDER} becomes {COLLEAGUE}: one byte, and a file that is as "
        "well-formed as before.",
        change_a_byte,
        FindingCode.ENTRY_PAYLOAD,
    ),
    Attack(
        "removed-entry",
        "An entry is removed",
        "The record of the elevation is taken out, and its file written anew without it.",
        remove_an_entry,
        FindingCode.ENTRY_MISSING,
    ),
    Attack(
        "cut-tail",
        "The tail is cut off",
        "Everything from the evening on is deleted, seals included. What is left is genuine, every byte.",
        cut_the_tail,
        FindingCode.HEAD_CUT,
        head_needed=True,
    ),
    Attack(
        "rewritten-history",
        "The history is rewritten and signed again",
        f"An insider who holds the trail's key makes the evening {COLLEAGUE}'s: hashes, checkpoints and "
        "seals are computed anew and signed with the real key.",
        rewrite_history,
        FindingCode.HEAD_ROOT,
        head_needed=True,
    ),
)
"""In the order in which they take more and more power."""


def _accuse_colleague(sequences: range, *, times: int = -1) -> tamper.PayloadEdit:
    """In these entries the intruder's name becomes the colleague's, everywhere or so many times in each."""

    def edit(sequence: int, payload: bytes) -> bytes:
        accused = payload.replace(INTRUDER.encode(), COLLEAGUE.encode(), times)
        return accused if sequence in sequences else payload

    return edit
