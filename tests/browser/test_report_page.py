"""The page of an auditor's report in a real browser: it needs nothing, runs nothing, and fits."""

from __future__ import annotations

import json

import pytest

from auditor.builders import make_trail
from auditor.reports import members_of, page_of
from auditor.viewed import START, cloudtrail

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"


@pytest.fixture(scope="module")
def html():
    trail = make_trail(1)
    event = json.loads(cloudtrail("alice", "s3:GetObject", START, errorCode="AccessDenied"))
    event["userIdentity"]["arn"] = HOSTILE
    trail.event(json.dumps(event).encode())
    for number in range(60):
        trail.event(cloudtrail(f"arn-of-somebody-with-a-long-name-{number}" * 3, "iam:CreateUser", START))
    trail.rejected()
    trail.clock_ms += 3_600_000
    trail.event()
    trail.seal()
    return page_of(members_of(trail)).encode()


@pytest.mark.parametrize("width", [360, 1200])
def test_it_fits_and_asks_for_nothing(open_page, html, width):
    opened = open_page(html, waits=False, viewport={"width": width, "height": 800})
    assert opened.console == []
    assert [url for url in opened.requests if not url.startswith("file:")] == []
    assert len(opened.requests) == 1
    assert opened.page.title().startswith("An audit")
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
    assert opened.page.locator("svg[role=img] rect").count() > 0
    assert HOSTILE[:40] in opened.page.inner_text("main")


def test_links_lead_to_sections(open_page, html):
    page = open_page(html, waits=False).page
    targets = page.evaluate("[...document.querySelectorAll('nav a')].map(link => link.hash.slice(1))")
    assert len(targets) > 10
    assert all(page.evaluate("id => !!document.getElementById(id)", target) for target in targets)
    assert len(set(targets)) == len(targets)


def test_it_is_read_in_the_dark_and_on_paper(open_page, html):
    background = "getComputedStyle(document.body).backgroundColor"
    page = open_page(html, waits=False, color_scheme="dark").page
    assert page.evaluate(background) == "rgb(18, 22, 28)"
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
