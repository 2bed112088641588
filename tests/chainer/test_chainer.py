"""The chainer over the memory log: exactly once, whatever the log does."""

import contextlib

import pytest

from deployment import Deployment, values
from sealtrail_chainer.chainer import Did
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_chainer.true_chain import Linked, TrueChain, take_genesis
from sealtrail_schemas.body import RejectedBody, parse_body
from sealtrail_schemas.chain import genesis_state
from sealtrail_schemas.errors import UnknownFormatError
from sealtrail_schemas.leaf import Kind
from sealtrail_schemas.payload import decode_payload
from sealtrail_transport.errors import LogUnavailableError, WriterFencedError
from sealtrail_transport.log import NewRecord
from sealtrail_transport.memory_faults import AppendFault
from sealtrail_transport.seal_shelf import newest_seal
from sealtrail_transport.trail_folders import trail_folders

FAULTS = [fault for fault in AppendFault if fault is not AppendFault.FENCED]


def true_entries(deployment) -> list[Linked]:
    """The true chain as an archiver would read it, from genesis on."""
    bounds = deployment.log.bounds("events.chained", 0)
    chunk = deployment.log.read("events.chained", 0, bounds.start, max_records=10**6, max_bytes=10**9)
    genesis = take_genesis(chunk.records[0])
    chain = TrueChain(genesis_state(genesis.leaf, genesis.entry_hash))
    taken = [genesis, *(chain.take(record) for record in chunk.records[1:])]
    assert chain.waiting == 0
    return [entry for entry in taken if isinstance(entry, Linked)]


def archived_values(deployment) -> list[bytes | None]:
    return [
        decode_payload(entry.payload).value
        for entry in true_entries(deployment)
        if entry.leaf.kind is Kind.EVENT
    ]


@pytest.mark.claim("C2")
def test_a_new_trail_begins_with_a_genesis_and_then_chains_every_record_in_order():
    deployment = Deployment()
    deployment.publish(*values(25))
    deployment.chain(deployment.chainer(transaction_records=10))
    entries = true_entries(deployment)
    assert [entry.leaf.sequence for entry in entries] == list(range(26))
    assert entries[0].leaf.kind is Kind.GENESIS
    assert archived_values(deployment) == values(25)


def test_headers_keys_and_nulls_come_through_as_they_were():
    deployment = Deployment()
    records = [
        NewRecord(None, None),
        NewRecord(b"", b""),
        NewRecord(b"\xff\x00", b"v", ((b"h", b"1"), (b"h", None), (b"", b""), (b"bad\xff", b"\x00"))),
        NewRecord(None, b"v", ((b"sealtrail.link", b"the producer's own"),)),
        NewRecord(None, b"v", timestamp_ms=-1),
        NewRecord(None, b"v", timestamp_ms=4_102_444_800_000),
    ]
    deployment.log.append_events("events", 0, records)
    deployment.chain()
    payloads = [decode_payload(entry.payload) for entry in true_entries(deployment)[1:]]
    assert [(p.key, p.value, p.headers) for p in payloads] == [(r.key, r.value, r.headers) for r in records]


def test_a_restart_goes_on_where_the_chain_ends():
    deployment = Deployment()
    for start in (0, 3, 6):
        deployment.publish(*values(3, start))
        deployment.chain()
    assert archived_values(deployment) == values(9)
    assert len(true_entries(deployment)) == 10


@pytest.mark.claim("C1")
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_each_append_fault_at_each_append_loses_and_doubles_nothing(fault, at):
    deployment = Deployment()
    deployment.publish(*values(9))
    deployment.log.faults.schedule(*[None] * at, fault)
    chainer = deployment.chainer(transaction_records=5)
    for _ in range(20):
        try:
            chainer.step(now_ms=deployment.clock.now_ms)
        except LogUnavailableError:
            continue
    assert archived_values(deployment) == values(9)


@pytest.mark.claim("C4")
def test_a_transaction_that_lands_late_is_stray_and_forks_nothing():
    """The hole that KIP-890 closes: an old writer's records land behind a newer writer's."""
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(4))
    deployment.log.faults.schedule(AppendFault.UNCERTAIN_DELAYED)
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.DOUBTED
    deployment.chain(chainer)
    deployment.log.faults.land_delayed()
    deployment.publish(*values(2, 4))
    deployment.chain()  # another process, which finds the strays
    assert archived_values(deployment) == values(6)


@pytest.mark.claim("C4")
def test_records_that_land_between_fencing_and_scan_are_found():
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(4))
    deployment.log.faults.schedule(AppendFault.UNCERTAIN_DELAYED)
    chainer.step(now_ms=deployment.clock.now_ms)
    deployment.log.faults.land_delayed()
    deployment.chain(chainer)
    assert archived_values(deployment) == values(4)
    assert len(true_entries(deployment)) == 5


@pytest.mark.claim("C4")
def test_a_genesis_that_lands_in_the_transaction_of_the_next_one_is_the_genesis(monkeypatch):
    """Else the chainer would go on behind its own, and all that it chains would be stray."""
    deployment = Deployment()
    log, append = deployment.log, deployment.log.append_fenced
    log.faults.schedule(AppendFault.UNCERTAIN_DELAYED)
    chainer = deployment.chainer()
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.DOUBTED

    def land_first(*arguments, **options):
        log.faults.land_delayed()
        return append(*arguments, **options)

    monkeypatch.setattr(log, "append_fenced", land_first)
    deployment.publish(*values(3))
    deployment.chain(chainer)
    assert archived_values(deployment) == values(3)


@pytest.mark.claim("C4")
def test_a_newer_chainer_fences_the_older_one():
    deployment = Deployment()
    older = deployment.chain()
    newer = deployment.chain()
    deployment.publish(*values(2))
    with pytest.raises(WriterFencedError):
        older.step(now_ms=deployment.clock.now_ms)
    deployment.chain(newer)
    assert archived_values(deployment) == values(2)


def test_a_heartbeat_after_idle_time_and_none_before():
    deployment = Deployment()
    chainer = deployment.chain(deployment.chainer(heartbeat_after_ms=1_000))
    deployment.clock.now_ms += 999
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.IDLE
    deployment.clock.now_ms += 1
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.HEARTBEAT
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.IDLE
    assert [entry.leaf.kind for entry in true_entries(deployment)] == [Kind.GENESIS, Kind.HEARTBEAT]


@pytest.mark.claim("C7")
def test_a_record_that_spoils_its_transaction_is_found_and_stated_as_rejected():
    deployment = Deployment()
    deployment.publish(*values(7), b"poison", *values(7, 7))
    deployment.log.faults.refuse(lambda record: record.value == b"poison")
    chainer = deployment.chainer()
    chainer.step(now_ms=0)
    step = chainer.step(now_ms=0)
    assert (step.entries, len(step.rejected)) == (15, 1)
    assert "events offset 7: the log refuses" in step.rejected[0]
    entries = true_entries(deployment)
    assert archived_values(deployment) == values(14)
    rejected = entries[8]
    assert (rejected.leaf.kind, rejected.leaf.source_offset) == (Kind.REJECTED, 7)
    body = parse_body(Kind.REJECTED, decode_payload(rejected.payload).value)
    assert isinstance(body, RejectedBody)
    assert (body.source_offset, body.size) == (7, len(b"poison"))
    assert body.sha256 is not None


@pytest.mark.claim("C7")
def test_an_unreadable_record_is_stated_as_rejected_without_a_hash():
    deployment = Deployment()
    deployment.publish(*values(3))
    deployment.log.faults.make_unreadable("events", 0, 1, "a header key that the client can't decode")
    step = (chainer := deployment.chainer()).step(now_ms=0)
    step = chainer.step(now_ms=0)
    assert step.rejected == ("events offset 1: a header key that the client can't decode",)
    body = parse_body(Kind.REJECTED, decode_payload(true_entries(deployment)[2].payload).value)
    assert isinstance(body, RejectedBody)
    assert (body.sha256, body.reason) == (None, "a header key that the client can't decode")


def stop_code(deployment) -> StopCode:
    with pytest.raises(LineStoppedError) as stopped:
        deployment.chain()
    return stopped.value.code


def chained_and_sealed() -> Deployment:
    deployment = Deployment()
    deployment.publish(*values(5))
    deployment.chain()
    deployment.archive()
    return deployment


@pytest.mark.claim("C6")
@pytest.mark.parametrize("sealed", [False, True], ids=["unsealed", "sealed"])
@pytest.mark.parametrize("topic", ["events", "events.chained"])
def test_a_topic_made_anew_stops_the_line(topic, sealed):
    deployment = chained_and_sealed() if sealed else Deployment()
    deployment.chain()
    deployment.log.faults.recreate_topic(topic)
    if topic == "events.chained" and not sealed:
        deployment.chain()  # nothing of the old trail is known anywhere: this is a new one
        assert len(true_entries(deployment)) == 1
    else:
        assert stop_code(deployment) is StopCode.TOPIC_RECREATED


@pytest.mark.claim("C7")
def test_raw_retention_that_overtook_the_chainer_stops_it_and_says_what_is_gone():
    deployment = Deployment()
    deployment.publish(*values(3))
    deployment.chain()
    deployment.publish(*values(5, 3))
    deployment.log.faults.lose_start("events", 0, 6)
    with pytest.raises(LineStoppedError, match="events offsets 4 to 5 were deleted") as stopped:
        deployment.chain()
    assert stopped.value.code is StopCode.RAW_OVERTAKEN


@pytest.mark.claim("C6")
def test_a_raw_topic_that_lost_what_was_chained_stops_the_line():
    deployment = Deployment()
    deployment.publish(*values(5))
    deployment.chain()
    deployment.log.faults.lose_end("events", 0, 2)
    assert stop_code(deployment) is StopCode.RAW_TRUNCATED


@pytest.mark.claim("C6")
def test_a_chained_topic_that_ends_below_the_sealed_head_stops_the_line():
    deployment = chained_and_sealed()
    deployment.log.faults.lose_end("events.chained", 0, 3)
    assert stop_code(deployment) is StopCode.CHAINED_TRUNCATED


@pytest.mark.claim("C6")
def test_a_chained_topic_that_lost_what_was_not_sealed_stops_the_line():
    deployment = chained_and_sealed()
    deployment.publish(*values(5))
    deployment.chain()
    deployment.log.faults.lose_start("events.chained", 0, deployment.log.bounds("events.chained", 0).end)
    assert stop_code(deployment) is StopCode.CHAINED_OVERTAKEN


@pytest.mark.claim("C6")
def test_acknowledged_entries_that_are_gone_stop_the_line():
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(5))
    deployment.chain(chainer)
    deployment.log.faults.lose_end("events.chained", 0, 4)
    deployment.publish(*values(1, 5))
    deployment.log.faults.schedule(AppendFault.UNCERTAIN_LOST)
    chainer.step(now_ms=0)
    with pytest.raises(LineStoppedError) as stopped:
        chainer.step(now_ms=0)
    assert stopped.value.code is StopCode.ACKNOWLEDGED_LOST


def test_a_chained_topic_that_held_something_else_gets_no_genesis():
    deployment = Deployment()
    deployment.log.faults.write_foreign("events.chained", 0, NewRecord(None, b"hello"))
    assert stop_code(deployment) is StopCode.NO_GENESIS


def test_offsets_of_aborted_transactions_do_not_hinder_a_genesis():
    deployment = Deployment()
    deployment.log.faults.burn_offsets("events.chained", 0, 3)
    deployment.publish(*values(2))
    deployment.chain()
    assert archived_values(deployment) == values(2)


@pytest.mark.claim("C6")
def test_a_chained_topic_whose_beginning_is_gone_gets_no_second_genesis():
    deployment = Deployment()
    deployment.chain()
    deployment.log.faults.lose_start("events.chained", 0, deployment.log.bounds("events.chained", 0).end)
    assert stop_code(deployment) is StopCode.CHAINED_OVERTAKEN


def test_the_genesis_of_another_key_stops_the_line():
    deployment = Deployment()
    deployment.chain()
    other = Deployment(seed=1)
    other.log = deployment.log
    assert stop_code(other) is StopCode.FOREIGN_GENESIS


def test_recovery_from_a_seal_reads_no_history():
    deployment = chained_and_sealed()
    deployment.archive(deployment.archiver(trim_after_ms=0))
    assert deployment.log.bounds("events.chained", 0).start > 0
    deployment.publish(*values(2, 5))
    chainer = deployment.chain()
    assert chainer.state.size == 8


@pytest.mark.claim("C5")
@pytest.mark.parametrize("away", range(1, 12))
def test_a_log_that_is_away_at_any_call_is_waited_for(away):
    deployment = Deployment()
    deployment.publish(*values(3))
    chainer = deployment.chainer()
    deployment.log.faults.unavailable(calls=away)
    for _ in range(away + 6):
        try:
            chainer.step(now_ms=0)
        except LogUnavailableError:
            continue
    assert archived_values(deployment) == values(3)


@pytest.mark.claim("C1")
def test_an_outage_in_the_middle_of_a_bisection_doubles_nothing():
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(6), b"poison", *values(6, 6))
    deployment.log.faults.refuse(lambda record: record.value == b"poison")
    deployment.log.faults.schedule(None, AppendFault.UNAVAILABLE)
    for _ in range(4):
        with contextlib.suppress(LogUnavailableError):
            chainer.step(now_ms=deployment.clock.now_ms)
    deployment.chain(chainer)
    assert archived_values(deployment) == values(12)
    assert len(deployment.values()) == 14


@pytest.mark.parametrize("lost", [4, 8])
def test_a_chained_topic_that_loses_its_end_under_a_running_chainer_stops_the_line(lost):
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(10))
    deployment.chain(chainer)
    end = deployment.log.bounds("events.chained", 0).end
    deployment.log.faults.lose_end("events.chained", 0, end - lost)
    deployment.publish(*values(10, 10))
    with pytest.raises(LineStoppedError) as stopped:
        deployment.chain(chainer)
    assert stopped.value.code is StopCode.ACKNOWLEDGED_LOST


def test_markers_that_a_retention_deletes_behind_a_heartbeat_are_not_missed():
    deployment = Deployment()
    deployment.publish(*values(3))
    chainer = deployment.chain(deployment.chainer(heartbeat_after_ms=1_000))
    deployment.log.faults.burn_offsets("events", 0, 2)
    deployment.clock.now_ms += 1_000
    deployment.chain(chainer)
    deployment.log.faults.lose_start("events", 0, deployment.log.bounds("events", 0).end)
    deployment.publish(*values(1, 3))
    deployment.chain()
    assert archived_values(deployment) == values(4)


def test_raw_retention_that_overtakes_a_running_chainer_stops_it():
    deployment = Deployment()
    chainer = deployment.chain()
    deployment.publish(*values(3))
    deployment.log.faults.lose_start("events", 0, 2)
    with pytest.raises(LineStoppedError) as stopped:
        deployment.chain(chainer)
    assert stopped.value.code is StopCode.RAW_OVERTAKEN


@pytest.mark.claim("C7")
def test_more_headers_than_a_payload_may_have_are_stated_as_rejected():
    deployment = Deployment()
    deployment.log.append_events("events", 0, [NewRecord(None, b"v", ((b"h", b""),) * 65_536)])
    deployment.publish(*values(1))
    chainer = deployment.chainer()
    steps = [chainer.step(now_ms=deployment.clock.now_ms) for _ in range(2)]
    told = ("events offset 0: 65536 headers, where at most 65535 are allowed",)
    assert [step.rejected for step in steps] == [(), told]
    kinds = [entry.leaf.kind for entry in true_entries(deployment)]
    assert kinds == [Kind.GENESIS, Kind.REJECTED, Kind.EVENT]


def test_a_reason_that_is_no_text_is_stated_all_the_same():
    deployment = Deployment()
    deployment.publish(*values(1))
    deployment.log.faults.make_unreadable("events", 0, 0, "a header key like \udcff")
    deployment.chain()
    assert true_entries(deployment)[1].leaf.kind is Kind.REJECTED


def test_heartbeats_go_on_after_the_clock_was_set_back():
    deployment = Deployment()
    chainer = deployment.chain(deployment.chainer(heartbeat_after_ms=1_000))
    deployment.clock.now_ms -= 3_600_000
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.IDLE
    deployment.clock.now_ms += 1_000
    assert chainer.step(now_ms=deployment.clock.now_ms).did is Did.HEARTBEAT


def test_a_seal_of_a_newer_format_stops_the_line(monkeypatch):
    deployment = chained_and_sealed()

    def unknown(*_):
        raise UnknownFormatError("seal format 'sealtrail/seal/v2' is unknown to this program")

    monkeypatch.setattr("sealtrail_transport.seal_shelf.open_seal", unknown)
    assert stop_code(deployment) is StopCode.NEWER_FORMAT


@pytest.mark.parametrize("name", ["aaaaaaaa/\U0010ffffx", "aaaaaaaa0", "zz", "aaaaaaaa/seals/x"])
def test_odd_names_beside_a_trail_are_passed_over(name):
    deployment = chained_and_sealed()
    deployment.store.put(f"events/0/{name}", b"junk", retention=None)
    deployment.publish(*values(1, 5))
    deployment.chain()
    deployment.archive()


def test_junk_names_among_the_seals_cost_no_listing_each():
    deployment = chained_and_sealed()
    (folder,) = trail_folders(deployment.store)
    listings = []
    versions = deployment.store.versions

    def counted(*args, **options):
        listings.append(args)
        return versions(*args, **options)

    deployment.store.versions = counted
    newest_seal(deployment.store, folder, deployment.keys)
    clean = len(listings)
    for number in range(100):
        deployment.store.put(f"{folder}seals/x{number}", b"junk", retention=None)
        deployment.store.put(f"{folder}seals/{number:020}.sealed", b"junk", retention=None)
    listings.clear()
    assert newest_seal(deployment.store, folder, deployment.keys).opened.checkpoint.size == 6
    assert len(listings) < 3 * clean
