"""What hostile, damaged and unlucky archives do to every command that reads entries."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor.builders import NOW, new_store
from auditor.viewed import START, STEP, cloudtrail, fill
from cli.archives import LASTING, archive_of, lasting_trail

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
LARGE = "x" * 5_000_000
AUDITOR = ("--make-key", "alice.key", "--auditor", "auditor.example.com/alice")
READERS = {
    "search": ("--full", "--json"),
    "timeline": ("*", "--json"),
    "export": ("-o", "out.csv"),
    "replay": ("--into", "-"),
    "pack": ("-o", "out.zip"),
    "report": (*AUDITOR, "-o", "out"),
}


@pytest.fixture
def archive(tmp_path):
    """Genesis, then three batches of four events: 1 to 4, 5 to 8 and 9 to 12."""
    return archive_of(tmp_path, fill(lasting_trail(1), 4, 4, 4))


def lines_of(result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def sequences_of(result) -> list[int]:
    return [line["sequence"] for line in lines_of(result) if "sequence" in line]


def exported() -> list[int]:
    with Path("out.csv").open(newline="", encoding="utf-8") as file:
        return [int(line["sequence"]) for line in csv.DictReader(file)]


def manifest() -> dict:
    [trail] = json.loads(Path("out.manifest.json").read_bytes())["trails"]
    return trail


def packed(name: str) -> bytes:
    return zipfile.ZipFile("out.zip").read(name)


def packed_sequences() -> list[int]:
    names = [Path(name) for name in zipfile.ZipFile("out.zip").namelist()]
    return sorted(int(name.stem) for name in names if name.suffix == ".tlog-proof")


def reported() -> dict:
    return json.loads(Path("out/report.json").read_text("utf-8").split("\n")[0])


@pytest.mark.parametrize(
    "bounds",
    [
        ("--from", "2026-11-02", "--to", "2026-11-01"),
        ("--from", "2026-11-02", "--to", "2026-11-02"),
        ("--from", "2026-11-02T00:00:00Z", "--to", "2026-11-02T01:00:00+01:00"),
        ("--chained-from", "2026-11-02", "--chained-to", "2026-11-01"),
        ("--chained-from", "2026-11-02", "--chained-to", "2026-11-02"),
        ("--first", "5", "--last", "4"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("command", READERS)
def test_a_range_that_holds_nothing_is_refused_in_one_line(archive, here, command, bounds):
    result = archive.run(command, *READERS[command], *bounds)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "the range is empty" in result.stderr.splitlines()[-1]
    assert not list(here.glob("out*"))


@pytest.mark.parametrize(
    "bounds",
    [
        ("--first", "5", "--last", "4"),
        ("--chained-from", "2026-11-02", "--chained-to", "2026-11-01"),
        ("--chained-from", "2026-11-02", "--chained-to", "2026-11-02"),
    ],
    ids=" ".join,
)
def test_verify_refuses_a_range_that_holds_nothing(archive, bounds):
    result = archive.run("verify", *bounds)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines()[-1].startswith("Error: ")


@pytest.fixture
def damaged(archive):
    """One bit of the batch in the middle is another: 5 to 8 can't be shown."""
    file = archive.batch(2)
    data = bytearray(file.read_bytes())
    data[-20] ^= 1
    file.chmod(0o600)
    file.write_bytes(data)
    return archive


class TestDamageInTheMiddle:
    def test_search(self, damaged):
        result = damaged.run("search", *READERS["search"])
        assert (result.exit_code, sequences_of(result)) == (10, [*range(5), *range(9, 13)])
        assert lines_of(result)[-1]["searched"]["trails"][0]["damaged"] == [[5, 8]]

    def test_timeline(self, damaged):
        result = damaged.run("timeline", *READERS["timeline"])
        assert (result.exit_code, sequences_of(result)) == (10, [1, 2, 3, 4, 9, 10, 11, 12])
        [gap] = [line["unread"] for line in lines_of(result) if "unread" in line]
        assert (gap["first"], gap["last"], gap["expired"]) == (5, 8, False)

    def test_export(self, damaged):
        assert damaged.run("export", *READERS["export"]).exit_code == 10
        assert exported() == [*range(5), *range(9, 13)]
        assert (manifest()["verdict"], manifest()["damaged"]) == ("tampered", [["5", "8"]])

    def test_replay(self, damaged):
        refused = damaged.run("replay", *READERS["replay"])
        assert (refused.exit_code, len(refused.stdout.splitlines())) == (10, 4)
        result = damaged.run("replay", *READERS["replay"], "--unverified")
        marked = ["sealtrail.unverified" in line for line in result.stdout.splitlines()]
        assert (result.exit_code, marked[:4], any(marked[4:-4]), marked[-4:]) == (
            10,
            [False] * 4,
            True,
            [False] * 4,
        )

    def test_pack(self, damaged):
        assert damaged.run("pack", *READERS["pack"]).exit_code == 10
        assert packed_sequences() == [*range(5), *range(9, 13)]
        [missing] = json.loads(packed("manifest.json"))["missing"]
        assert "entries 5 to 8: an event was changed" in missing

    def test_report(self, damaged):
        assert damaged.run("report", *READERS["report"]).exit_code == 10
        [gap] = reported()["gaps"]["rows"]
        assert (gap["what"], gap["first"], gap["last"]) == ("damaged", "5", "8")
        assert "<td>entries 5 to 8</td>" in Path("out/report.html").read_text("utf-8")


@pytest.fixture
def expired(tmp_path):
    """The sealed retention of genesis and of entries 1 to 4 has passed, and their batches are gone."""
    store = new_store()
    store._clock.now = LONG_AGO - timedelta(days=1)
    trail = fill(lasting_trail(1, store=store, until=LONG_AGO), 4)
    store._clock.now, trail.until = NOW, LASTING
    fill(trail, 4, 4)
    for placed in trail.placed[:2]:
        trail.store.erase(placed.batch)
    return archive_of(tmp_path, trail)


class TestExpiredAtTheStart:
    def test_verify(self, expired):
        for part in [(), ("--last", "7"), ("--first", "3"), ("--sample", "100%")]:
            result = expired.run("verify", *part)
            assert (result.exit_code, "ST-" in result.output) == (0, False), result.output
            assert "are gone; the retention that was sealed for them has passed" in result.output

    def test_search(self, expired):
        result = expired.run("search", *READERS["search"])
        assert (result.exit_code, sequences_of(result)) == (0, [*range(5, 13)])
        assert lines_of(result)[-1]["searched"]["trails"][0]["expired"] == [[0, 4]]

    def test_timeline(self, expired):
        result = expired.run("timeline", *READERS["timeline"])
        assert (result.exit_code, sequences_of(result)) == (0, [*range(5, 13)])
        gaps = [line["unread"] for line in lines_of(result) if "unread" in line]
        assert [(gap["first"], gap["last"], gap["expired"]) for gap in gaps] == [(0, 4, True)]

    def test_export(self, expired):
        assert expired.run("export", *READERS["export"]).exit_code == 0
        assert exported() == [*range(5, 13)]
        assert (manifest()["damaged"], manifest()["expired"]) == ([], [["0", "4"]])

    def test_replay(self, expired):
        result = expired.run("replay", *READERS["replay"])
        assert (result.exit_code, len(result.stdout.splitlines())) == (0, 8)
        assert "retention" in result.stderr

    def test_prove_and_show(self, expired):
        gone = [expired.run(command, "2") for command in ("prove", "show")]
        assert [result.exit_code for result in gone] == [2, 2]
        assert all("retention" in result.stderr for result in gone)
        there = [expired.run(command, "5") for command in ("prove", "show")]
        assert [result.exit_code for result in there] == [0, 0]

    def test_pack(self, expired):
        assert expired.run("pack", *READERS["pack"]).exit_code == 0
        assert packed_sequences() == [*range(5, 13)]
        first, *_, last = json.loads(packed("manifest.json"))["missing"]
        assert "entry 0: gone, since their sealed retention has passed" in first
        assert "entries 1 to 4: gone" in last

    def test_report(self, expired):
        result = expired.run("report", *READERS["report"])
        assert result.exit_code == 0, result.output
        [gap] = reported()["gaps"]["rows"]
        assert (gap["what"], gap["first"], gap["last"]) == ("expired", "0", "4")


@pytest.fixture
def large(tmp_path):
    """An event of five megabytes between two small ones: 1, 2 and 3."""
    trail = lasting_trail(1)
    trail.event(cloudtrail("alice", "s3:GetObject", START))
    trail.event(cloudtrail("alice", "s3:PutObject", START + STEP, requestParameters={"x": LARGE}))
    trail.event(cloudtrail("alice", "s3:GetObject", START + 2 * STEP))
    trail.seal()
    return archive_of(tmp_path, trail)


class TestAnEventOfFiveMegabytes:
    def test_search(self, large, tmp_path):
        result = large.run("search", "--full", "--json", "--columns", "sequence,value", "--first", "1")
        assert [len(line.get("value", "")) > 5_000_000 for line in lines_of(result)] == [0, 1, 0, 0]
        assert large.run("index", "--views", tmp_path / "views").exit_code == 0
        found = large.run("search", "--views", tmp_path / "views", "--prove", "--text", LARGE[:99], "--json")
        assert (found.exit_code, sequences_of(found)) == (0, [2])

    def test_show_and_prove(self, large):
        assert large.run("show", "2").exit_code == 0
        assert len(large.run("show", "2", "--raw").stdout_bytes) > 5_000_000
        assert large.run("prove", "2").exit_code == 0

    def test_timeline(self, large):
        assert sequences_of(large.run("timeline", *READERS["timeline"])) == [1, 2, 3]
        assert large.run("timeline", "*", "--html", "out.html").exit_code == 0
        assert Path("out.html").stat().st_size < 1_000_000

    @pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
    def test_export(self, large, name):
        assert large.run("export", "-o", name).exit_code == 0
        if name == "out.csv":
            csv.field_size_limit(1 << 24)
            values = [line["value"] for line in csv.DictReader(io.StringIO(Path(name).read_text("utf-8")))]
        else:
            values = pq.read_table(name).column("value").to_pylist()
        assert json.loads(values[2])["requestParameters"]["x"] == LARGE

    def test_replay(self, large):
        result = large.run("replay", *READERS["replay"])
        values = [json.loads(line["value"]) for line in lines_of(result)]
        assert values[1]["requestParameters"]["x"] == LARGE

    def test_pack(self, large):
        assert large.run("pack", *READERS["pack"]).exit_code == 0
        assert packed_sequences() == [0, 1, 2, 3]

    def test_report(self, large):
        assert large.run("report", *READERS["report"]).exit_code == 0
        assert Path("out/report.html").stat().st_size < 1_000_000


MARKUP = "</script><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def hostile(tmp_path):
    trail = lasting_trail(1)
    trail.event(
        cloudtrail(MARKUP, f"iam:CreateUser{MARKUP}", START, errorCode=MARKUP, sourceIPAddress=MARKUP),
        key=MARKUP.encode(),
        headers=((MARKUP.encode(), MARKUP.encode()),),
    )
    trail.seal()
    return archive_of(tmp_path, trail)


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("timeline", ("*", "--html", "out.html")),
        ("pack", ("-o", "out.zip", "--title", MARKUP)),
        ("report", (*AUDITOR, "-o", "out", "--title", MARKUP)),
    ],
)
def test_markup_in_an_event_is_text_on_every_page(hostile, command, options):
    result = hostile.run(command, *options)
    assert result.exit_code == 0, result.output
    pages = {
        "timeline": lambda: Path("out.html").read_bytes(),
        "pack": lambda: packed("index.html"),
        "report": lambda: Path("out/report.html").read_bytes(),
    }
    page = pages[command]()
    assert b"alert(1)" in page
    assert b"<script>alert" not in page
    assert b"<img src=x" not in page
    assert b"default-src 'none'" in page


@pytest.fixture
def stepped(tmp_path):
    """The producer's clock goes back an hour after entry 4, and forward again after entry 8.

    The chainer's clock stands meanwhile: entries 3 to 10 bear one time.
    """
    trail = lasting_trail(1)
    chained_ms = trail.clock_ms
    for number in range(1, 13):
        moment = START + number * STEP - (timedelta(hours=1) if 5 <= number <= 8 else timedelta())
        stands = min(number, 3) if number <= 10 else number
        trail.event(cloudtrail("alice", "s3:GetObject", moment), chained_at_ms=chained_ms + 1_000 * stands)
        if number % 4 == 0:
            trail.seal()
    return archive_of(tmp_path, trail)


def ms(chained: int) -> str:
    return datetime.fromtimestamp(chained / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


@pytest.mark.parametrize("views", [False, True], ids=["full", "views"])
def test_times_across_a_clock_step(stepped, tmp_path, views):
    how = ("--views", tmp_path / "views") if views else ("--full",)
    assert stepped.run("index", "--views", tmp_path / "views").exit_code == 0
    stand = stepped.trails[0].leaves[3].chained_at_ms

    def found(*bounds):
        return sequences_of(stepped.run("search", *how, "--action", "s3:*", "--json", *bounds))

    assert found("--to", "2026-11-01T00:00:00Z") == [5, 6, 7, 8]
    assert found("--from", "2026-11-01T00:00:00Z") == [1, 2, 3, 4, 9, 10, 11, 12]
    assert found("--from", "2026-10-31T23:06:00Z", "--to", "2026-11-01T00:03:00Z") == [1, 2, 6, 7, 8]
    assert found("--chained-from", ms(stand), "--chained-to", ms(stand + 1)) == [*range(3, 11)]
    assert found("--chained-from", ms(stand + 1)) == [11, 12]
    assert found("--chained-to", ms(stand)) == [1, 2]


def test_a_story_across_a_clock_step_goes_by_the_events_own_times(stepped):
    result = stepped.run("timeline", *READERS["timeline"])
    assert sequences_of(result) == [5, 6, 7, 8, 1, 2, 3, 4, 9, 10, 11, 12]


def test_a_part_across_a_clock_step_verifies(stepped):
    stand = stepped.trails[0].leaves[3].chained_at_ms
    result = stepped.run("verify", "--chained-from", ms(stand), "--chained-to", ms(stand + 1), "--json")
    assert result.exit_code == 0, result.output
    [trail] = json.loads(result.stdout)["trails"]
    assert trail["entries_verified"] == "12"
