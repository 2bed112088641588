"""Every attack of the corpus is seen, named and placed; two lesser verifiers miss whole kinds of them."""

from __future__ import annotations

import runpy
from collections import Counter
from pathlib import Path

import pytest

from attacks.attack import Power, first_of, judge, three_batches
from attacks.controls import chain_and_seals_fit, chain_fits
from attacks.corpus import ATTACKS, SHARED, UNSEEN
from attacks.on_statements import rotated
from attacks.on_trails import make_aging
from auditor.builders import ORIGIN, codes
from sealtrail_auditor.findings import Span
from sealtrail_auditor.verdict import Verdict

pytestmark = pytest.mark.claim("C3", "C9", "C11")

BY_NAME = {attack.name: attack for attack in (*ATTACKS, *UNSEEN)}
PAGE_SCRIPT = Path(__file__).parents[2] / "docs" / "make_attacks.py"

NEVER_SEEN_BY_THE_CHAIN_ALONE = {
    "BATCH_REENCODED", "BATCH_REPLACED", "BATCH_VERSION", "CONTROL_FORGED", "CONTROL_MISPLACED",
    "ENTRY_BODY", "ENTRY_RULE", "ENTRY_SOURCE", "ENTRY_TIME", "GAP_OFFSETS", "GENESIS_BODY",
    "KEY_AHEAD", "KEY_FORKED", "KEY_UNLISTED", "KEY_UNSTATED",
    "HEAD_CUT", "HEAD_ROOT",
    "LOCK_MISSING", "LOCK_NONE", "LOCK_SHORT", "LOCK_WEAK", "OBJECT_FOREIGN",
    "SEAL_BACKDATED", "SEAL_CHAIN", "SEAL_CONTENT", "SEAL_DAMAGED", "SEAL_EMPTY", "SEAL_FOREIGN",
    "SEAL_FORGED", "SEAL_FORKED", "SEAL_FORMAT", "SEAL_KEY", "SEAL_KEY_TURN", "SEAL_REPLAYED", "SEAL_ROOT",
    "SEAL_SWAPPED", "SEAL_TRUNCATED", "SEAL_UNSOUND",
    "TRAIL_FORKED", "TRAIL_STALE", "TRAIL_UNNAMED", "TRAIL_UNSEALED",
}  # fmt: skip
NEVER_SEEN_BY_CHAIN_AND_SEALS = {
    "BATCH_REPLACED", "BATCH_VERSION", "CONTROL_FORGED", "CONTROL_MISPLACED",
    "ENTRY_BODY", "ENTRY_RULE", "ENTRY_SOURCE", "ENTRY_TIME", "GAP_OFFSETS", "GENESIS_BODY",
    "KEY_AHEAD", "KEY_FORKED", "KEY_UNLISTED", "KEY_UNSTATED",
    "HEAD_CUT", "HEAD_ROOT",
    "LOCK_MISSING", "LOCK_NONE", "LOCK_SHORT", "LOCK_WEAK", "OBJECT_FOREIGN",
    "SEAL_ROOT", "TAIL_UNSEALED", "TRAIL_FORKED", "TRAIL_STALE", "TRAIL_UNNAMED",
}  # fmt: skip


@pytest.mark.parametrize("name", [attack.name for attack in ATTACKS])
def test_each_attack_is_named_and_placed(name):
    attack = BY_NAME[name]
    trail, arguments = attack.commit()
    report = judge(trail, arguments)
    expected = (attack.code, *attack.also)
    assert sorted(codes(report)) == sorted(code.code for code in expected)
    assert report.verdict == Verdict.worst(code.verdict for code in expected)
    finding = first_of(report, attack.code)
    assert finding.span == (attack.span and Span(*attack.span))
    assert finding.key == place(trail, attack)
    assert finding.expected
    assert finding.found


def place(trail, attack):
    if attack.key is None:
        return None
    return attack.key[1:] if attack.key.startswith("/") else trail.folder + attack.key


@pytest.mark.parametrize("name", [attack.name for attack in UNSEEN])
def test_what_does_no_harm_or_can_not_be_seen_is_no_finding(name):
    trail, arguments = BY_NAME[name].commit()
    report = judge(trail, arguments)
    assert codes(report) == []
    assert report.trails[0].not_checked


@pytest.mark.parametrize("make", [three_batches, make_aging, rotated])
def test_trails_are_intact_before_the_attack(make):
    trail = make()
    report = judge(trail, {"pinned": [trail.head]})
    assert (report.verdict, report.trails[0].origin) == ("intact", ORIGIN)
    assert chain_fits(trail)
    assert chain_and_seals_fit(trail)


@pytest.mark.parametrize("name", BY_NAME)
def test_what_lesser_verifiers_see(name):
    attack = BY_NAME[name]
    trail, _ = attack.commit()
    assert (not chain_fits(trail), not chain_and_seals_fit(trail)) == (attack.chain_sees, attack.seals_see)


def test_lesser_verifiers_miss_whole_kinds_of_attacks():
    kinds = {attack.code.name for attack in ATTACKS}
    assert kinds - {each.code.name for each in ATTACKS if each.chain_sees} == NEVER_SEEN_BY_THE_CHAIN_ALONE
    assert kinds - {each.code.name for each in ATTACKS if each.seals_see} == NEVER_SEEN_BY_CHAIN_AND_SEALS


def test_attacks_have_names_of_their_own():
    assert len(BY_NAME) == len(ATTACKS) + len(UNSEEN)
    assert {attack.power for attack in ATTACKS} == set(Power)


def test_attacks_share_a_code_for_a_reason_only():
    shared = {code for code, count in Counter(attack.code for attack in ATTACKS).items() if count > 1}
    assert {code.code for code in shared} == {code.code for code in SHARED}


def test_the_page_is_made_from_the_corpus():
    assert runpy.run_path(str(PAGE_SCRIPT))["main"](["--check"]) == 0
