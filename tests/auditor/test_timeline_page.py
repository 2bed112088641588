"""The page of a timeline: well formed, self-contained, and deaf to what events would like it to do."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from auditor.steps import NOON_MS, ORIGIN, step, timeline_of
from sealtrail_auditor import timeline_page as module
from sealtrail_auditor.catalogue import FindingCode
from sealtrail_auditor.findings import Finding, Span
from sealtrail_auditor.timeline import Unread
from sealtrail_auditor.timeline_page import timeline_page

HOSTILE = (
    "\"'></title></style></script><script>alert(1)</script>"
    "<img src=x onerror=alert(1)>\u202e\x1b[31m{{style}}"
)
_VOID = {"meta", "input", "br"}


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.html = html
        self.open, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def values(self, tag, name):
        return [value for found, key, value in self.attributes if (found, key) == (tag, name)]


def page_of(*steps, unread=(), asked="actor alice"):
    return Page(b"".join(timeline_page(timeline_of(*steps, unread=unread), asked=asked)).decode())


def hostile_step(second):
    return step(
        second,
        HOSTILE,
        actor=HOSTILE,
        resource=HOSTILE,
        outcome="denied",
        **dict.fromkeys(("credential", "address", "gained", "reason", "detail"), HOSTILE),
    )


def test_what_events_say_is_text_and_nothing_else():
    page = page_of(hostile_step(1), hostile_step(2), asked=HOSTILE)
    assert not {"script", "img", "iframe", "object", "link"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on") or name == "style"]
    assert "\u202e" not in page.html
    assert "\x1b" not in page.html
    assert any("alert(1)" in text for text in page.text)
    assert "\\u202e" in "".join(page.text)


def test_the_page_asks_for_nothing_and_runs_nothing():
    page = page_of(step(1), step(2, "iam:CreateUser"))
    (policy,) = [value for value in page.values("meta", "content") if "default-src" in value]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "script-src" not in policy
    links = page.values("a", "href")
    assert links
    assert all(link.startswith("#run-") for link in links)
    assert not page.values("a", "src")
    assert "url(" not in page.html


def test_every_mark_leads_to_a_run():
    page = page_of(
        *(step(10 * second, "iam:CreateUser" if second % 3 else "ssm:GetParameter") for second in range(99))
    )
    assert {link[1:] for link in page.values("a", "href")} <= set(page.values("details", "id"))


def test_every_step_is_there():
    steps = [step(number, "s3:PutObject", resource=f"thing-{number}") for number in range(300)]
    text = "".join(page_of(*steps).text)
    assert all(f"thing-{number}" in text for number in range(300))


def test_of_very_many_steps_the_first_of_each_run_are_there(monkeypatch):
    monkeypatch.setattr(module, "MOST_STEPS", 250)
    steps = [step(number / 100, "s3:PutObject", sequence=number) for number in range(300)]
    page = page_of(*steps)
    assert page.tags.count("details") == 1
    assert page.html.count('<tr><td class="number">2023') == module.MOST_OF_RUN
    assert "sealtrail timeline --json" in page.html


@pytest.mark.parametrize(
    ("sort", "fields"),
    [
        ("watching", {"action": "cloudtrail:StopLogging"}),
        ("rights", {"action": "iam:CreateUser"}),
        ("secrets", {"action": "ssm:GetParameter"}),
        ("removed", {"action": "s3:DeleteBucket"}),
        ("denied", {"outcome": "denied"}),
    ],
)
def test_what_stands_out_is_drawn(sort, fields):
    picture = page_of(step(1, **fields)).html.partition("<svg")[2].partition("</svg>")[0]
    assert f'class="shape {sort}"' in picture
    plain = page_of(step(1)).html.partition("<svg")[2].partition("</svg>")[0]
    assert 'class="step"' in plain
    assert "shape" not in plain


def test_what_failed_is_drawn_hollow():
    picture = page_of(step(1, "iam:CreateUser", outcome="failure")).html.partition("</svg>")[0]
    assert 'class="shape rights failed"' in picture


def test_marks_lie_within_the_picture_whatever_the_times():
    far = 7_900 * 365 * 86_400
    page = page_of(step(-1_900 * 365 * 86_400), step(0), step(far), step(None))
    places = [float(x) for x in page.values("line", "x1")]
    assert 0 <= min(places) < max(places) <= 1000
    assert len(page.values("text", "x")) < 40
    assert "steps without a time are not drawn" in page.html


def test_without_any_time_there_is_no_picture():
    page = page_of(step(None))
    assert "Over time" not in page.html
    assert "No time known" in page.html


def test_many_sessions_share_the_last_lane():
    page = page_of(*(step(number, credential=f"A{number}") for number in range(40)))
    assert "31 more sessions" in page.html
    assert page.html.count('class="lane"') == 2 * 10


def test_what_could_not_be_read_is_marked():
    finding = Finding(FindingCode.ENTRY_PAYLOAD, ORIGIN, "batch", None, Span(4, 6))
    gap = Unread(ORIGIN, Span(4, 6), finding, NOON_MS + 1000, NOON_MS + 5000)
    page = page_of(step(1), step(9), unread=[gap])
    assert "Steps may be missing" in page.html
    assert (
        page.html.count("entries 4 to 6 could not be read") == 3
    )  # at the top, in the picture, at its place
    assert 'class="unread"' in page.html
    assert re.search(r"#1</span>.*entries 4 to 6 could not be read.*#9</span>", page.html, re.DOTALL)


def test_all_is_said_to_verify_only_where_it_does():
    assert "that were read verify" in page_of(step(1)).html
    gap = Unread(ORIGIN, Span(4, 6), None, None)
    assert "that were read verify" not in page_of(step(1), unread=[gap]).html
