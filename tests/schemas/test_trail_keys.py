from dataclasses import replace

import pytest

from sealtrail_schemas.body import TopicRef
from sealtrail_schemas.control import Control, Gap, KeyChange, open_key_change, sign_control
from sealtrail_schemas.errors import ControlError
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.trail_keys import TrailKeys

ORIGIN = "audit.example.com/payments/0"
SIGNERS = [Signer.from_seed(ORIGIN, bytes([number]) * 32) for number in range(5)]
KEYS = [signer.verifier for signer in SIGNERS]


def change(old, new, sequence):
    deed = KeyChange(KEYS[old], KEYS[new])
    return Control(ORIGIN, b"t" * 32, sequence, b"p" * 32, 1_000, "because", deed)


@pytest.mark.parametrize("trusted", [0, 1, 2])
def test_from_whichever_key_one_trusts_the_same_keys_are_found(trusted):
    keys = TrailKeys.follow(KEYS[trusted], [change(1, 2, 20), change(0, 1, 9)])
    assert keys.keys == (KEYS[0], KEYS[1], KEYS[2])
    assert [keys.at(size) for size in (1, 10, 11, 21, 22, 10**9)] == [KEYS[n] for n in (0, 0, 1, 1, 2, 2)]
    assert keys.newest == KEYS[2]
    assert keys.origin == ORIGIN
    assert [each.sequence for each in keys.changes] == [9, 20]


def test_a_key_that_never_changed_signs_all():
    assert TrailKeys.follow(KEYS[0], []) == TrailKeys.only(KEYS[0])
    assert TrailKeys.only(KEYS[0]).at(1) == KEYS[0]


def test_changes_between_keys_that_nobody_trusts_lead_nowhere():
    assert TrailKeys.follow(KEYS[0], [change(3, 4, 9)]) == TrailKeys.only(KEYS[0])


def test_a_change_that_is_stated_twice_is_one():
    assert TrailKeys.follow(KEYS[0], [change(0, 1, 9), change(0, 1, 9)]).keys == (KEYS[0], KEYS[1])


@pytest.mark.parametrize(
    ("trusted", "changes"),
    [
        pytest.param(0, [change(0, 1, 9), change(0, 2, 9)], id="one key replaced twice"),
        pytest.param(0, [change(0, 1, 9), change(0, 1, 12)], id="one replacement at two places"),
        pytest.param(2, [change(0, 2, 9), change(1, 2, 9)], id="one key replaces two"),
        pytest.param(0, [change(0, 1, 20), change(1, 2, 9)], id="a later one before an earlier one"),
        pytest.param(2, [change(0, 1, 20), change(1, 2, 9)], id="the same seen from the newest"),
        pytest.param(0, [change(0, 1, 9), change(1, 0, 20)], id="back to the first key"),
        pytest.param(1, [change(0, 1, 9), change(1, 2, 20), change(2, 1, 30)], id="back to the second key"),
    ],
)
def test_changes_that_form_no_line_are_refused(trusted, changes):
    with pytest.raises(ControlError):
        TrailKeys.follow(KEYS[trusted], changes)


def test_whoever_steals_a_key_that_was_replaced_confuses_nobody_who_trusts_the_new_one():
    ours, stolen = change(0, 1, 9), change(0, 2, 9)
    assert TrailKeys.follow(KEYS[1], [ours, stolen]).keys == (KEYS[0], KEYS[1])


def test_a_key_change_opens_by_the_keys_in_it():
    stated = change(0, 1, 9)
    note = sign_control(stated, SIGNERS[:2])
    assert open_key_change(note) == stated
    with pytest.raises(ControlError, match="signed by the old key and then"):
        sign_control(stated, SIGNERS[:1])


def test_another_statement_is_no_key_change():
    gap = replace(change(0, 1, 9), deed=Gap(TopicRef("payments", bytes(16)), 1, 2))
    with pytest.raises(ControlError, match="a gap, where a key change"):
        open_key_change(sign_control(gap, SIGNERS[:1]))
