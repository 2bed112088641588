"""`sealtrail verify` on archives whose producers number their events."""

from __future__ import annotations

import pytest

from cli.archives import archive_of, json_of, lasting_trail
from sealtrail_schemas.producer_stamp import Numbers, Stamp, stamp_headers

pytestmark = pytest.mark.claim("C19")

A, B = "a" * 16, "b" * 16


def archive_with(folder, *stamps):
    trail = lasting_trail(1)
    for producer, incarnation, number, void in stamps:
        trail.event(headers=stamp_headers(Stamp(producer, incarnation, number), void))
    trail.seal()
    return archive_of(folder, trail)


@pytest.fixture
def archive(tmp_path):
    """Of one producer nothing is missing; of another three numbers, and one is there twice."""
    return archive_with(
        tmp_path,
        *[("billing", A, number, ()) for number in range(5)],
        *[("payments", A, number, ()) for number in (0, 4, 4, 6)],
        ("payments", A, 8, [Numbers(7, 7)]),
        ("payments", B, 2, ()),
    )


def section(result):
    lines = result.stdout.splitlines()
    start = lines.index("Producers") + 1
    return lines[start : lines.index("", start)]


def test_a_line_for_each_producer_says_what_is_missing_and_the_verdict_does_not(archive):
    result = archive.run("verify")
    assert result.exit_code == 0
    origin = "audit.example.com/payments/0"
    missing = f"6 missing ({origin} {A}: 1-3, 5; {origin} {B}: 0-1)"
    assert section(result) == [
        f"  payments          6 events, {missing}, 1 repeated, 1 void",
        "  billing           5 events, none missing, none repeated",
    ]
    assert "what was lost behind the highest number that was met can't be seen" in result.stdout


def test_it_does_if_asked_to(archive):
    result = archive.run("verify", "--complete-producers")
    assert result.exit_code == 11
    assert result.stdout.splitlines()[-1] == (
        "INCOMPLETE: events that a producer has numbered are missing, and 1 other thing"
    )
    assert "4 missing: 1-3, 5" in result.stdout


def test_no_section_without_stamps(tmp_path):
    result = archive_of(tmp_path, lasting_trail(3)).run("verify")
    assert "Producers" not in result.stdout
    assert "producer" not in result.stdout


def test_many_producers_are_shown_as_far_as_there_is_room_the_faulty_ones_first(tmp_path):
    stamps = [(f"p{number:02}", A, 0, ()) for number in range(30)]
    lines = section(archive_with(tmp_path, *stamps, ("zzz", A, 1, ())).run("verify"))
    assert lines[0].startswith("  zzz ")
    assert lines[-1] == "  and 21 more producers; --json has them all"
    assert len(lines) == 11


def test_json_has_each_incarnation(archive):
    producers = json_of(archive.run("verify", "--json"))["trails"][0]["producers"]
    assert (producers["from_start"], producers["unreadable"], producers["left_out"]) == (True, "0", "0")
    assert producers["producers"][1] == {
        "producer": "payments",
        "incarnation": A,
        "incarnations": 1,
        "events": "5",
        "highest": "8",
        "missing": "4",
        "missing_runs": [{"first": "1", "last": "3"}, {"first": "5", "last": "5"}],
        "repeated": "1",
        "void": "1",
    }
