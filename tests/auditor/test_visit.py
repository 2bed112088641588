"""Visits: each goes on from the last, reads what is new, and says what a whole verification would."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from attacks.attack import three_batches
from attacks.corpus import ATTACKS
from auditor.builders import NOW, codes, make_rotated, make_trail, policy_of, policy_with, verify
from auditor.counting import CountingStore
from sealtrail_auditor.errors import ScopeError, StateError
from sealtrail_auditor.scope import Scope
from sealtrail_auditor.trail_result import TrailResult
from sealtrail_auditor.verify import verify_archive
from sealtrail_auditor.visit import Visit
from sealtrail_schemas.canonical_json import dumps_canonical, loads_canonical
from sealtrail_schemas.layout import batch_key, key_change_key

NOTHING_PINNED = sha256().hexdigest()


class Auditor:
    """Visits trails, and keeps the state as a file would."""

    def __init__(self, *trails):
        self.trails = trails
        self.state = None

    def visit(self, **options):
        policy = policy_of(*self.trails)
        visit = Visit() if self.state is None else Visit.parse(self.state, policy)
        try:
            return verify(*self.trails, visit=visit, **options)
        finally:
            self.state = visit.to_bytes()


def refunds(*counts, **options):
    """A trail beside the one that is visited."""
    return make_trail(*counts, origin="audit.example.com/refunds/0", seed=b"\x05" * 32, **options)


def grow(trail, *counts):
    for count in counts:
        for _ in range(count):
            trail.event(b'{"n":%d}' % trail.size)
        trail.seal()


def story(report):
    """What a report says, but for what it says of visits."""
    members = report.to_json()
    for trail in members["trails"]:
        trail["not_checked"] = [line for line in trail["not_checked"] if "visits before" not in line]
        for member in ("since", "looked_at", "entries_verified", "batches_verified", "bytes_read", "kinds"):
            trail.pop(member)
    return members


class RotatedAuditor:
    """Visits a trail whose key changes, under the policy that names this key."""

    def __init__(self, trail, seed: bytes):
        self.trail, self.seed, self.state = trail, seed, None

    def visit(self, **options):
        policy = policy_with(self.trail, self.seed)
        visit = Visit() if self.state is None else Visit.parse(self.state, policy)
        try:
            return verify_archive(self.trail.store, policy, visit=visit, **({"now": NOW} | options))
        finally:
            self.state = visit.to_bytes()


def test_the_next_visit_reads_what_is_new():
    trail = make_trail(4, 4)
    auditor = Auditor(trail)
    assert auditor.visit().trails[0].entries_verified == 8
    grow(trail, 3)
    store, trail.store = trail.store, CountingStore(trail.store)
    report = auditor.visit()
    [part] = report.trails
    assert (part.entries_verified, part.since.size, tuple(part.looked_at)) == (3, 8, (8, 10))
    assert (report.verdict, part.size, part.root) == ("intact", 11, trail.edge.root())
    assert {key for key in trail.store.opened if "/batches/" in key} == {trail.placed[2].batch}
    trail.store = store
    assert auditor.visit().trails[0].entries_verified == 0


def test_the_cost_is_in_proportion_to_what_is_new():
    trail = make_trail(*[2] * 400)
    auditor = Auditor(trail)
    auditor.visit()
    grow(trail, 2, 2)
    trail.store = CountingStore(trail.store)
    auditor.visit(progress=lambda _: None)
    assert trail.store.requests < 30
    assert len(trail.store.listed) < 30


def test_visits_to_a_growing_trail_say_what_one_verification_says():
    trail = make_trail(3, 1)
    auditor = Auditor(trail)
    for number in range(4):
        report = auditor.visit()
        whole = verify(trail, pinned=[trail.head] if number else [])
        assert story(report) == story(whole), number
        trail.control()
        grow(trail, 2)


def test_junk_is_told_by_each_visit_as_by_one_verification():
    trail = make_trail(4, 4)
    auditor = Auditor(trail)
    trail.store.put(trail.folder + "readme.txt", b"junk", retention=None)
    trail.store.put(trail.folder + "seals/readme.txt", b"junk", retention=None)
    trail.store.put(trail.folder + "batches/readme.txt", b"junk", retention=None)
    trail.store.put(trail.folder + batch_key(6), b"junk", retention=None)
    for _ in range(3):
        report = auditor.visit()
        assert report.verdict == "unprotected"
        assert sorted(codes(report)) == sorted(codes(verify(trail)))
        grow(trail, 2)


def test_a_name_behind_all_batches_does_not_hide_new_ones_from_the_next_visit():
    trail = make_trail(3, 2)
    auditor = Auditor(trail)
    trail.store.put(trail.folder + "batches/readme.txt", b"junk", retention=None)
    auditor.visit()
    grow(trail, 1)
    trail.store.put(trail.placed[-1].batch, b"other", retention=None, only_if_absent=False)
    report = auditor.visit()
    assert "ST-OBJECT-VERSIONS" in codes(report)
    assert sorted(codes(report)) == sorted(codes(verify(trail)))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_an_attack_is_told_by_the_first_visit_and_by_the_next(attack):
    trail = attack.make()
    options = attack.do(trail) or {}
    whole = verify(trail, **options)
    auditor = Auditor(trail)
    first, second = auditor.visit(**options), auditor.visit(**options)
    assert story(first) == story(whole)
    assert sorted(codes(second)) == sorted(codes(whole))
    assert second.verdict == whole.verdict


def let_hold(store, objects):
    """Let a memory store hold these objects and no others."""
    store._objects, store._keys = objects, sorted(objects)


@pytest.mark.parametrize(
    "attack",
    [attack for attack in ATTACKS if attack.make is three_batches and attack.span and attack.span[0] >= 4],
    ids=lambda attack: attack.name,
)
def test_an_attack_behind_the_last_visit_is_told(attack):
    """The first batch alone was there when the visit before was made."""
    trail = attack.make()
    auditor = Auditor(trail)
    objects = trail.store._objects
    later = {key for placed in trail.placed[1:] for key in (placed.seal, placed.batch)}
    let_hold(trail.store, {key: versions for key, versions in objects.items() if key not in later})
    assert auditor.visit().verdict == "intact"
    let_hold(trail.store, objects)
    options = attack.do(trail) or {}
    assert sorted(codes(auditor.visit(**options))) == sorted(codes(verify(trail, **options)))


def test_a_cut_tail_is_what_a_pinned_head_says():
    trail = make_trail(4, 4, 4)
    auditor = Auditor(trail)
    auditor.visit()
    kept = auditor.state
    trail.store.erase(trail.placed[2].seal)
    trail.store.erase(trail.placed[2].batch)
    assert codes(auditor.visit()) == ["ST-HEAD-CUT"]
    assert codes(auditor.visit()) == ["ST-HEAD-CUT"]
    assert auditor.state == kept


def test_another_history_is_what_a_pinned_head_says():
    auditor = Auditor(make_trail(4, 4))
    auditor.visit()
    rewritten = make_trail(4)
    for _ in range(6):
        rewritten.event(b"another")
    rewritten.seal()
    auditor.trails = (rewritten,)
    assert codes(auditor.visit()) == ["ST-HEAD-ROOT"]


def test_another_seal_of_the_same_size_begins_anew():
    auditor = Auditor(make_trail(4, 4))
    auditor.visit()
    rewritten = make_trail(4)
    for _ in range(4):
        rewritten.event(b"another")
    rewritten.seal()
    auditor.trails = (rewritten,)
    report = auditor.visit()
    assert codes(report) == ["ST-HEAD-ROOT"]
    assert report.trails[0].entries_verified == 8


def test_a_trail_that_is_gone_is_absent():
    trail, other = make_trail(4), refunds(4)
    auditor = Auditor(trail)
    auditor.visit()
    auditor.trails = (trail, other)
    for key in list(trail.store._objects):
        trail.store.erase(key)
    refunds(3, store=trail.store)
    assert codes(auditor.visit()) == ["ST-TRAIL-ABSENT"]


def test_what_is_damaged_is_looked_at_again_until_it_is_mended():
    trail = make_trail(4)
    auditor = Auditor(trail)
    auditor.visit()
    grow(trail, 4)
    placed = trail.placed[1]
    trail.store.corrupt(placed.batch, placed.batch_version, b"")
    assert codes(auditor.visit()) == ["ST-BATCH-EMPTY"]
    assert codes(auditor.visit()) == ["ST-BATCH-EMPTY"]
    trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes)
    report = auditor.visit()
    assert (report.verdict, report.trails[0].entries_verified) == ("intact", 4)


def test_a_damaged_trail_keeps_no_other_from_moving_on():
    trail = make_trail(4)
    other = refunds(4, store=trail.store)
    auditor = Auditor(trail, other)
    trail.store.corrupt(trail.placed[0].batch, trail.placed[0].batch_version, b"")
    auditor.visit()
    report = auditor.visit()
    since = {part.origin: part.since and part.since.size for part in report.trails}
    assert since == {trail.origin: None, other.origin: 4}


def test_a_second_history_is_told_by_a_later_visit():
    trail = make_trail(4)
    auditor = Auditor(trail)
    auditor.visit()
    make_trail(4, store=trail.store, incarnation=b"\x09" * 16)
    assert codes(auditor.visit()) == ["ST-TRAIL-FORKED"]


def test_an_older_head_is_said_not_to_have_been_compared():
    trail = make_trail(4, 4)
    auditor = Auditor(trail)
    auditor.visit()
    report = auditor.visit(pinned=[trail.checkpoint_at(2)])
    assert (codes(report), report.verdict) == (["ST-HEAD-UNCOMPARED"], "unverifiable")
    assert report.trails[0].heads_uncompared == (2,)


def test_a_head_that_the_visit_before_has_compared_is_compared_again():
    trail = make_trail(4, 4)
    auditor = Auditor(trail)
    old = trail.checkpoint_at(2)
    for count in (0, 0, 3):
        for _ in range(count):
            trail.event()
        _ = trail.seal() if count else None
        assert codes(auditor.visit(pinned=[old])) == []
    assert codes(auditor.visit(pinned=[trail.checkpoint_at(2, root=bytes(32))])) == ["ST-HEAD-ROOT"]


def test_the_time_of_the_last_visit_is_told():
    trail = make_trail(4)
    auditor = Auditor(trail)
    auditor.visit(now=NOW)
    auditor.visit(now=NOW + timedelta(hours=1))
    [part] = auditor.visit(now=NOW + timedelta(hours=2)).trails
    assert part.since.visited_at == NOW + timedelta(hours=1)
    assert any("2026-11-23T10:30:00Z" in sentence for sentence in part.not_checked)


def test_trails_of_another_policy_stay_in_the_state():
    trail = make_trail(4)
    other = refunds(4, store=trail.store)
    auditor = Auditor(trail, other)
    auditor.visit()
    auditor.trails = (trail,)
    auditor.visit()
    auditor.trails = (trail, other)
    assert [part.since.size for part in auditor.visit().trails] == [4, 4]


@pytest.mark.parametrize("scope", [Scope(first=1), Scope(last=3)])
def test_a_visit_is_of_the_whole(scope):
    with pytest.raises(ScopeError):
        Auditor(make_trail(4)).visit(scope=scope)


# Interruptions


class Stopped(BaseException):
    pass


def make_busy_trail():
    """A trail with something of everything that a visit has to remember."""
    trail = make_trail(3, 2)
    trail.rejected()
    trail.control()
    trail.seal()
    grow(trail, 2, 2, 2, 2)
    store, placed = trail.store, trail.placed
    store.corrupt(placed[1].batch, placed[1].batch_version, placed[1].batch_bytes[:-9])
    store.erase(placed[3].seal)
    store.put(trail.folder + batch_key(4), b"junk", retention=None)
    store.put(placed[4].seal, b"junk", retention=None, only_if_absent=False)
    store.put(trail.folder + "seals/00000000000000000010.seal", b"junk", retention=None)
    store.put(trail.folder + "batches/readme.txt", b"junk", retention=None)
    refunds(3, 3, store=store)
    return trail


def stopped_at(auditor, store, number, **options):
    trail = auditor.trails[0]
    trail.store = CountingStore(store, fail_at=number, error=Stopped)
    try:
        return auditor.visit(**options)
    except Stopped:
        return None
    finally:
        trail.store = store


def both(trail):
    return Auditor(trail, refunds(3))


def test_an_interruption_anywhere_changes_nothing():
    trail = make_busy_trail()
    pinned = [trail.checkpoint_at(4), trail.head]
    whole = both(trail).visit(pinned=pinned).to_json()
    number = 0
    while True:
        number += 1
        auditor = both(trail)
        if stopped_at(auditor, trail.store, number, pinned=pinned) is not None:
            break
        assert auditor.visit(pinned=pinned).to_json() == whole, number
    assert number > 40


@given(st.lists(st.integers(1, 30), max_size=12))
@settings(max_examples=10, deadline=None)
def test_many_interruptions_change_nothing(numbers):
    trail = make_busy_trail()
    whole = both(trail).visit().to_json()
    auditor = both(trail)
    for number in numbers:
        if stopped_at(auditor, trail.store, number) is not None:
            return
    assert auditor.visit().to_json() == whole


def test_an_interruption_while_results_are_added_up_changes_nothing(monkeypatch):
    trail = make_busy_trail()
    whole = both(trail).visit().to_json()
    add_batch = TrailResult.add_batch
    for number in range(1, 7):
        auditor, calls = both(trail), []

        def stopping(self, outcome, span, calls=calls, number=number):
            add_batch(self, outcome, span)
            calls.append(span)
            if len(calls) == number:
                raise Stopped

        with monkeypatch.context() as patch:
            patch.setattr(TrailResult, "add_batch", stopping)
            with pytest.raises(Stopped):
                auditor.visit()
        assert auditor.visit().to_json() == whole, number


def test_what_was_read_is_not_read_again():
    trail = make_trail(*[2] * 20)
    auditor = Auditor(trail)
    read = CountingStore(trail.store)
    assert stopped_at(auditor, read, 70) is None
    before = len([key for key in read.opened if "/batches/" in key])
    assert 5 < before < 18
    trail.store = read
    assert auditor.visit().verdict == "intact"
    assert len([key for key in read.opened if "/batches/" in key]) <= 21


def test_a_visit_with_other_heads_begins_anew():
    trail = make_trail(*[2] * 20)
    auditor = Auditor(trail)
    stopped_at(auditor, trail.store, 70)
    report = auditor.visit(pinned=[trail.checkpoint_at(1, root=bytes(32))])
    assert codes(report) == ["ST-HEAD-ROOT"]


def test_an_interrupted_visit_can_be_dropped():
    trail = make_trail(*[2] * 20)
    auditor = Auditor(trail)
    stopped_at(auditor, trail.store, 70)
    visit = Visit.parse(auditor.state, policy_of(trail))
    assert visit.is_interrupted
    visit.drop_interrupted()
    assert not visit.is_interrupted
    trail.store = CountingStore(trail.store)
    verify(trail, visit=visit)
    assert len([key for key in trail.store.opened if "/batches/" in key]) == 20


def test_a_seal_that_changed_after_the_interruption_begins_the_trail_anew():
    trail = make_trail(*[2] * 20)
    auditor = Auditor(trail)
    stopped_at(auditor, trail.store, 70)
    for placed in trail.placed[:19]:
        trail.store.corrupt(placed.seal, placed.seal_version, b"")
    [finding] = auditor.visit().all_findings()
    assert (finding.code.code, finding.objects) == ("ST-SEAL-EMPTY", 19)


# Key changes

ONE, TWO, THREE = (bytes([number]) * 32 for number in (1, 2, 3))


@pytest.mark.parametrize("seeds", [(ONE, ONE, ONE), (ONE, TWO, THREE), (THREE, TWO, ONE)])
def test_visits_go_on_across_key_changes(seeds):
    """Whichever key the policy names, and if it names another one meanwhile."""
    trail = make_trail(4) if seeds[0] == ONE else make_rotated(TWO, THREE)
    auditor = RotatedAuditor(trail, ONE)
    for seed, new in zip(seeds, (TWO, THREE, None), strict=True):
        auditor.seed = seed
        before = trail.size
        report = auditor.visit()
        assert codes(report) == []
        assert report.trails[0].size == before
        if new is not None and seeds[0] == ONE:
            trail.event()
            trail.rotate(new)
        grow(trail, 2)
    visited = auditor.visit().trails[0]
    assert (visited.verdict, visited.since.size) == ("intact", trail.size - 2)


def test_what_was_done_is_told_by_the_visit_that_reads_it():
    trail = make_trail(4)
    auditor = RotatedAuditor(trail, ONE)
    auditor.visit()
    trail.rotate(TWO)
    grow(trail, 2)
    for told in ([4], []):
        [part] = auditor.visit().trails
        assert [control.sequence for control in part.statements] == told
        assert not any("key change" in sentence for sentence in part.not_checked)


def test_a_lost_note_of_a_change_that_was_visited_is_told():
    trail = make_trail(4)
    trail.rotate(TWO)
    grow(trail, 2)
    auditor = RotatedAuditor(trail, ONE)
    auditor.visit()
    trail.store.erase(trail.folder + key_change_key(5))
    grow(trail, 2)
    assert codes(auditor.visit()) == ["ST-KEY-UNLISTED"]


@pytest.mark.parametrize("lost", [(), (5,)], ids=["all notes", "a note is missing"])
def test_interruptions_around_key_changes_change_nothing(lost):
    trail = make_rotated(TWO, THREE)
    for size in lost:
        trail.store.erase(trail.folder + key_change_key(size))
    trail.go_on()
    trail.lose(5)
    trail.seal()
    pinned = [] if lost else [trail.head]  # a head under a newer key has that key looked for at once
    for trusted in (ONE, THREE):
        whole = RotatedAuditor(trail, trusted).visit(pinned=pinned).to_json()
        number, store = 0, trail.store
        while True:
            number += 1
            auditor = RotatedAuditor(trail, trusted)
            trail.store = CountingStore(store, fail_at=number, error=Stopped)
            try:
                auditor.visit(pinned=pinned)
                break
            except Stopped:
                trail.store = store
            assert auditor.visit(pinned=pinned).to_json() == whole, number
        trail.store = store
        assert number > 30


# The state file


def test_the_state_is_canonical_and_stable():
    trail = make_busy_trail()
    auditor = both(trail)
    stopped_at(auditor, trail.store, 30)
    for state in (auditor.state, auditor.visit() and auditor.state):
        loads_canonical(state, 1 << 20)
        assert Visit.parse(state, policy_of(*auditor.trails)).to_bytes() == state


def test_no_change_of_the_state_crashes():
    trail = make_busy_trail()
    auditor = both(trail)
    stopped_at(auditor, trail.store, 40)
    policy = policy_of(*auditor.trails)

    def replaced(value, path=()):
        yield path
        members = (
            value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        )
        for name, member in members:
            yield from replaced(member, (*path, name))

    tried = 0
    for path in replaced(loads_canonical(auditor.state, 1 << 20)):
        for other in (None, "", "x", -1, [], ["1"], {}, {"x": "1"}):
            changed = loads_canonical(auditor.state, 1 << 20)
            if path:
                inner = changed
                for name in path[:-1]:
                    inner = inner[name]
                inner[path[-1]] = other
            elif not isinstance(other, dict):
                continue
            else:
                changed = other
            tried += 1
            with suppress(StateError):
                Visit.parse(dumps_canonical(changed), policy)
    assert tried > 500


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"junk", b'{"format":"sealtrail/state/v2"}', b"[" * 100_000]
)
def test_what_is_no_state_is_refused(data):
    with pytest.raises(StateError):
        Visit.parse(data, policy_of(make_trail(1)))


def test_a_state_of_another_key_is_refused():
    auditor = Auditor(make_trail(4))
    auditor.visit()
    auditor.trails = (make_trail(4, seed=b"\x07" * 32),)
    with pytest.raises(StateError, match="another policy"):
        auditor.visit()


def test_a_tail_cut_after_the_interruption_is_told():
    trail = make_trail(4, 4, 4)
    visit = Visit()
    verify(trail, visit=visit)
    for begun_only in (True, False):
        state = loads_canonical(visit.to_bytes(), 1 << 20)
        interrupted = {folder: saved | {"visited_at": None} for folder, saved in state["trails"].items()}
        earlier = Visit()
        if not begun_only:
            verify(make_trail(4), visit=earlier)
        trails = loads_canonical(earlier.to_bytes(), 1 << 20)["trails"]
        state |= {"trails": trails, "interrupted": {"pinned": NOTHING_PINNED, "trails": interrupted}}
        auditor = Auditor(make_trail(4, 4))
        auditor.state = dumps_canonical(state)
        assert codes(auditor.visit()) == ["ST-HEAD-CUT"], begun_only
