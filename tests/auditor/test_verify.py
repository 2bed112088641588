"""verify_archive as a whole: which trails it looks at, what it counts, and what it says it did not check."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from auditor.builders import NOW, ORIGIN, TrailMaker, codes, make_trail, new_store, policy_of, verify
from sealtrail_auditor.errors import ListingOrderError, TrailSelectionError
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.body import TopicRef
from sealtrail_schemas.errors import UnknownFormatError
from sealtrail_schemas.policy import Policy

REFUNDS = "audit.example.com/refunds/0"


@pytest.mark.parametrize("codec", ["null", "deflate"])
def test_a_sealed_trail_is_intact(codec):
    trail = make_trail(3, 1, 4, codec=codec)
    report = verify(trail, pinned=[trail.head])
    assert (report.verdict, report.exit_code, codes(report)) == ("intact", 0, [])
    [of_trail] = report.trails
    assert (of_trail.origin, of_trail.folder) == (ORIGIN, trail.folder)
    assert (of_trail.size, of_trail.entries_verified, of_trail.batches_verified) == (8, 8, 3)
    assert of_trail.bytes_read == sum(len(placed.batch_bytes) for placed in trail.placed)
    assert of_trail.root == trail.edge.root()
    assert of_trail.head == trail.head
    assert of_trail.first_time == datetime.fromtimestamp(trail.leaves[0].chained_at_ms / 1000, UTC)
    assert of_trail.last_time == datetime.fromtimestamp(trail.leaves[-1].chained_at_ms / 1000, UTC)


def test_entries_of_all_kinds_are_counted():
    trail = make_trail(2)
    trail.heartbeat()
    trail.rejected()
    trail.control()
    trail.seal()
    [report] = verify(trail).trails
    assert report.verdict == "intact"
    assert report.kinds == {"genesis": 1, "event": 1, "heartbeat": 1, "rejected": 1, "control": 1}
    assert "1 control entries, from entry 4 on, are not understood by this version." in report.not_checked


def test_a_long_batch_is_followed_in_pieces():
    trail = make_trail(9_000, 2)
    trail.heartbeat()
    trail.event(headers=((b"a", None), (b"b", b"x" * 9000)), key=b"")
    trail.seal()
    report = verify(trail, pinned=[trail.checkpoint_at(8_191), trail.checkpoint_at(4_096)])
    assert codes(report) == []
    assert report.trails[0].entries_verified == 9_004


def test_a_batch_that_waits_for_its_seal_is_no_finding():
    trail = make_trail(2, 2)
    trail.event()
    key = trail.put_unsealed()
    report = verify(trail)
    assert (report.verdict, report.trails[0].in_flight) == ("intact", 1)
    assert f"1 object(s) not yet sealed, from {key} on, were not read." in report.trails[0].not_checked


def test_a_trail_whose_first_batch_waits_is_incomplete():
    trail = TrailMaker(new_store())
    trail.put_unsealed()
    report = verify(trail)
    assert codes(report) == ["ST-TRAIL-UNSEALED"]
    assert report.trails[0].head is None


def test_an_empty_archive_is_incomplete():
    report = verify_archive(new_store(), policy_of(make_trail(1)), now=NOW)
    assert (report.verdict, codes(report), report.trails) == ("incomplete", ["ST-ARCHIVE-EMPTY"], ())


def test_objects_outside_of_trails_are_nobodys():
    trail = make_trail(2)
    for key in (
        "format/0123456789abcdef/format.md",
        "readme",
        "a/b",
        "payments/00/00000000/x",
        "views/payments/0/x",
    ):
        trail.store.put(key, b"x", retention=None)
    assert codes(verify(trail)) == []


def test_several_trails_are_verified_one_by_one():
    trail = make_trail(2, 3)
    refunds = make_trail(4, store=trail.store, origin=REFUNDS, seed=b"\x05" * 32)
    report = verify(trail, refunds)
    assert report.verdict == "intact"
    assert [(one.origin, one.size) for one in report.trails] == [(ORIGIN, 5), (REFUNDS, 4)]


def test_a_policy_for_another_trail_names_both():
    trail = make_trail(2)
    refunds = make_trail(2, origin=REFUNDS, seed=b"\x05" * 32)
    report = verify_archive(trail.store, policy_of(refunds), now=NOW)
    assert report.verdict == "incomplete"
    absent, unnamed = report.all_findings()
    assert (absent.code.code, absent.origin) == ("ST-TRAIL-ABSENT", REFUNDS)
    assert trail.folder in absent.found
    assert (unnamed.code.code, unnamed.origin) == ("ST-TRAIL-UNNAMED", None)
    assert REFUNDS in unnamed.expected
    assert ORIGIN in unnamed.found


def test_a_policy_of_another_operator_for_the_same_topic():
    trail = make_trail(2)
    other = make_trail(2, origin="audit.example.org/payments/0", seed=b"\x05" * 32)
    report = verify_archive(trail.store, policy_of(other), now=NOW)
    assert sorted(codes(report)) == ["ST-TRAIL-ABSENT", "ST-TRAIL-UNNAMED"]
    assert ORIGIN in report.trails[0].findings[0].found


def test_a_policy_with_two_operators_of_one_topic():
    trail = make_trail(2)
    other = make_trail(2, origin="audit.example.org/payments/0", seed=b"\x05" * 32, store=trail.store)
    report = verify(trail, other)
    assert sorted(one.origin for one in report.trails) == [ORIGIN, other.origin]
    assert report.verdict == "intact"


def test_selected_trails_alone_are_looked_at():
    trail = make_trail(2)
    refunds = make_trail(2, store=trail.store, origin=REFUNDS, seed=b"\x05" * 32)
    unnamed = make_trail(2, store=trail.store, origin="audit.example.com/users/0", seed=b"\x06" * 32)
    policy = policy_of(trail, refunds)
    assert codes(verify_archive(trail.store, policy, now=NOW)) == ["ST-TRAIL-UNNAMED"]
    report = verify_archive(trail.store, policy, trails=[ORIGIN], now=NOW, pinned=[refunds.head])
    assert (report.verdict, [one.origin for one in report.trails]) == ("intact", [ORIGIN])
    assert "2 other trail folder(s) of the archive were not looked at." in report.not_checked
    assert f"A pinned head of {REFUNDS} was not used: that trail was not selected." in report.not_checked
    with pytest.raises(TrailSelectionError, match=f"does not name the trail '{unnamed.origin}'"):
        verify_archive(trail.store, policy, trails=[unnamed.origin], now=NOW)


def test_two_trails_mixed_in_one_folder():
    trail = make_trail(2, 2)
    refunds = make_trail(3, 2, origin=REFUNDS, seed=b"\x05" * 32)
    for placed in refunds.placed:
        for key, data in ((placed.batch, placed.batch_bytes), (placed.seal, placed.note)):
            moved = trail.folder + key.removeprefix(refunds.folder)
            trail.store.put(moved, data, retention=None, only_if_absent=False)
    report = verify(trail)
    # Seal 3 and batch 3 stand for nothing, seal 5 may have the place of one, batch 0 lies on top of another.
    squatted = ["ST-OBJECT-SQUATTED", "ST-OBJECT-SQUATTED", "ST-OBJECT-VERSIONS", "ST-SEAL-FOREIGN"]
    assert sorted(codes(report)) == squatted
    assert report.verdict == "tampered"
    assert report.trails[0].entries_verified == 4


@pytest.mark.claim("C10")
def test_seals_of_another_key_are_forged_ones_where_the_trail_has_its_own():
    trail = make_trail(2, 2, 2)
    forged = make_trail(2, 2, 2, seed=b"\x05" * 32)
    placed = trail.placed[0]
    trail.store.corrupt(placed.seal, placed.seal_version, forged.placed[0].note)
    report = verify(trail)
    assert codes(report) == ["ST-SEAL-FORGED"]
    assert report.trails[0].findings[0].span == (0, 1)
    assert report.trails[0].entries_verified == 4


def test_damage_does_not_hide_what_lies_behind_it():
    trail = make_trail(3, 3, 3, 3, 3)
    for number in (1, 3):
        placed = trail.placed[number]
        trail.store.corrupt(placed.batch, placed.batch_version, placed.batch_bytes[:-1])
    report = verify(trail, pinned=[trail.checkpoint_at(8), trail.checkpoint_at(4), trail.head])
    assert [finding.key for finding in report.trails[0].findings] == [
        trail.placed[1].batch,
        trail.placed[3].batch,
    ]
    assert report.trails[0].entries_verified == 9
    text = "\n".join(report.trails[0].not_checked)
    assert "For entries 3-5, 9-11 the Merkle tree was not computed from the entries" in text
    assert "the pinned head at size 4 could not be compared" in text
    assert "size 8" not in text


def test_thousands_of_findings_of_one_kind_are_counted(monkeypatch):
    monkeypatch.setattr("sealtrail_auditor.findings.MAX_FINDINGS", 3)
    trail = make_trail(1, 1, 1, 1, 1, 1)
    for number in range(5):
        trail.store.put(f"{trail.folder}batches/{number}", b"", retention=None)
    [report] = verify(trail).trails
    assert len(report.findings) == 3
    assert {code.code: count for code, count in report.findings_left_out.items()} == {"ST-OBJECT-FOREIGN": 2}
    assert report.verdict == "unprotected"


def test_progress_adds_up_over_trails():
    trail = make_trail(5_000, 3)
    refunds = make_trail(4, store=trail.store, origin=REFUNDS, seed=b"\x05" * 32)
    seen = []
    report = verify(trail, refunds, progress=seen.append)
    total = sum(one.bytes_read for one in report.trails)
    assert {step.bytes_total for step in seen} == {total}
    assert [step.entries for step in seen] == sorted(step.entries for step in seen)
    assert [step.bytes_done for step in seen] == sorted(step.bytes_done for step in seen)
    assert (seen[-1].entries, seen[-1].bytes_done, seen[-1].origin) == (5_007, total, REFUNDS)
    assert len(seen) > 4


def test_what_is_not_checked_is_said():
    trail = make_trail(2)
    [without] = verify(trail).trails
    assert len(without.not_checked) == 2
    [with_both] = verify(trail, pinned=[trail.head], max_age=timedelta(hours=1)).trails
    assert with_both.not_checked == ()
    assert verify(trail).not_checked == ("Clocks: times are what the chainer's and the store's clocks said.",)


def test_the_report_is_json():
    trail = make_trail(2, 2)
    trail.store.corrupt(trail.placed[1].batch, trail.placed[1].batch_version, b"")
    report = json.loads(json.dumps(verify(trail).to_json()))
    assert report["format"] == "sealtrail/verify/v1"
    assert (report["verdict"], report["exit_code"]) == ("tampered", 10)
    assert report["verified_at"] == "2026-11-23T09:30:00.000Z"
    [one] = report["trails"]
    assert one["head"] == trail.head.decode()
    assert one["root"] == trail.edge.root().hex()
    assert one["kinds"] == {"event": "1", "genesis": "1"}
    [finding] = one["findings"]
    assert (finding["code"], finding["first_sequence"], finding["last_sequence"]) == (
        "ST-BATCH-EMPTY",
        "2",
        "3",
    )
    assert finding["key"] == trail.placed[1].batch


def test_a_policy_that_asks_for_witnesses_is_refused():
    trail = make_trail(1)
    text = f"log {trail.signer.verifier.vkey}\n"
    witness = TrailMaker(new_store(), seed=b"\x31" * 32).signer.verifier
    from sealtrail_schemas.keys import COSIGNATURE_ED25519, compute_key_id, encode_base64

    key_id = compute_key_id("w.example", COSIGNATURE_ED25519, witness.public_key).hex()
    key = encode_base64(bytes([COSIGNATURE_ED25519]) + witness.public_key)
    policy = Policy.parse(f"{text}witness w w.example+{key_id}+{key}\nquorum w\n".encode())
    with pytest.raises(UnknownFormatError, match="quorum"):
        verify_archive(trail.store, policy, now=NOW)


def test_a_genesis_that_names_another_origin():
    """The holder of one trail's key seals another trail's entries with it."""
    other = make_trail(1, origin=REFUNDS)
    genesis = {
        "origin": REFUNDS,
        "raw_topic": TopicRef("refunds", b"r" * 16),
        "keys": (other.signer.verifier.vkey,),
    }
    trail = TrailMaker(new_store(), genesis=genesis, trail_id_of=REFUNDS)
    trail.seal()
    [finding] = verify(trail).all_findings()
    assert finding.code.code == "ST-GENESIS-BODY"
    assert (finding.expected, finding.found) == (f"origin {ORIGIN}", f"origin {REFUNDS}")


class Growing:
    """A store in which two batches were sealed since the seals were listed."""

    def __init__(self, trail):
        self._trail = trail

    def __getattr__(self, name):
        return getattr(self._trail.store, name)

    def versions(self, prefix, *, after=None, limit=None):
        lines = list(self._trail.store.versions(prefix, after=after))
        if prefix.endswith("seals/") and after is None:
            lines = lines[:-2]
        return iter(lines[:limit])


def test_an_archive_that_grows_while_it_is_verified():
    trail = make_trail(2, 2, 2, 2)
    report = verify_archive(Growing(trail), policy_of(trail), now=NOW)
    assert (report.verdict, report.trails[0].size) == ("intact", 4)
    grew = "The trail grew while it was verified; what was sealed since was not read."
    assert grew in report.trails[0].not_checked


class Disordered:
    """A store that lists names from the last to the first."""

    def __init__(self, store):
        self._store = store

    def __getattr__(self, name):
        return getattr(self._store, name)

    def versions(self, prefix, *, after=None, limit=None):
        lines = list(self._store.versions(prefix, after=after))
        return iter(lines[::-1][:limit])


def test_a_store_that_lists_out_of_order_can_not_be_walked():
    trail = make_trail(2, 2)
    with pytest.raises(ListingOrderError):
        verify_archive(Disordered(trail.store), policy_of(trail), now=NOW)


@pytest.mark.parametrize("name", ["batches0", "seals0", "schemas0", "batches0x", "zzz"])
def test_a_name_just_behind_a_folder_is_not_overlooked(name):
    trail = make_trail(3)
    trail.store.put(f"{trail.folder}schemas/x", b"{}", retention=None)
    trail.store.put(trail.folder + name, b"junk", retention=None)
    foreign = [f.key for f in verify(trail).all_findings() if f.code.code == "ST-OBJECT-FOREIGN"]
    assert foreign == [trail.folder + name]
