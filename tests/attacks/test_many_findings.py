"""A hundred thousand things wrong: said in few lines and bounded memory, and nothing drowned by the rest."""

from __future__ import annotations

import io
import json
import tracemalloc
from datetime import timedelta

from rich.console import Console

from attacks import deeds
from attacks.attack import judge
from auditor.builders import NOW, YEAR, codes, make_trail
from sealtrail.report_text import print_report
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import MAX_FINDINGS, Finding, FindingLog, Span
from sealtrail_transport.store import LockMode, Retention

MANY = 100_000
A_SCREENFUL = 120
DAY = timedelta(days=1)


def lines_of(report) -> list[str]:
    text = io.StringIO()
    print_report(Console(file=text, width=110), report)
    return text.getvalue().splitlines()


def test_a_hundred_thousand_junk_objects_do_not_drown_one_changed_event():
    trail = make_trail(4, 4, 4)
    for number in range(MANY):  # "!" sorts before the batches, so these are found first
        trail.store.put(f"{trail.folder}batches/!{number}", b"", retention=None)
    deeds.at(2, deeds.new_payload)(trail)
    report = judge(trail, {})
    [of_trail] = report.trails
    [changed] = [each for each in of_trail.findings if each.code is FindingCode.ENTRY_PAYLOAD]
    assert changed.span == (6, 6)
    assert of_trail.findings_left_out == {FindingCode.OBJECT_FOREIGN: MANY - MAX_FINDINGS}
    written = json.loads(json.dumps(report.to_json()))["trails"][0]
    assert len(written["findings"]) == MAX_FINDINGS + 1
    assert sum(written["findings_left_out"].values()) + MAX_FINDINGS == MANY
    lines = lines_of(report)
    assert len(lines) < A_SCREENFUL
    assert lines[-1] == "TAMPERED: an event was changed (entry 6)"
    assert any("99,990 more places" in line for line in lines)


def long_trail(batches: int):
    """Batches of one entry each, every one kept a day longer than the one before."""
    trail = make_trail(1)
    for number in range(1, batches):
        trail.until = NOW + YEAR + number * DAY
        trail.event(b"%d" % number)
        trail.seal()
    return trail


def test_missing_batches_in_a_row_are_one_line():
    trail = long_trail(150)
    for number in range(20, 120):
        deeds.erase("batch", number=number)(trail)
    report = judge(trail, {})
    [finding] = report.all_findings()
    assert (finding.code, finding.span, finding.objects) == (FindingCode.BATCH_MISSING, (20, 119), 100)
    assert finding.key == trail.placed[20].batch
    assert sum("100 objects in a row" in line for line in lines_of(report)) == 1


def test_a_bucket_copied_without_its_versions_is_one_line():
    trail = long_trail(60)
    for placed in trail.placed:
        trail.store.erase(placed.batch)
        lock = Retention(LockMode.COMPLIANCE, placed.text.retention.until)
        trail.store.put(placed.batch, placed.batch_bytes, retention=lock)
    [finding] = judge(trail, {}).all_findings()
    assert (finding.code, finding.span, finding.objects) == (FindingCode.BATCH_VERSION, (0, 59), 60)


def test_delete_markers_over_everything_are_one_line_for_batches_and_one_for_seals():
    trail = long_trail(60)
    deeds.delete_all(trail)
    findings = judge(trail, {}).all_findings()
    assert [(each.code, each.span, each.objects) for each in findings] == [
        (FindingCode.OBJECT_MARKER, (0, 59), 60)
    ] * 2
    assert [each.key.split("/")[-2] for each in findings] == ["seals", "batches"]


def test_each_changed_batch_of_a_row_is_evidence_of_its_own():
    trail = long_trail(30)
    for number in range(10, 20):
        deeds.corrupt_batch(lambda data: data + b"\x00", number)(trail)
    assert codes(judge(trail, {})) == ["ST-BATCH-DAMAGED"] * 10


def test_folders_of_strangers_do_not_fill_the_screen():
    trail = make_trail(4)
    for number in range(150):
        trail.store.put(f"strangers/{number}/0123abcd/batches/x", b"junk", retention=None)
        trail.store.put(f"payments/0/{number:08x}/batches/x", b"junk", retention=None)
    report = judge(trail, {})
    assert len(report.trails) == 301
    lines = lines_of(report)
    assert len(lines) < 2 * A_SCREENFUL
    assert any("and 290 more folders without a valid seal" in line for line in lines)
    assert any(line.startswith(trail.origin) and "intact" in line for line in lines)


def missing(number: int, step: int) -> Finding:
    """A finding as the verifier makes it, of a batch of one entry."""
    key = f"payments/0/0123abcd/batches/{number * step:020}.avro"
    span = Span(number * step, number * step)
    return Finding(FindingCode.BATCH_MISSING, None, key, f"v{number}", span, f"{number} bytes", "no object")


def test_what_follows_on_each_other_is_joined_whatever_the_number():
    log = FindingLog("audit.example.com/payments/0")
    for number in range(MANY):
        log.add(missing(number, step=1))
    [finding] = log.kept
    assert (finding.span, finding.objects, finding.version_id) == ((0, MANY - 1), MANY, "v0")


def test_memory_does_not_grow_with_what_can_not_be_joined():
    def held_after(count: int) -> int:
        log = FindingLog("audit.example.com/payments/0")
        tracemalloc.start()
        for number in range(count):
            log.add(missing(number, step=2))
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert sum(log.left_out.values()) + len(log.kept) == count
        return held

    assert held_after(20 * MAX_FINDINGS) < 1.1 * held_after(MAX_FINDINGS)
