"""Control entries: statements of the trail's key, each at its place, are told; anything else is a finding."""

from __future__ import annotations

import pytest

from auditor.builders import NOW, RAW, YEAR, codes, make_trail, verify
from sealtrail_auditor.findings import Span
from sealtrail_schemas.body import TopicRef
from sealtrail_schemas.control import Continuation, Gap, KeyChange
from sealtrail_schemas.keys import Signer

TWO, THIEF = b"\x02" * 32, b"\x09" * 32
TOPIC = TopicRef("payments.chained", b"d" * 16)
HERE = Span(3, 3)


@pytest.fixture
def trail():
    """Three entries, and what a test adds to them."""
    return make_trail(3)


def told(trail):
    [part] = verify(trail).trails
    return [(control.sequence, control.name) for control in part.statements]


def finding(trail):
    """The one finding of a trail whose newest batch holds an entry that a test has made wrong."""
    trail.event()
    trail.seal()
    report = verify(trail)
    [found] = report.all_findings()
    assert report.trails[0].statements == ()
    assert (found.span, found.key) == (HERE, trail.placed[-1].batch)
    return found.code.code, report.verdict


def thief(trail) -> Signer:
    return Signer.from_seed(trail.origin, THIEF)


def test_what_was_done_to_the_trail_is_told(trail):
    trail.go_on()
    trail.event()
    trail.lose(17)
    trail.event()
    trail.seal()
    report = verify(trail)
    assert (report.verdict, codes(report)) == ("intact", [])
    assert told(trail) == [(3, "continuation"), (5, "gap")]
    continuation, gap = report.trails[0].statements
    assert continuation.deed == Continuation(TOPIC, "chained-topic-lost")
    assert gap.deed == Gap(RAW, gap.deed.first_lost, gap.deed.first_lost + 17)


def test_names_of_other_versions_are_not_understood_and_no_finding(trail):
    trail.control()
    trail.seal()
    [part] = verify(trail).trails
    assert part.verdict == "intact"
    assert any("1 control entries, from entry 3 on" in sentence for sentence in part.not_checked)


class TestNotSignedByTheTrail:
    @pytest.mark.parametrize("name", ["key-change", "continuation", "gap"])
    def test_no_statement(self, trail, name):
        trail.state(name, None)
        assert finding(trail) == ("ST-CONTROL-FORGED", "tampered")

    def test_a_continuation_by_another_key(self, trail):
        key = thief(trail)
        trail.state("continuation", trail.statement(Continuation(TOPIC, "lost"), key))
        assert finding(trail) == ("ST-CONTROL-FORGED", "tampered")

    def test_a_gap_by_another_key(self, trail):
        gap = Gap(trail.raw, trail.next_offset, trail.next_offset + 5)
        note = trail.statement(gap, thief(trail))
        trail.state("gap", note, next_source_offset=trail.next_offset + 5)
        assert finding(trail) == ("ST-CONTROL-FORGED", "tampered")

    def test_a_key_change_by_another_key(self, trail):
        keys = [thief(trail), Signer.from_seed(trail.origin, TWO)]
        note = trail.statement(KeyChange(*(key.verifier for key in keys)), *keys)
        trail.state("key-change", note)
        assert finding(trail) == ("ST-CONTROL-FORGED", "tampered")

    def test_a_statement_that_was_changed(self, trail):
        note = trail.statement(Continuation(TOPIC, "lost"))
        trail.state("continuation", note.replace(b"as agreed", b"as wished"))
        assert finding(trail) == ("ST-CONTROL-FORGED", "tampered")


class TestAtAnotherPlace:
    @pytest.mark.parametrize(
        "changes", [{"sequence": 4}, {"previous_hash": b"x" * 32}, {"trail_id": b"x" * 32}]
    )
    def test_a_statement_of_another_entry(self, trail, changes):
        trail.state("continuation", trail.statement(Continuation(TOPIC, "lost"), **changes))
        assert finding(trail) == ("ST-CONTROL-MISPLACED", "tampered")

    def test_a_statement_that_says_something_else_than_its_body(self, trail):
        trail.state("gap", trail.statement(Continuation(TOPIC, "lost")))
        assert finding(trail) == ("ST-CONTROL-MISPLACED", "tampered")

    def test_a_key_change_that_is_not_the_last_entry_of_its_batch(self, trail):
        keys = [trail.signer, Signer.from_seed(trail.origin, TWO)]
        trail.state("key-change", trail.statement(KeyChange(*(key.verifier for key in keys)), *keys))
        assert finding(trail) == ("ST-CONTROL-MISPLACED", "tampered")


class TestGaps:
    @pytest.mark.parametrize(
        ("first_lost", "first_kept", "jump"), [(1, 7, 5), (2, 8, 5), (0, 7, 5), (2, 7, 4)]
    )
    def test_other_offsets_than_those_of_the_entries(self, trail, first_lost, first_kept, jump):
        """The trail stands at offset 2."""
        assert trail.next_offset == 2
        note = trail.statement(Gap(trail.raw, first_lost, first_kept))
        trail.state("gap", note, next_source_offset=2 + jump)
        assert finding(trail) == ("ST-GAP-OFFSETS", "tampered")

    def test_offsets_that_jump_without_a_statement_are_legal(self, trail):
        """Compaction and transaction markers leave such gaps in every topic."""
        trail.event(source_offset=40, next_source_offset=41)
        trail.seal()
        assert codes(verify(trail)) == []

    def test_a_gap_at_the_start_of_a_batch_whose_predecessor_is_gone(self, trail):
        """Where the entry before is not known, its next offset can't be compared."""
        trail.lose(9)
        trail.seal()
        trail.store.erase(trail.placed[0].seal)
        trail.store.erase(trail.placed[0].batch)
        assert codes(verify(trail, now=NOW + 2 * YEAR)) == []


def test_a_statement_of_a_format_to_come_is_no_forgery(trail):
    note = trail.statement(Continuation(TOPIC, "lost")).replace(b"control/v1", b"control/v2")
    trail.state("continuation", note)
    assert finding(trail) == ("ST-ENTRY-BODY", "unverifiable")


def test_what_a_damaged_batch_states_is_not_told(trail):
    trail.go_on()
    trail.event()
    placed = trail.seal()
    trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes[:-40])
    assert told(trail) == []
