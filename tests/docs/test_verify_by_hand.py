"""docs/verify-by-hand.md: what it shows works, on its own, and finds what it says it finds."""

import hashlib
import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from deployment import ORIGIN, Deployment, values
from left_out import leave_out
from pages import ROOT, only_block
from sealtrail_schemas.batch import BatchReader, BatchWriter
from sealtrail_schemas.checkpoint import Checkpoint, sign_checkpoint
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.leaf import Leaf, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.note import sign_note
from sealtrail_schemas.policy import format_policy
from sealtrail_schemas.seal import open_seal

pytestmark = pytest.mark.claim("C16")

PAGE = ROOT / "docs" / "verify-by-hand.md"
ALONE = (sys.executable, "-I", "-S")  # no environment, no site-packages: the standard library only


def run(*command, cwd=None):
    return subprocess.run(command, cwd=cwd, check=False, capture_output=True, text=True)


@pytest.fixture(scope="module", autouse=True)
def _openssl_3():
    """The page asks for OpenSSL 3, which not every machine has; a machine that decides about changes must."""
    found = shutil.which("openssl")
    version = run(found, "version").stdout if found else "none"
    if not re.match("OpenSSL [3-9]", version):
        leave_out("there is no OpenSSL 3, so docs/verify-by-hand.md was not followed", f"found: {version}")


class Copy:
    """A trail, copied to a folder beside its policy, and the program of the page."""

    def __init__(self, folder: Path, codec: str, batches: int = 3):
        self.folder = folder
        deployment = Deployment()
        for number in range(batches):
            deployment.publish(*values(5, 5 * number))
            deployment.chain()
            deployment.archive(deployment.archiver(codec=codec))
            deployment.clock.now_ms += 60_000
        self.signer = deployment.signer
        for line in deployment.store.versions(""):
            file = folder / "copy" / line.key
            file.parent.mkdir(parents=True, exist_ok=True)
            with deployment.store.open(line.key, line.version_id) as stream:
                file.write_bytes(stream.read())
        self.policy = folder / ".sealtrail" / "policy"
        self.policy.parent.mkdir()
        self.policy.write_bytes(format_policy([self.signer.verifier]))
        (folder / "check.py").write_text(only_block(PAGE, "python"), "utf-8")
        (self.trail,) = (folder / "copy" / "events" / "0").iterdir()
        self.batches = sorted(self.trail.glob("batches/*"))
        self.seals = sorted(self.trail.glob("seals/*"))

    def check(self):
        """Run the page's program."""
        return run(*ALONE, "check.py", self.policy, ORIGIN, self.trail, cwd=self.folder)

    def check_in_shell(self, seal: Path):
        """Run the page's shell commands on one seal."""
        script = only_block(PAGE, "sh")
        script, put = re.subn("^seal=.*$", f"seal={seal}", script, flags=re.MULTILINE)
        assert put == 1
        return run("sh", "-c", script, cwd=self.folder)

    def reseal(self, *, entries=None, batch=None, **members):
        """Change the last batch and its seal as the holder of the key can: all signatures fit again."""
        if entries is not None:
            writer = BatchWriter(ORIGIN)
            for leaf, payload in entries:
                writer.add(leaf, payload)
            batch = writer.finish()
        if batch is not None:
            self.batches[-1].write_bytes(batch)
        seal = self.last_seal().seal
        sha256 = hashlib.sha256(self.batches[-1].read_bytes()).digest()
        self.sign(replace(seal, batch=replace(seal.batch, sha256=sha256), **members).text())

    def rewrite(self, entries):
        """Make a new history of the first batch, linked, sealed and signed as if it had always been so."""
        edge, linked = RightEdge.empty(), []
        link = bytes(32)
        for leaf, payload in entries:
            linked.append(
                (leaf[:14] + link + leaf[46:78] + hashlib.sha256(payload).digest() + leaf[110:], payload)
            )
            link = entry_hash(linked[-1][0])
            edge.extend([link])
        seal = self.last_seal().seal
        self.reseal(
            entries=linked,
            trail_id=linked[0][0][46:78],
            first=seal.first._replace(hash=entry_hash(linked[0][0])),
            last=seal.last._replace(hash=link),
            right_edge=edge.hashes,
            checkpoint=sign_checkpoint(Checkpoint(ORIGIN, edge.size, edge.root()), self.signer),
        )

    def sign(self, text: str):
        """Put a seal of that text in the place of the last one."""
        self.seals[-1].write_bytes(sign_note(text, [self.signer.renamed(f"{ORIGIN}/seal")]))

    def last_entries(self):
        with self.batches[-1].open("rb") as stream:
            return list(BatchReader(stream))

    def last_seal(self):
        return open_seal(self.seals[-1].read_bytes(), self.signer.verifier)


@pytest.fixture
def copy(tmp_path):
    return Copy(tmp_path, "deflate")


@pytest.fixture
def stored(tmp_path):
    """A copy whose batches are not compressed, so that a bit of a payload can be picked."""
    return Copy(tmp_path, "null")


@pytest.fixture
def short(tmp_path):
    """A trail of one batch, not compressed."""
    return Copy(tmp_path, "null", batches=1)


def flip(file: Path, place: int):
    data = bytearray(file.read_bytes())
    data[place] ^= 1
    file.write_bytes(data)


def test_nothing_of_ours_can_be_imported_where_the_page_runs():
    done = run(*ALONE, "-c", "import sealtrail_schemas")
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("codec", ["deflate", "null"])
def test_an_intact_trail_is_good(tmp_path, codec):
    copy = Copy(tmp_path, codec)
    done = copy.check()
    assert (done.returncode, done.stderr) == (0, "")
    told = done.stdout.splitlines()
    assert [line.split(": ")[0] for line in told[:3]] == [seal.name for seal in copy.seals]
    checkpoint = copy.last_seal().seal.checkpoint.decode()
    assert told[-3:] == checkpoint.splitlines()[:3]


def test_the_shell_commands_find_a_seal_and_its_batch_good(copy):
    for seal in copy.seals:
        done = copy.check_in_shell(seal)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout == "Signature Verified Successfully\nThe batch is the one that was sealed\n"


@pytest.mark.parametrize("what", ["text", "signature", "batch"])
def test_the_shell_commands_find_one_flipped_bit(stored, what):
    seal = stored.seals[1]
    place = {"text": 30, "signature": -9, "batch": 400}[what]
    flip(stored.batches[1] if what == "batch" else seal, place)
    assert stored.check_in_shell(seal).returncode == 1


@pytest.mark.parametrize("place", [0, 100, 300, -200, -20, -1])
def test_one_flipped_bit_in_a_seal_is_found(stored, place):
    flip(stored.seals[1], place)
    done = stored.check()
    assert done.returncode == 1
    assert stored.seals[1].name not in done.stdout


@pytest.mark.parametrize("place", [0, 300, -30, -1])
def test_one_flipped_bit_in_a_batch_is_found(copy, place):
    flip(copy.batches[1], place)
    done = copy.check()
    assert done.returncode == 1
    assert "is not the file that was sealed" in done.stderr


def test_one_flipped_bit_in_a_payload_is_found(stored):
    data = stored.batches[1].read_bytes()
    flip(stored.batches[1], data.index(b"event 5"))
    done = stored.check()
    assert done.returncode == 1
    assert "is not the file that was sealed" in done.stderr


def test_a_payload_changed_by_the_holder_of_the_key_is_found(copy):
    *rest, (leaf, payload) = copy.last_entries()
    copy.reseal(entries=[*rest, (leaf, payload[:-1] + b"!")])
    assert "is not what its leaf commits to" in copy.check().stderr


def test_a_changed_link_is_found(copy):
    (leaf, payload), *rest = copy.last_entries()
    changed = Leaf.parse(leaf)._replace(previous_hash=bytes(32)).encode()
    copy.reseal(entries=[(changed, payload), *rest])
    assert "does not link to the one before it" in copy.check().stderr


def test_a_changed_last_leaf_is_found_by_the_root(copy):
    *rest, (leaf, payload) = copy.last_entries()
    parsed = Leaf.parse(leaf)
    changed = parsed._replace(chained_at_ms=parsed.chained_at_ms + 1).encode()
    copy.reseal(entries=[*rest, (changed, payload)])
    assert "the checkpoint in" in copy.check().stderr


def test_an_entry_of_another_trail_is_found(copy):
    *rest, (leaf, payload) = copy.last_entries()
    copy.reseal(entries=[*rest, (Leaf.parse(leaf)._replace(trail_id=bytes(32)).encode(), payload)])
    assert "is of another trail" in copy.check().stderr


def test_an_entry_taken_out_is_found(copy):
    first, _, *rest = copy.last_entries()
    copy.reseal(entries=[first, *rest])
    assert "stands where" in copy.check().stderr


def test_a_wrong_right_edge_is_found(copy):
    edge = copy.last_seal().seal.right_edge
    copy.reseal(right_edge=(bytes(32), *edge[1:]))
    assert "the right edge in" in copy.check().stderr


def test_a_seal_about_another_entry_is_found(copy):
    last = copy.last_seal().seal.last
    copy.reseal(last=last._replace(hash=bytes(32)))
    assert "is not about these entries" in copy.check().stderr


def test_a_checkpoint_of_another_key_is_found(copy):
    other = Signer.from_seed(ORIGIN, b"7" * 32)
    copy.reseal(checkpoint=sign_checkpoint(copy.last_seal().checkpoint, other))
    assert f"the signature is not by the key of {ORIGIN}\n" in copy.check().stderr


def test_another_key_in_the_policy_is_found(copy):
    other = Signer.from_seed(ORIGIN, b"7" * 32).verifier
    copy.policy.write_bytes(format_policy([other]))
    assert "is not by the key" in copy.check().stderr


def test_a_text_that_is_not_canonical_is_found(copy):
    copy.sign(copy.last_seal().seal.text().replace('":"', '": "', 1))
    assert "is not in its canonical form" in copy.check().stderr


def test_a_missing_seal_is_found(copy):
    copy.seals[1].unlink()
    assert "does not follow the seal before it" in copy.check().stderr


def test_an_empty_folder_is_not_good(copy):
    for seal in copy.seals:
        seal.unlink()
    assert "there are no seals" in copy.check().stderr


def test_a_rewritten_history_of_the_holder_of_the_key_is_good_but_has_another_head(short):
    before = short.check()
    *rest, (leaf, payload) = short.last_entries()
    short.rewrite([*rest, (leaf, payload.replace(b"event 4", b"nothing"))])
    after = short.check()
    assert (before.returncode, after.returncode) == (0, 0)
    assert before.stdout != after.stdout


def change_leaf(place: int, at: int, value: bytes):
    """Change the bytes of one leaf, in all entries of a batch or one."""

    def change(entries):
        leaf, payload = entries[place]
        entries[place] = (leaf[:at] + value + leaf[at + len(value) :], payload)
        return entries

    return change


def change_genesis(old: bytes, new: bytes):
    def change(entries):
        leaf, payload = entries[0]
        assert payload.count(old) == 1
        return [(leaf, payload.replace(old, new)), *entries[1:]]

    return change


REWRITES = {
    "another version": (change_leaf(2, 3, b"\2"), "leaf 2 is of an unknown form"),
    "another hash": (change_leaf(2, 5, b"\2"), "leaf 2 is of an unknown form"),
    "a second genesis": (change_leaf(2, 4, b"\0"), "leaf 2 is of a wrong form"),
    "no genesis": (change_leaf(0, 4, b"\1"), "leaf 0 is of a wrong form"),
    "bytes after a leaf": (change_leaf(2, 145, b"x"), "leaf 2 is of a wrong form"),
    "a genesis with a key": (change_genesis(b"\0\0\2", b"\2\0\2"), "not that of a genesis"),
    "a genesis of another trail": (
        change_genesis(b'com/events/0",', b'com/events/1",'),
        "genesis is of another trail",
    ),
    "another incarnation": (change_leaf(0, 46, bytes(32)), "the trail id is not that of the genesis"),
}


@pytest.mark.parametrize(("change", "told"), REWRITES.values(), ids=REWRITES)
def test_a_history_that_no_archiver_writes_is_found(short, change, told):
    short.rewrite(change(short.last_entries()))
    assert told in short.check().stderr


def after_header(batch: bytes) -> int:
    """Where the first block begins: behind the header's sync marker, with which the file ends, too."""
    return batch.index(batch[-16:]) + 16


BATCHES = {
    "no Avro": (lambda batch: b"Obj\2" + batch[4:], "is not an Avro file"),
    "a second block of metadata": (
        lambda batch: batch[: after_header(batch) - 17] + b"\2" + batch[after_header(batch) - 16 :],
        "metadata has a second block",
    ),
    "a wrong sync marker": (lambda batch: batch[:-1] + bytes([batch[-1] ^ 1]), "a sync marker"),
    "fewer entries than the block holds": (
        lambda batch: batch[: after_header(batch)] + b"\x0a" + batch[after_header(batch) + 1 :],
        "bytes follow the entries of a block",
    ),
    "a block cut off": (lambda batch: batch[:-40], "a length in the batch is wrong"),
}


@pytest.mark.parametrize(("change", "told"), BATCHES.values(), ids=BATCHES)
def test_a_sealed_batch_of_another_form_is_found(short, change, told):
    short.reseal(batch=change(short.batches[-1].read_bytes()))
    assert told in short.check().stderr


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('"sequence":"0"', '"sequence":"1"', "does not begin at entry 0"),
        ("batches/0", "batches/../0", "is no name of a batch"),
    ],
)
def test_a_seal_that_points_elsewhere_is_found(short, old, new, told):
    text = short.last_seal().seal.text()
    assert text.count(old) == 1
    short.sign(text.replace(old, new))
    assert told in short.check().stderr


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda policy: 2 * policy, "names 2 keys"),
        (lambda policy: policy.replace(ORIGIN, "audit.example.com/others/0"), "names 0 keys"),
        (lambda policy: re.sub(r"\+A[Q-T]", "+Ag", policy), "is not an Ed25519 key"),
    ],
)
def test_a_policy_without_one_ed25519_key_is_refused(short, change, told):
    short.policy.write_text(change(short.policy.read_text()))
    assert told in short.check().stderr
