"""Evidence packs: what is in them, and what checking them finds."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace

import pytest

from auditor.builders import NOW, YEAR, make_rotated, make_trail, policy_of, policy_with
from packs import (
    ABOUT,
    FAILS,
    ONE_BYTE,
    checked,
    flipped,
    member,
    one_byte_changed,
    rezipped,
    selected,
    states,
    zipped,
)
from sealtrail_auditor import pack_write
from sealtrail_auditor.errors import EntryDamagedError, PackTooLargeError
from sealtrail_auditor.findings import Span
from sealtrail_auditor.pack import About, Manifest, PackedChange, PackedFile
from sealtrail_auditor.pack_check import check_pack
from sealtrail_auditor.pack_compare import PageState
from sealtrail_auditor.query import Query, TextPattern
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.errors import PackError
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import format_documents
from sealtrail_schemas.recognise_json import parse_mapping

ALL_GOOD = dict.fromkeys(("form", "leaf", "payload", "inclusion", "signature", "seal"), "good")


@pytest.fixture
def trail():
    return make_trail(3, 4)


def codes(result):
    return {finding.code.code for finding in result.findings.kept}


def test_a_good_pack_is_intact(trail):
    result = checked(trail, zipped(trail, selected(trail)))
    assert result.verdict is Verdict.INTACT
    assert states(result) == [ALL_GOOD] * 7
    assert result.page is PageState.SAME
    assert result.about == ABOUT
    assert [entry.sequence for entry in result.entries] == list(range(7))


def test_a_pack_holds_what_it_says(trail):
    files = zipfile.ZipFile(io.BytesIO(zipped(trail, selected(trail, Query(span=Span(4, 5))))))
    names = files.namelist()
    assert names == sorted(names)
    entries, seals = f"entries/{trail.folder}", f"seals/{trail.folder}"
    assert set(names) == {
        "README.txt",
        *(f"{entries}{number:020}.{kind}" for number in (4, 5) for kind in ("payload", "tlog-proof")),
        *format_documents(),
        "index.html",
        "manifest.json",
        "policy",
        f"{seals}{7:020}.seal",
    }
    assert files.read(f"{entries}{4:020}.payload") == trail.entries_of[3][1].payload
    assert files.read(f"{seals}{7:020}.seal") == trail.placed[1].note
    assert trail.signer.verifier.fingerprint in files.read("README.txt").decode()
    assert set(Manifest.parse(files.read("manifest.json")).files) == set(names) - {"manifest.json"}
    for info in files.infolist():
        assert info.date_time == (1980, 1, 1, 0, 0, 0)


def test_the_same_contents_give_the_same_bytes(trail):
    assert zipped(trail, selected(trail)) == zipped(trail, selected(trail))


def test_a_redacted_pack_shows_no_payload(trail):
    data = zipped(trail, selected(trail, redacted=True))
    result = checked(trail, data)
    assert result.verdict is Verdict.INTACT
    assert states(result) == [ALL_GOOD | {"payload": "hidden"}] * 7
    assert not [name for name in zipfile.ZipFile(io.BytesIO(data)).namelist() if name.endswith(".payload")]
    assert b'"n"' not in member(data, "index.html")


@pytest.mark.parametrize("where", ONE_BYTE)
def test_one_changed_byte_is_seen(trail, where):
    result = checked(trail, one_byte_changed(trail, where, 6))
    assert states(result)[6] == ALL_GOOD | FAILS[where]
    assert result.verdict is Verdict.TAMPERED
    # a seal is that of all entries of its batch
    rest = {"seal": "bad"} if where.startswith("seal") else {}
    assert states(result)[:6] == [ALL_GOOD] * 3 + [ALL_GOOD | rest] * 3
    assert result.page is PageState.SAME


def test_every_kind_of_failure_has_its_code(trail):
    found = {code for where in ONE_BYTE for code in codes(checked(trail, one_byte_changed(trail, where, 6)))}
    assert found == {
        "ST-PROOF-FORM",
        "ST-PROOF-PAYLOAD",
        "ST-PROOF-INCLUSION",
        "ST-PROOF-SIGNATURE",
        "ST-PROOF-KEY",
        "ST-PROOF-SEAL",
    }


@pytest.mark.claim("C10")
def test_the_packs_own_policy_is_not_believed(trail):
    other = make_trail(3, 4, seed=b"\x07" * 32)
    data = zipped(trail, selected(trail))
    result = check_pack(io.BytesIO(data), policy_of(other).logs)
    assert codes(result) == {"ST-PROOF-KEY"}
    assert result.verdict is Verdict.UNVERIFIABLE
    assert check_pack(io.BytesIO(data), {}).verdict is Verdict.UNVERIFIABLE


def test_files_are_held_against_the_manifest(trail):
    data = zipped(trail, selected(trail))
    payload = f"entries/{trail.folder}{5:020}.payload"
    changed = checked(trail, rezipped(data, **{payload: flipped(member(data, payload), 3)}))
    assert codes(changed) == {"ST-PACK-FILE", "ST-PROOF-PAYLOAD", "ST-PACK-PAGE"}
    lost = checked(trail, rezipped(data, **{"format.md": b"x", "README.txt": None}))
    assert codes(lost) == {"ST-PACK-FILE", "ST-PACK-MISSING"}
    without = checked(trail, rezipped(data, **{payload: None}))
    assert {"ST-PACK-MISSING", "ST-PROOF-PAYLOAD"} <= codes(without)
    assert states(without)[5]["payload"] == "bad"


def test_a_missing_file_alone_is_incomplete(trail):
    data = zipped(trail, selected(trail))
    result = checked(trail, rezipped(data, **{"README.txt": None}))
    assert (codes(result), result.verdict) == ({"ST-PACK-MISSING"}, Verdict.INCOMPLETE)
    seal = checked(trail, rezipped(data, **{f"seals/{trail.folder}{7:020}.seal": None}))
    assert states(seal)[6] == ALL_GOOD | {"seal": "bad"}


def test_a_page_that_shows_something_else_is_seen(trail):
    data = zipped(trail, selected(trail))
    page = member(data, "index.html")
    other = rezipped(data, **{"index.html": page.replace(b'"title":"Case 17"', b'"title":"Case 18"')})
    assert codes(checked(trail, other)) == {"ST-PACK-FILE", "ST-PACK-PAGE"}
    assert checked(trail, other).page is PageState.OTHER_DATA
    for cut in (b"", page[:1000], page[: page.index(b"pack-data") + 500], page.replace(b"pack-data", b"x")):
        assert checked(trail, rezipped(data, **{"index.html": cut})).page is PageState.OTHER_DATA
    assert checked(trail, rezipped(data, **{"index.html": None})).page is None


@pytest.mark.parametrize("text", [b"main().catch", b"Evidence pack</p>"])
def test_a_page_with_other_code_is_told(trail, text):
    data = zipped(trail, selected(trail))
    page = member(data, "index.html").replace(text, b"x" + text)
    assert checked(trail, rezipped(data, **{"index.html": page})).page is PageState.OTHER_CODE


def test_damaged_batches_are_left_out_and_named(trail):
    placed = trail.placed[1]
    trail.store.corrupt(placed.batch, placed.batch_version, flipped(placed.batch_bytes, -30))
    contents = selected(trail)
    assert [each for each in contents if isinstance(each, str)] == [contents[-1]]
    assert "entries 3 to 6" in contents[-1]
    assert "(ST-" in contents[-1]
    result = checked(trail, zipped(trail, contents))
    assert len(result.entries) == 3
    assert result.missing == (contents[-1],)
    assert result.verdict is Verdict.INTACT


def test_what_cannot_be_proven_is_named():
    trail = make_trail(3, 3, 3, until=NOW + YEAR)
    trail.store.erase(trail.placed[0].batch, trail.placed[0].batch_version)
    trail.store.erase(trail.placed[0].seal, trail.placed[0].seal_version)
    contents = selected(trail, now=NOW + 2 * YEAR)
    assert [each.sequence for each in contents if not isinstance(each, str)] == [6, 7, 8]
    gone, unproven = (each for each in contents if isinstance(each, str))
    assert "retention has passed" in gone
    assert "can't be proven" in unproven


def test_a_seal_that_changes_meanwhile_ends_the_selection(trail):
    read = trail.store.open
    opened = []

    def open_once(key, version_id):
        opened.append(key)
        if opened.count(trail.placed[1].seal) > 1 and key == trail.placed[1].seal:
            return io.BytesIO(flipped(trail.placed[1].note, -5))
        return read(key, version_id)

    trail.store.open = open_once
    with pytest.raises(EntryDamagedError, match="has changed while it was read"):
        selected(trail)


def test_a_query_chooses_by_what_events_say():
    trail = make_trail()
    for actor in ("alice", "bob", "alice"):
        record = {
            "eventName": "DeleteTrail",
            "eventSource": "cloudtrail.amazonaws.com",
            "eventVersion": "1.08",
        }
        trail.event(json.dumps({**record, "userIdentity": {"arn": actor}}).encode())
    trail.seal()
    mapping = parse_mapping("own", {"actor": "userIdentity.arn"})
    about = About("t", "s", (mapping,))
    query = Query(patterns={"actor": (TextPattern("alice"),)})
    contents = selected(trail, query, recognisers=about.recognisers)
    assert [each.sequence for each in contents] == [1, 3]
    result = checked(trail, zipped(trail, contents, about))
    assert (result.page, result.about) == (PageState.SAME, about)


def test_too_large_a_selection_is_refused(trail, monkeypatch):
    monkeypatch.setattr(pack_write, "MAX_PACK_ENTRIES", 6)
    with pytest.raises(PackTooLargeError, match="more than 6 entries"):
        zipped(trail, selected(trail))
    monkeypatch.undo()
    monkeypatch.setattr(pack_write, "MAX_PAYLOAD_BYTES", 30)
    with pytest.raises(PackTooLargeError, match="payloads"):
        zipped(trail, selected(trail))


def test_what_is_no_pack_is_refused(trail):
    data = zipped(trail, selected(trail))
    for broken in (b"", b"PK\x03\x04", data[:-30], rezipped(data, **{"manifest.json": None})):
        with pytest.raises(PackError):
            checked(trail, broken)
    for manifest in (b"", b"{}\n", b"[]\n", member(data, "manifest.json").replace(b"pack/v1", b"pack/v2")):
        with pytest.raises(PackError):
            checked(trail, rezipped(data, **{"manifest.json": manifest}))
    twice = io.BytesIO(data)
    with zipfile.ZipFile(twice, "a") as file, pytest.warns(UserWarning, match="Duplicate name"):
        file.writestr("policy", b"x")
    with pytest.raises(PackError, match="two files of one name"):
        checked(trail, twice.getvalue())


def test_no_flipped_byte_of_a_zip_passes_that_changes_a_file(trail):
    data = zipped(trail, selected(trail, Query(span=Span(1, 1))))
    for at in range(0, len(data), 997):
        try:
            verdict = checked(trail, flipped(data, at)).verdict
        except PackError:
            continue
        assert verdict is not Verdict.INTACT or contents_of(flipped(data, at)) == contents_of(data)


def contents_of(data):
    files = zipfile.ZipFile(io.BytesIO(data))
    return {name: files.read(name) for name in files.namelist()}


def test_a_zip_bomb_is_not_unpacked(trail):
    data = zipped(trail, selected(trail))
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        old = zipfile.ZipFile(io.BytesIO(data))
        for name in old.namelist():
            file.writestr(name, bytes(1 << 25) if name == "policy" else old.read(name))
    result = checked(trail, bomb.getvalue())
    assert codes(result) == {"ST-PACK-FILE", "ST-PACK-PAGE"}


@pytest.mark.parametrize(
    "other", [{"sequence": 6}, {"folder": "payments/0/deadbeef/"}, {"folder": "payroll/0/9f565bd1/"}]
)
def test_a_proof_under_the_name_of_another_entry_is_seen(trail, other):
    [entry] = selected(trail, Query(span=Span(4, 4)))
    assert entry.folder == "payments/0/9f565bd1/"
    result = checked(trail, zipped(trail, [entry._replace(**other)]))
    assert result.page is PageState.SAME
    assert codes(result) == {"ST-PACK-FILE"}


@pytest.mark.parametrize("name", ["entries/{}{:020}.payload", "entries/{}{}.tlog-proof", "evidence.pdf"])
def test_a_file_that_no_check_speaks_of_is_seen(trail, name):
    data = zipped(trail, selected(trail, Query(span=Span(4, 4))))
    added = {name.format(trail.folder, 6): b"not proven"}
    manifest = Manifest.parse(member(data, "manifest.json"))
    listed = replace(manifest, files={**manifest.files} | {n: PackedFile.of(d) for n, d in added.items()})
    result = checked(trail, rezipped(data, **added, **{"manifest.json": listed.encode()}))
    assert codes(result) == {"ST-PACK-FILE"}


class TestOfATrailWhoseKeyWasChanged:
    """The seals of one trail, each under the key of its size; the pack's key changes lead to them."""

    @pytest.fixture
    def rotated(self):
        return make_rotated(b"\x02" * 32, b"\x03" * 32)

    @pytest.mark.parametrize("seed", [1, 2, 3])
    def test_any_of_its_keys_proves_all_entries(self, rotated, seed):
        data = zipped(rotated, selected(rotated))
        result = check_pack(io.BytesIO(data), policy_with(rotated, bytes([seed]) * 32).logs)
        assert result.verdict is Verdict.INTACT
        assert len(result.entries) == rotated.size
        assert result.page is PageState.SAME

    def test_without_the_changes_its_other_keys_are_unknown(self, rotated):
        result = checked(rotated, zipped(rotated, selected(rotated), changes=()))
        assert {finding.code.code for finding in result.findings.kept} == {"ST-PROOF-KEY"}
        by_newest = [entry.sequence for entry in result.entries if state_of(entry, "signature") == "good"]
        assert by_newest == [10, 11, 12]

    def test_a_change_of_another_trail_or_by_others_leads_nowhere(self, rotated):
        others = [Signer.from_seed(rotated.origin, bytes([number]) * 32) for number in (2, 3)]
        deed = KeyChange(*(other.verifier for other in others))
        for members, code in (({"trail_id": b"x" * 32}, None), ({"sequence": 4}, "ST-PACK-FILE")):
            note = rotated.statement(deed, *others, **({"sequence": 9} | members))
            data = zipped(rotated, selected(rotated), changes=[PackedChange(rotated.folder, 10, note)])
            result = checked(rotated, data)
            assert state_of(result.entries[5], "signature") == "unknown"
            assert (code in {finding.code.code for finding in result.findings.kept}) is (code is not None)

    def test_a_changed_note_is_told(self, rotated):
        data = zipped(rotated, selected(rotated))
        name = f"keys/{rotated.folder}00000000000000000010.note"
        result = checked(
            rotated, rezipped(data, **{name: member(data, name).replace(b"as agreed", b"as I like")})
        )
        assert name in {
            finding.key for finding in result.findings.kept if finding.code.code == "ST-PACK-FILE"
        }
        assert result.verdict is Verdict.TAMPERED


def state_of(entry, name: str) -> str:
    return next(check.state.value for check in entry.checks if check.name.value == name)
