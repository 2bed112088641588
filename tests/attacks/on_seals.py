"""Attacks on seals by those who do not hold the trail's key."""

from __future__ import annotations

from functools import partial

from attacks import deeds as do
from attacks.attack import Attack, Power
from auditor.builders import TrailMaker, new_store
from sealtrail_auditor.catalogue import FindingCode as C
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import SEALS, seal_key
from sealtrail_schemas.note import sign_note
from sealtrail_schemas.seal import seal_key_name

FIRST, SECOND, THIRD = seal_key(4), seal_key(8), seal_key(12)

_on_second = partial(Attack, power=Power.OPERATOR, key=SECOND, span=(4, 7), seals_see=True)


def signed_as(name: str | None):
    """Sign the second seal's text by a key of one's own, under a name or under the trail's."""

    def do_it(trail: TrailMaker) -> None:
        own = Signer.from_seed(name or seal_key_name(trail.origin), b"\x13" * 32)
        do.corrupt_seal(lambda _: sign_note(trail.placed[1].text.text(), [own]))(trail)

    return do_it


def signature_added(trail: TrailMaker) -> None:
    own = Signer.from_seed("witness.example.net", b"\x13" * 32)
    line = sign_note(trail.placed[1].text.text(), [own]).rpartition(b"\n\n")[2]
    do.corrupt_seal(lambda note: note + line)(trail)


def signature_of_the_next(trail: TrailMaker) -> None:
    line = trail.placed[2].note.rpartition(b"\n\n")[2]
    do.corrupt_seal(lambda note: note.rpartition(b"\n\n")[0] + b"\n\n" + line)(trail)


def checkpoint_as_seal(trail: TrailMaker) -> None:
    do.corrupt_seal(lambda _: trail.placed[1].text.checkpoint)(trail)


def sealed_on_by_another_key(trail: TrailMaker) -> None:
    """From the second batch on, seals and their checkpoints are made by another key of the same name."""
    rotated = do.another_trail()
    for number in (1, 2):
        do.corrupt_seal(lambda _, number=number: rotated.placed[number].note, number)(trail)


def foreign_seal(trail: TrailMaker) -> None:
    do.corrupt_seal(lambda _: do.another_trail(origin=do.REFUNDS).placed[1].note)(trail)


def seal_of_other_incarnation(trail: TrailMaker) -> None:
    do.corrupt_seal(lambda _: do.other_incarnation().placed[1].note)(trail)


def policy_of_another_key(trail: TrailMaker) -> None:
    trail.signer = TrailMaker(new_store(), seed=b"\x55" * 32).signer
    trail.signers = [trail.signer]


FLIPS = (
    _on_second(
        "a seal's statement",
        do=do.corrupt_seal(do.in_text(b'"sequence":"4"', b'"sequence":"3"')),
        code=C.SEAL_DAMAGED,
    ),
    _on_second("a seal's signature", do=do.corrupt_seal(do.in_last("signature")), code=C.SEAL_DAMAGED),
    _on_second(
        "the key id in a seal's signature", do=do.corrupt_seal(do.in_last("key id")), code=C.SEAL_FORGED
    ),
    _on_second(
        "the checkpoint in a seal",
        do=do.corrupt_seal(do.in_text(b"\\n8\\n", b"\\n9\\n")),
        code=C.SEAL_DAMAGED,
    ),
    _on_second(
        "the right edge in a seal",
        do=do.corrupt_seal(do.flip_behind(b'"right_edge":["')),
        code=C.SEAL_DAMAGED,
    ),
    _on_second(
        "the newest seal's statement",
        do=do.corrupt_seal(do.in_text(b"COMPLIANCE", b"GOVERNANCE"), 2),
        code=C.SEAL_DAMAGED,
        key=THIRD,
        span=(8, 11),
    ),
    _on_second("a seal's sealed date", do=do.corrupt_seal(do.in_text(b"2027", b"2026")), code=C.SEAL_DAMAGED),
)

TRUNCATIONS = (
    _on_second("a seal emptied", do=do.corrupt_seal(lambda _: b""), code=C.SEAL_EMPTY),
    _on_second(
        "a seal cut in its statement", do=do.corrupt_seal(lambda note: note[:300]), code=C.SEAL_TRUNCATED
    ),
    _on_second(
        "a seal cut in its signature", do=do.corrupt_seal(lambda note: note[:-5]), code=C.SEAL_TRUNCATED
    ),
    _on_second(
        "a seal without its signature",
        do=do.corrupt_seal(lambda note: note.rpartition(b"\n\n")[0] + b"\n"),
        code=C.SEAL_TRUNCATED,
    ),
    _on_second("a seal blown up", do=do.corrupt_seal(lambda note: note + b"x" * 70_000), code=C.SEAL_DAMAGED),
    Attack("a seal erased", Power.OPERATOR, do.erase("seal"), C.SEAL_MISSING, SEALS, (4, 7), seals_see=True),
    Attack(
        "a seal and its batch erased",
        Power.OPERATOR,
        do.erase("seal", "batch"),
        C.SEAL_MISSING,
        SEALS,
        (4, 7),
        chain_sees=True,
        seals_see=True,
    ),
    Attack(
        "the first seal erased",
        Power.OPERATOR,
        do.erase("seal", number=0),
        C.FRONT_MISSING,
        SEALS,
        (0, 3),
        seals_see=True,
    ),
)

FORGERIES = (
    _on_second("a seal signed under the trail's name by another key", do=signed_as(None), code=C.SEAL_FORGED),
    _on_second(
        "seals signed by a new key from a batch on",
        do=sealed_on_by_another_key,
        code=C.SEAL_FORGED,
        span=(4, 11),
    ),
    _on_second(
        "a seal signed under a name of one's own", do=signed_as("mallory.example.net"), code=C.SEAL_DAMAGED
    ),
    _on_second("a signature added to a seal", do=signature_added, code=C.SEAL_DAMAGED),
    _on_second("a seal with the signature of another", do=signature_of_the_next, code=C.SEAL_DAMAGED),
    _on_second("a signed checkpoint in the place of a seal", do=checkpoint_as_seal, code=C.SEAL_DAMAGED),
    _on_second("a seal of another trail", do=foreign_seal, code=C.SEAL_FOREIGN),
    _on_second(
        "a seal of a trail of the same name from another prefix",
        do=seal_of_other_incarnation,
        code=C.SEAL_REPLAYED,
    ),
    _on_second("two seals swapped", do=do.swap("seal"), code=C.SEAL_SWAPPED, also=(C.SEAL_SWAPPED,)),
    _on_second("an older seal copied over a newer one", do=do.copy("seal", 0, 1), code=C.SEAL_SWAPPED),
    Attack(
        "all seals by another key than the policy's",
        Power.OPERATOR,
        policy_of_another_key,
        C.SEAL_KEY,
        FIRST,
        (0, 11),
        seals_see=True,
    ),
)
