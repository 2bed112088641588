"""What the auditor's report says to each attack of the corpus: no control is supported that it breaks."""

from __future__ import annotations

import pytest

from attacks.attack import judge
from attacks.corpus import ATTACKS
from auditor.builders import policy_of
from auditor.reports import AUDITOR, activity_of, page_of
from sealtrail_auditor.heads import origins_of
from sealtrail_auditor.reporting.members import About, make_report


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_no_attack_leaves_a_broken_control_supported(attack):
    trail, arguments = attack.commit()
    policy = policy_of(trail)
    report = judge(trail, arguments)
    about = About(
        "T",
        AUDITOR.verifier,
        "sealtrail 0",
        policy,
        bytes(32),
        max_age=arguments.get("max_age"),
        pinned=origins_of(arguments.get("pinned", ())),
    )
    activity = activity_of(trail)
    members = make_report(about, report, activity)
    assert members["verdict"] == report.verdict
    assert attack.code.code in {finding["code"] for finding in members["findings"]}
    failed = {check["name"] for check in members["checks"] if check["state"] == "failed"}
    passed = {check["name"] for check in members["checks"] if check["state"] == "passed"}
    assert failed, "a finding without a failed check"
    for control in members["controls"]:
        assert (control["state"] == "supported") == bool(
            control["checks"] and passed.issuperset(control["checks"])
        )
        if failed.intersection(control["checks"]):
            assert control["state"] == "not supported"
    assert attack.code.title[1:] in page_of(members).replace("&#x27;", "'")
