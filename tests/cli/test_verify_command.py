import shutil
import time
from datetime import UTC, datetime

import pytest

from auditor.builders import policy_of, verify
from cli.archives import archive_of, json_of, lasting_trail, small_archive
from command_line import call
from sealtrail.exits import CommandError
from sealtrail.heads import HeadShelf
from sealtrail_transport.memory_store import MemoryStore

OTHER = "audit.example.com/refunds/0"


@pytest.fixture
def archive(tmp_path):
    return small_archive(tmp_path)


def two_trails(folder):
    first = lasting_trail(3)
    return archive_of(folder, first, lasting_trail(2, store=first.store, origin=OTHER, seed=b"\x05" * 32))


def change_an_event(archive):
    file = archive.batch(1)
    content = file.read_bytes()
    assert content.count(b'{"n":4}') == 1
    file.write_bytes(content.replace(b'{"n":4}', b'{"n":9}'))


def test_an_intact_archive_says_so_in_the_last_line_and_exits_with_0(archive):
    result = archive.run("verify")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[-1] == "INTACT: 7 entries of 1 trail verified, nothing wrong"
    assert "audit.example.com/payments/0  intact" in result.stdout
    assert "7 entries in 2 batches" in result.stdout
    assert archive.trails[0].edge.root().hex()[:16] in result.stdout
    assert "COMPLIANCE until 2500-01-01T00:00:00Z" in result.stdout


def test_what_was_not_checked_is_always_said(archive):
    result = archive.run("verify")
    assert "Not checked\n" in result.stdout
    assert "notes, which nobody signed" in result.stdout
    assert "Without a pinned head" in result.stdout
    assert "Without a greatest age" in result.stdout


def test_a_changed_event_is_named_with_its_place_and_meaning(archive):
    change_an_event(archive)
    result = archive.run("verify")
    assert result.exit_code == 10
    assert result.stdout.splitlines()[-1] == "TAMPERED: an event was changed (entry 4)"
    assert "ST-ENTRY-PAYLOAD" in result.stdout
    assert archive.trails[0].placed[1].batch in result.stdout
    assert "a payload with SHA-256" in result.stdout
    assert "it no longer fits the fingerprint in its own entry" in result.stdout
    assert "Not checked\n" in result.stdout


def test_quiet_leaves_the_verdict_alone(archive):
    result = archive.run("verify", "--quiet")
    assert result.stdout == "INTACT: 7 entries of 1 trail verified, nothing wrong\n"
    assert result.stderr == ""


def test_json_has_the_whole_report(archive):
    change_an_event(archive)
    result = archive.run("verify", "--json")
    report = json_of(result)
    assert (result.exit_code, report["exit_code"], report["verdict"]) == (10, 10, "tampered")
    [trail] = report["trails"]
    [finding] = trail["findings"]
    assert finding["code"] == "ST-ENTRY-PAYLOAD"
    assert (finding["first_sequence"], finding["last_sequence"]) == ("4", "4")
    assert report["not_checked"]


def test_a_missing_batch_is_incomplete(archive):
    archive.batch(0).unlink()
    result = archive.run("verify")
    assert result.exit_code == 11
    assert result.stdout.splitlines()[-1].startswith("INCOMPLETE: a sealed batch is gone")


def test_a_live_store_is_asked_for_its_locks(tmp_path, monkeypatch):
    trail = lasting_trail(3)
    archive = archive_of(tmp_path, trail)
    monkeypatch.setattr("sealtrail.stores.open_address", lambda *_args, **_options: trail.store)
    assert "nobody signed" not in call("verify", "s3://bucket", "--policy", archive.policy).stdout
    trail.store.put(trail.placed[0].batch, b"on top", retention=None, only_if_absent=False)
    result = call("verify", "s3://bucket", "--policy", archive.policy)
    assert result.exit_code == 13
    assert result.stdout.splitlines()[-1].startswith("UNPROTECTED: an object was written more than once")


def test_max_age_makes_an_old_trail_incomplete(tmp_path):
    archive = small_archive(tmp_path, clock_ms=1_000_000_000_000)
    assert archive.run("verify").exit_code == 0
    result = archive.run("verify", "--max-age", "1d")
    assert result.exit_code == 11
    assert "ST-TRAIL-STALE" in result.stdout
    assert "Without a greatest age" not in result.stdout


def test_max_age_leaves_a_fresh_trail_intact(tmp_path):
    archive = small_archive(tmp_path, clock_ms=time.time_ns() // 1_000_000)
    assert archive.run("verify", "--max-age", "1d").exit_code == 0


@pytest.mark.claim("C10")
def test_a_foreign_policy_verifies_nothing(archive, tmp_path):
    other = small_archive(tmp_path / "other", origin=OTHER, seed=b"\x07" * 32)
    result = call("verify", archive.copy, "--policy", other.policy)
    assert result.exit_code in {11, 12}
    assert "INTACT" not in result.stdout


def test_one_trail_of_several_can_be_chosen(tmp_path):
    archive = two_trails(tmp_path)
    both = json_of(archive.run("verify", "--json"))
    one = json_of(archive.run("verify", "--json", "--trail", "refunds/0"))
    assert [trail["origin"] for trail in both["trails"]] == ["audit.example.com/payments/0", OTHER]
    assert [trail["origin"] for trail in one["trails"]] == [OTHER]
    assert any("not looked at" in sentence for sentence in one["not_checked"])


def test_a_trail_that_the_policy_does_not_name_is_a_mistake(archive):
    result = archive.run("verify", "--trail", "invoices/0")
    assert result.exit_code == 2
    assert result.stderr == (
        "Error: the policy has no trail 'invoices/0'; it has audit.example.com/payments/0\n"
    )


def test_without_a_policy_it_says_what_to_do(archive):
    result = call("verify", archive.copy)
    assert result.exit_code == 2
    assert "--policy" in result.stderr
    assert result.stdout == ""


def test_a_folder_that_is_not_there_is_no_verdict(archive, tmp_path):
    result = call("verify", tmp_path / "nowhere", "--policy", archive.policy)
    assert result.exit_code == 5
    assert result.stdout == ""


def test_ctrl_c_gives_no_verdict(archive, monkeypatch):
    def interrupted(*_args, **_options):
        raise KeyboardInterrupt

    monkeypatch.setattr("sealtrail_auditor.verify.verify_archive", interrupted)
    result = archive.run("verify")
    assert result.exit_code == 130
    assert result.stdout == ""


def test_nothing_from_an_archive_reaches_the_terminal_raw(archive):
    """The finding's text quotes what stands in the file: here the name of a trail full of escapes."""
    evil = "\x1b]0;pwned\x07\x1b[2J\u202e"
    folder = archive.copy / "payments/0/00000000"
    (folder / "seals").mkdir(parents=True)
    (folder / "seals" / f"{evil}.seal").write_text(evil)
    (archive.batch(0).parent / f"{evil}.avro").write_text(evil)
    result = archive.run("verify")
    assert result.exit_code != 0
    assert all(line.isprintable() for line in result.output.split("\n"))
    assert "\\x1b]0;pwned" in result.stdout


# Heads


def test_a_head_is_kept_and_found_again(archive, tmp_path):
    head = tmp_path / "trail.head"
    assert archive.run("verify", "--save-head", head).exit_code == 0
    assert head.read_bytes() == archive.trails[0].head
    result = archive.run("verify", "--head", head)
    assert result.exit_code == 0
    assert "Without a pinned head" not in result.stdout


def test_a_cut_tail_passes_without_the_head_and_not_with_it(archive, tmp_path):
    head = tmp_path / "trail.head"
    archive.run("verify", "--save-head", head)
    archive.batch(1).unlink()
    archive.seal(1).unlink()
    assert archive.run("verify").exit_code == 0
    result = archive.run("verify", "--head", head)
    assert result.exit_code == 11
    assert "ST-HEAD-CUT" in result.stdout
    assert result.stdout.splitlines()[-1] == (
        "INCOMPLETE: the trail is shorter than it was before (entries 3 to 6)"
    )


def test_saving_over_a_head_holds_it_against_the_archive(archive, tmp_path):
    head = tmp_path / "trail.head"
    archive.run("verify", "--save-head", head)
    kept = head.read_bytes()
    archive.batch(1).unlink()
    archive.seal(1).unlink()
    assert archive.run("verify", "--save-head", head).exit_code == 11
    assert head.read_bytes() == kept


def test_a_longer_trail_replaces_the_head_it_goes_on_from(tmp_path):
    trail = lasting_trail(3)
    head = tmp_path / "trail.head"
    head.write_bytes(trail.head)
    trail.event()
    trail.seal()
    archive = archive_of(tmp_path, trail)
    assert archive.run("verify", "--save-head", head).exit_code == 0
    assert head.read_bytes() == trail.head


def test_a_rewritten_history_does_not_replace_the_head(tmp_path):
    head = tmp_path / "trail.head"
    head.write_bytes(lasting_trail(3).head)
    rewritten = lasting_trail(1)
    for _ in range(3):
        rewritten.event(b"another history")
    rewritten.seal()
    kept = head.read_bytes()
    result = archive_of(tmp_path, rewritten).run("verify", "--save-head", head)
    assert result.exit_code == 10
    assert "ST-HEAD-ROOT" in result.stdout
    assert head.read_bytes() == kept


def test_no_head_of_a_tampered_archive_is_kept(archive, tmp_path):
    change_an_event(archive)
    head = tmp_path / "trail.head"
    result = archive.run("verify", "--save-head", head)
    assert result.exit_code == 10
    assert "No head was kept, since the archive is tampered." in result.stderr
    assert not head.exists()


def test_a_folder_without_heads_pins_nothing_silently(archive, tmp_path):
    (tmp_path / "heads").mkdir()
    result = archive.run("verify", "--head", tmp_path / "heads")
    assert result.exit_code == 2
    assert "there is no *.head file" in result.stderr


def test_the_head_of_an_unprotected_archive_is_kept(tmp_path):
    archive = small_archive(tmp_path, until=None)
    head = tmp_path / "trail.head"
    assert archive.run("verify", "--save-head", head).exit_code == 13
    assert head.read_bytes() == archive.trails[0].head


def test_several_trails_keep_their_heads_in_a_folder(tmp_path):
    archive = two_trails(tmp_path)
    result = archive.run("verify", "--save-head", tmp_path / "one.head")
    assert result.exit_code == 2
    assert "let --save-head name a folder" in result.stderr
    heads = tmp_path / "heads"
    heads.mkdir()
    assert archive.run("verify", "--save-head", heads).exit_code == 0
    assert sorted(path.name for path in heads.iterdir()) == [
        "audit.example.com+payments+0.head",
        "audit.example.com+refunds+0.head",
    ]
    assert "Without a pinned head" not in archive.run("verify", "--head", heads).stdout


@pytest.mark.parametrize("content", [b"", b"not a head\n", b"audit.example.com/payments/0\n7\nAAAA\n"])
def test_what_is_no_head_can_neither_be_pinned_nor_replaced(archive, tmp_path, content):
    head = tmp_path / "trail.head"
    head.write_bytes(content)
    for option in ("--head", "--save-head"):
        result = archive.run("verify", option, head)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
    assert head.read_bytes() == content


def test_a_newer_head_is_never_replaced(archive, tmp_path):
    """`verify` would have called the trail incomplete before; the shelf does not rely on it."""
    head = tmp_path / "trail.head"
    longer = lasting_trail(3, 4, 2)
    head.write_bytes(longer.head)
    report = verify(archive.trails[0])
    shelf = HeadShelf(head, [archive.trails[0].origin])
    with pytest.raises(CommandError, match="keeps a newer head, of size 9"):
        shelf.save(report, policy_of(archive.trails[0]))
    assert head.read_bytes() == longer.head


def test_a_head_that_could_not_be_compared_is_not_replaced(tmp_path):
    """What it covers has expired: nothing ties the trail to it any more, so nothing takes its place."""
    store = MemoryStore(lambda: datetime(1999, 1, 1, tzinfo=UTC))
    trail = lasting_trail(3, 4, store=store, until=datetime(2000, 1, 1, tzinfo=UTC))
    archive = archive_of(tmp_path, trail)
    archive.batch(0).unlink()
    archive.seal(0).unlink()
    assert archive.run("verify").exit_code == 0
    head = tmp_path / "trail.head"
    head.write_bytes(trail.checkpoint_at(2))
    result = archive.run("verify", "--save-head", head)
    assert result.exit_code == 12
    assert "ST-HEAD-UNCOMPARED" in result.stdout
    assert "No head was kept" in result.stderr
    assert head.read_bytes() == trail.checkpoint_at(2)


def test_a_copy_can_be_verified_where_it_was_moved_to(archive, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(archive.copy, moved)
    assert call("verify", moved, "--policy", archive.policy).exit_code == 0
