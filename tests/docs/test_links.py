"""Links between pages lead somewhere."""

import re
from xml.etree import ElementTree as ET

import pytest

from pages import ROOT, anchors, pages, prose

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)|(?:src|href|srcset)=\"([^\"]+)\"")
ELSEWHERE = ("https://", "mailto:")


def links(page):
    return ["".join(groups) for groups in LINK.findall(prose(page))]


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_within_the_project_resolve(page):
    for link in links(page):
        if link.startswith(ELSEWHERE):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{link} leads nowhere"
        assert target.is_relative_to(ROOT), f"{link} leads out of the project"
        if anchor:
            assert anchor in anchors(target), f"{link}: {target.name} has no such heading"


def test_links_are_found():
    assert "docs/format.md" in links(ROOT / "README.md")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_pages_show_no_path_of_the_machine_they_were_written_on(page):
    assert not re.search(r"(?<![\w.])/(home|root|tmp|work|Users)/\w", page.read_text("utf-8"))


def test_every_page_can_be_reached_from_the_readme():
    reached, ahead = set(), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        paths = [link.partition("#")[0] for link in links(page) if not link.startswith(ELSEWHERE)]
        ahead += [(page.parent / path).resolve() for path in paths if path]
    assert set(pages()) <= reached


@pytest.mark.parametrize("picture", sorted((ROOT / "docs").rglob("*.svg")), ids=lambda path: path.name)
def test_pictures_are_well_formed_and_tell_what_they_show(picture):
    root = ET.parse(picture).getroot()  # noqa: S314 - a file of this project
    assert root.find("{http://www.w3.org/2000/svg}title") is not None
    assert root.find("{http://www.w3.org/2000/svg}desc") is not None
