"""The auditor's report: what it says, what it never says, and that hostile text stays text."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

import pytest

from auditor.builders import NOW, make_trail, policy_of, verify
from auditor.reports import AUDITOR, activity_of, members_of, page_of, state_of
from auditor.viewed import START, STEP, cloudtrail, fill
from pages import ROOT
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.controls import CONTROLS, ControlState
from sealtrail_auditor.controls import state_of as control_state
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.reporting.checks import FINDINGS, QUESTIONS, CheckName, CheckState
from sealtrail_auditor.reporting.members import About, make_report
from sealtrail_auditor.reporting.shape import SHAPE, ListOf, MapOf, Maybe, Value, check_shape
from sealtrail_auditor.reporting.signed import open_report, sign_report
from sealtrail_schemas.errors import (
    FormatError,
    NoteSignatureError,
    NoteUnsignedError,
    UnknownFormatError,
)
from sealtrail_schemas.keys import Signer

DAY = timedelta(days=1)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[2J\x1b[31mred",
    "\u202egnp.exe",
    "a\nb\r\nc\x00",
    "&amp;{{policy}}{{data}}",
    "x" * 5000,
)


def rows(members, table, column):
    return {row[column]: row for row in members[table]["rows"]}


def finding_codes(members):
    return {finding["code"] for finding in members["findings"]}


def change_an_event(trail):
    """Seal a batch over one that holds other bytes than its entries' leaves say."""
    entries = trail.waiting
    trail.event(b'{"n":"what was"}')
    trail.event(b'{"n":"behind"}')
    leaf, payload = entries[0]
    entries[0] = type(entries[0])(leaf, payload.replace(b"what was", b"what is."))
    return trail.seal()


class TestContents:
    def test_events_are_counted_by_actor_and_action(self):
        members = members_of(fill(make_trail(1), 12))
        arn = "arn:aws:iam::123456789012:user/"
        actors = rows(members, "actors", "actor")
        assert {name: actors[name]["events"] for name in actors} == dict.fromkeys(
            (f"{arn}alice", f"{arn}bob", f"{arn}carol"), "4"
        )
        actions = rows(members, "actions", "action")
        assert actions["s3:GetObject"]["events"] == "3"
        assert actions["iam:CreateUser"]["mark"] == "rights gained or given"
        assert members["events"]["count"] == "12"
        assert members["entries"]["verified"] == "13"
        assert set(rows(members, "notable", "action")) == {"iam:CreateUser", "secretsmanager:GetSecretValue"}

    def test_a_period_is_half_open_and_by_the_events_own_time(self):
        trail = fill(make_trail(1), 12)
        first = int(START.timestamp() * 1000)
        step = int(STEP.total_seconds() * 1000)
        members = members_of(trail, period=(first + 2 * step, first + 5 * step))
        assert (members["events"]["count"], members["events"]["outside"]) == ("3", "9")
        assert members["scope"]["from"] == "2026-11-01T00:02:00.000Z"
        assert members["entries"]["verified"] == "13", "all of the archive is verified whatever the period"

    def test_failures_are_told_by_who_what_and_how(self):
        trail = make_trail(1)
        for _ in range(3):
            trail.event(cloudtrail("mallory", "s3:GetObject", START, errorCode="AccessDenied"))
        trail.event(cloudtrail("alice", "s3:GetObject", START))
        trail.seal()
        members = members_of(trail)
        [row] = members["failures"]["rows"]
        assert (row["actor"], row["action"], row["outcome"], row["events"]) == (
            "arn:aws:iam::123456789012:user/mallory",
            "s3:GetObject",
            "denied",
            "3",
        )
        assert members["events"]["failed"] == "3"

    def test_the_top_twenty_are_listed_and_the_others_counted(self):
        trail = make_trail(1)
        for number in range(23):
            for _ in range(2 if number < 20 else 1):
                trail.event(cloudtrail(f"u{number:02}", "s3:GetObject", START))
        trail.seal()
        actors = members_of(trail)["actors"]
        assert len(actors["rows"]) == 20
        assert (actors["more_names"], actors["more_events"], actors["is_exact"]) == ("3", "3", True)

    def test_quiet_and_stopped_differ(self):
        trail = make_trail(1)
        trail.event()
        for _ in range(6):
            trail.clock_ms += 300_000
            trail.heartbeat()
        trail.event()
        trail.seal()
        members = members_of(trail)
        [quiet] = [each["pauses"] for each in members["trails"]]
        assert quiet["longest_quiet"]["length_ms"] == str(6 * 300_000 + 70)
        assert (quiet["longest_silence"]["length_ms"], quiet["stops"]) == ("300010", "0")
        assert state_of(members, "recording") == "passed"

        trail.clock_ms += 3_600_000
        trail.event()
        trail.seal()
        members = members_of(trail)
        [stopped] = [each["pauses"] for each in members["trails"]]
        assert stopped["stops"] == "1"
        assert (stopped["longest_silence"]["after"], stopped["longest_silence"]["before"]) == ("8", "9")
        assert state_of(members, "recording") == "failed"

    def test_rejected_records_are_listed(self):
        trail = make_trail(3)
        trail.rejected()
        trail.seal()
        members = members_of(trail)
        [row] = members["rejected"]["rows"]
        assert (row["sequence"], row["reason"], row["size"]) == ("3", "too large", "5242881")
        assert state_of(members, "accepted") == "failed"

    def test_the_shortest_retention_is_stated(self):
        trail = make_trail(3, 3)
        [row] = members_of(trail)["trails"]
        assert row["retention"]["batches"] == {"COMPLIANCE": "2"}
        assert row["retention"]["shortest_until"] == "2027-11-23T09:30:00.000Z"

    def test_heads_can_be_kept(self):
        trail = make_trail(3)
        [row] = members_of(trail)["trails"]
        assert row["head"].encode() == trail.head


class TestDamage:
    def test_a_changed_event_is_found_and_its_batch_is_a_gap(self):
        trail = make_trail(3)
        change_an_event(trail)
        members = members_of(trail)
        assert (members["verdict"], members["exit_code"]) == ("tampered", 10)
        assert "ST-ENTRY-PAYLOAD" in finding_codes(members)
        [gap] = members["gaps"]["rows"]
        assert (gap["what"], gap["first"], gap["last"]) == ("damaged", "3", "4")
        assert state_of(members, "entries") == "failed"

    def test_where_entries_are_missing_nothing_is_said_of_them(self):
        trail = make_trail(3, 3, 3)
        activity = activity_of(trail)
        assert not next(iter(activity.trails.values())).has_gaps
        whole = members_of(trail)
        change_an_event(trail)
        broken = members_of(trail)
        for check in ("order", "recording", "accepted"):
            assert state_of(whole, check) == "passed"
            assert state_of(broken, check) == "not made"

    def test_missing_batches_are_gaps(self):
        trail = make_trail(3, 3, 3, 3)
        for placed in trail.placed[1:3]:
            trail.store.erase(placed.batch)
        members = members_of(trail)
        assert members["verdict"] == "incomplete"
        assert [(gap["what"], gap["first"], gap["last"]) for gap in members["gaps"]["rows"]] == [
            ("missing", "3", "8")
        ]
        assert state_of(members, "complete") == "failed"
        assert "supported" not in {control["state"] for control in members["controls"]}

    def test_what_expired_at_the_front_is_told_and_no_damage(self):
        trail = make_trail(3, until=NOW + DAY)
        trail.until = NOW + 400 * DAY
        for _ in range(3):
            trail.event()
        trail.seal()
        trail.store._clock.now = NOW + 2 * DAY
        for kind in ("batch", "seal"):
            trail.store.erase(getattr(trail.placed[0], kind))
            members = members_of(trail)
            assert members["verdict"] == "intact"
            [gap] = members["gaps"]["rows"]
            assert (gap["what"], gap["first"], gap["last"]) == ("expired", "0", "2")
            assert members["events"]["count"] == "3"
            assert (state_of(members, "complete"), state_of(members, "order")) == ("passed", "passed")

    def test_several_trails_are_one_report(self):
        first = fill(make_trail(1), 4)
        other = make_trail(3, store=first.store, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
        members = members_of(first, other)
        assert [trail["origin"] for trail in members["trails"]] == [first.origin, other.origin]
        assert members["events"]["count"] == "6"
        change_an_event(other)
        members = members_of(first, other)
        assert {trail["origin"]: trail["verdict"] for trail in members["trails"]} == {
            first.origin: "intact",
            other.origin: "tampered",
        }

    def test_a_failed_check_never_leaves_its_controls_supported(self):
        trail = make_trail(3)
        change_an_event(trail)
        for control in members_of(trail)["controls"]:
            if "entries" in control["checks"]:
                assert control["state"] == "not supported"


class TestChecksAndControls:
    def test_every_finding_of_a_verification_fails_a_check(self):
        covered = frozenset().union(*FINDINGS.values())
        # A report asks for no complete producers; the others are of files outside of an archive.
        elsewhere = {code for code in FindingCode if code.name.startswith(("PROOF_", "PACK_", "PRODUCER_"))}
        assert covered | elsewhere == set(FindingCode)

    def test_every_check_has_a_question(self):
        assert set(QUESTIONS) == set(CheckName)

    @pytest.mark.parametrize("control", CONTROLS, ids=lambda control: f"{control.framework} {control.clause}")
    def test_a_control_is_supported_only_where_all_its_checks_passed(self, control):
        passed = dict.fromkeys(CheckName, CheckState.PASSED)
        if not control.checks:
            assert control_state(control, passed) is ControlState.NOT_COVERED
            return
        assert control_state(control, passed) is ControlState.SUPPORTED
        for check in control.checks:
            assert control_state(control, passed | {check: CheckState.FAILED}) is ControlState.NOT_SUPPORTED
            assert control_state(control, passed | {check: CheckState.NOT_MADE}) is ControlState.OPEN
            others = dict.fromkeys(control.checks, CheckState.NOT_MADE) | {check: CheckState.FAILED}
            assert control_state(control, others) is ControlState.NOT_SUPPORTED

    def test_all_frameworks_are_there(self):
        named = " ".join(f"{control.framework} {control.clause}" for control in CONTROLS)
        for clause in ("17a-4", "164.312(b)", "164.312(c)(1)", "10.3", "A.8.15", "Article 30", "Article 32"):
            assert clause in named

    @pytest.mark.parametrize(
        ("member", "state"), [(None, "passed"), ("userIdentity", "failed"), ("eventName", "failed")]
    )
    def test_events_have_to_say_who_did_what(self, member, state):
        event = json.loads(cloudtrail("alice", "s3:GetObject", START))
        event.pop(member, None)
        trail = make_trail(1)
        trail.event(json.dumps(event).encode())
        trail.seal()
        members = members_of(trail)
        assert state_of(members, "who-what-when") == state
        assert members["events"]["incomplete"] == str(int(state == "failed"))

    def test_clocks_are_never_checked(self):
        assert state_of(members_of(make_trail(3)), "clocks") == "not made"

    def test_without_a_kept_head_or_greatest_age_those_checks_are_not_made(self):
        trail = make_trail(3)
        members = members_of(trail)
        assert (state_of(members, "head"), state_of(members, "fresh")) == ("not made", "not made")
        about = {"pinned": frozenset({trail.origin}), "max_age": NOW - NOW}
        members = members_of(trail, pinned=[trail.head], about=about)
        assert (state_of(members, "head"), state_of(members, "fresh")) == ("passed", "passed")

    def test_nothing_is_called_certified(self):
        trail = make_trail(3)
        change_an_event(trail)
        for members in (members_of(make_trail(3)), members_of(trail)):
            for text in (json.dumps(members), page_of(members)):
                assert not re.search("certif|complian(t|ce with)|guarantee", text, re.IGNORECASE)
        page = (ROOT / "docs/report.md").read_text("utf-8")
        assert not re.search("certif|guarantee", page, re.IGNORECASE)


class TestSignature:
    def test_what_was_signed_opens(self):
        members = members_of(make_trail(3))
        opened = open_report(sign_report(members, AUDITOR))
        assert opened.members == members
        assert opened.key == AUDITOR.verifier

    def test_a_changed_verdict_is_refused(self):
        trail = make_trail(3)
        change_an_event(trail)
        note = sign_report(members_of(trail), AUDITOR)
        with pytest.raises(NoteSignatureError):
            open_report(note.replace(b'"verdict":"tampered"', b'"verdict":"intact!!"', 1))

    def test_a_report_names_the_key_that_signs_it(self):
        members = members_of(make_trail(3))
        other = Signer.from_seed("auditor.example.com/bob", bytes(32))
        with pytest.raises(FormatError):
            sign_report(members, other)

    def test_a_fingerprint_of_another_key_is_refused(self):
        members = members_of(make_trail(3))
        members["auditor"]["fingerprint"] = Signer.from_seed("x", bytes(32)).verifier.fingerprint
        with pytest.raises(NoteUnsignedError):
            open_report(sign_report(members, AUDITOR))

    def test_another_version_is_unknown(self):
        members = members_of(make_trail(3)) | {"format": "sealtrail/report/v2"}
        with pytest.raises(UnknownFormatError):
            open_report(sign_report(members, AUDITOR))

    @pytest.mark.parametrize("data", [b"", b"x", b"{}\n", b"[]\n\n\xe2\x80\x94 a AAAAAAAA\n"])
    def test_what_is_no_report_is_refused(self, data):
        with pytest.raises(FormatError):
            open_report(data)

    @pytest.mark.parametrize("member", sorted(SHAPE))
    def test_every_member_is_asked_for(self, member):
        members = members_of(make_trail(3))
        del members[member]
        with pytest.raises(FormatError, match=member):
            check_shape(members)


class TestHostileText:
    @pytest.fixture
    def members(self):
        trail = make_trail(1)
        for number, name in enumerate(HOSTILE):
            event = json.loads(cloudtrail("x", "s3:GetObject", START, errorCode="AccessDenied"))
            event["userIdentity"]["arn"] = name
            event["eventName"] = name
            for _ in range(number + 1):
                trail.event(json.dumps(event).encode())
        trail.seal()
        return members_of(trail) | {"title": "<b>&{{style}}"}

    def test_it_stays_text_in_the_page(self, members):
        page = page_of(members)
        assert "<script" not in page
        assert "<img" not in page
        assert "<b>" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "{{policy}}" in page, "templates are filled before the text comes in"
        assert "\\x1b[2J" in page
        assert max(map(len, re.findall(r"x+", page))) < 200

    def test_the_page_forbids_scripts_and_everything_external(self, members):
        [policy] = re.findall(r'Content-Security-Policy" content="([^"]*)"', page_of(members))
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        assert "script-src" not in policy or "script-src 'none'" in policy
        assert "unsafe" not in policy

    def test_the_page_is_well_formed(self, members):
        checker = Balanced()
        checker.feed(page_of(members))
        assert checker.open == []

    def test_long_names_stay_different(self):
        trail = make_trail(1)
        for end in "ab":
            trail.event(cloudtrail("x" * 1000 + end, "s3:GetObject", START))
        trail.seal()
        assert len(members_of(trail)["actors"]["rows"]) == 2


class Balanced(HTMLParser):
    """Checks that all elements are closed in order."""

    VOID = frozenset({"meta", "line", "rect"})

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attrs):
        if tag not in self.VOID:
            self.open.append(tag)
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)

    def handle_startendtag(self, tag, attrs):
        assert tag in self.VOID
        assert not any(name.startswith("on") or name == "style" for name, _ in attrs)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


class TestBounds:
    def test_many_findings_and_trails_leave_the_report_readable_by_others(self):
        trail = make_trail(3)
        report = verify(trail)
        [one] = report.trails
        hostile = "\U00010348" * 1_000  # it prints, and takes four bytes
        findings = tuple(
            Finding(code, trail.origin, hostile, hostile, Span(number, number), hostile, hostile)
            for number in range(2)
            for code in FindingCode
        )
        many = replace(one, findings=findings, not_checked=tuple(f"{hostile}{n}" for n in range(70)))
        report = replace(
            report, trails=tuple(replace(many, folder=f"{hostile}{number}/") for number in range(400))
        )
        about = About("T", AUDITOR.verifier, "sealtrail 0", policy_of(trail), bytes(32))
        members = make_report(about, report, activity_of(trail))
        assert len(sign_report(members, AUDITOR)) < 1_000_000, "Go's reader of notes takes so many bytes"
        assert int(members["more_trails"]) + len(members["trails"]) == 400
        assert finding_codes(members) == {code.code for code in FindingCode}

    def test_the_page_is_the_same_each_time(self):
        members = members_of(fill(make_trail(1), 30))
        assert page_of(members) == page_of(json.loads(json.dumps(members)))

    def test_times_out_of_all_reason_stay_out_of_the_picture(self):
        trail = fill(make_trail(1), 30)
        trail.event(cloudtrail("x", "s3:GetObject", START.replace(year=1970)))
        trail.event(cloudtrail("x", "s3:GetObject", START.replace(year=2999)))
        trail.seal()
        picture = members_of(trail)["over_time"]
        assert (picture["earlier"], picture["later"]) == ("1", "1")
        assert picture["from"].startswith("2026-11-01")


def test_the_page_of_the_format_names_every_member():
    text = (ROOT / "docs/report.md").read_text("utf-8")
    missing = {name for name in _names(SHAPE) if f"`{name}`" not in text}
    assert not missing


def test_base64_of_keys_is_what_go_reads():
    members = members_of(make_trail(3))
    name, key_id, material = members["auditor"]["key"].split("+", 2)
    assert (name, len(key_id), len(base64.b64decode(material))) == (AUDITOR.name, 8, 33)


def _names(shape):
    match shape:
        case Maybe(inner) | ListOf(inner) | MapOf(inner):
            yield from _names(inner)
        case Value():
            return
        case _:
            for name, inner in shape.items():
                yield name
                yield from _names(inner)
