"""An auditor's report is a note that the Go team's implementation opens."""

from __future__ import annotations

import json

from auditor.builders import make_trail
from auditor.reports import AUDITOR, members_of
from sealtrail_auditor.reporting.signed import sign_report


def test_go_opens_a_signed_report(go_note):
    members = members_of(make_trail(3))
    note = sign_report(members, AUDITOR)
    opened = go_note("open", members["auditor"]["key"], data=note)
    assert opened.returncode == 0, opened.stderr
    text = opened.stdout.decode().removeprefix("1 known, 0 unknown\n")
    assert json.loads(text) == members
