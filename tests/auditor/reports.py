"""Auditor's reports on trails in memory."""

from __future__ import annotations

from auditor.builders import NOW_MS, policy_of, verify
from sealtrail_auditor.reading import Reading, TimeRange, find_trails
from sealtrail_auditor.reporting.activity import Activity
from sealtrail_auditor.reporting.members import About, make_report
from sealtrail_auditor.reporting.page import render_page
from sealtrail_auditor.reporting.signed import open_report, sign_report
from sealtrail_schemas.keys import Signer

AUDITOR = Signer.from_seed("auditor.example.com/alice", b"\x0a" * 32)
DAY_MS = 86_400_000


def activity_of(*trails, period=(None, None)) -> Activity:
    """What the entries of trails of one store say."""
    activity = Activity(TimeRange(*period), latest_ms=NOW_MS + DAY_MS)
    for folder in find_trails(trails[0].store, policy_of(*trails)):
        activity.read(folder.folder, Reading(trails[0].store, folder, now=trails[0].store._clock()))
    return activity


def members_of(*trails, period=(None, None), about=None, **settings) -> dict:
    """The members of a report on trails of one store."""
    activity = activity_of(*trails, period=period)
    made = About("An audit", AUDITOR.verifier, "sealtrail 0", policy_of(*trails), bytes(32), **(about or {}))
    return make_report(made, verify(*trails, **settings), activity)


def page_of(members) -> str:
    return render_page(open_report(sign_report(members, AUDITOR))).decode()


def state_of(members, check: str) -> str:
    [state] = [each["state"] for each in members["checks"] if each["name"] == check]
    return state
