import io
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path

import pytest

from sealtrail_schemas import body, errors
from sealtrail_schemas.batch import BatchReader, BatchWriter
from sealtrail_schemas.body import encode_body, parse_body, trail_id
from sealtrail_schemas.canonical_json import dumps_canonical
from sealtrail_schemas.control import Continuation, Control, Gap, KeyChange, open_control, sign_control
from sealtrail_schemas.leaf import Kind, Leaf, entry_hash, make_link, split_link
from sealtrail_schemas.note import Signer, Verifier
from sealtrail_schemas.payload import Payload, decode_payload, encode_payload
from sealtrail_schemas.seal import check_extends, open_seal, sign_seal

pytestmark = pytest.mark.claim("C16")

VECTORS = Path(__file__).parents[2] / "vectors"


def cases(file, *, valid, op=None):
    """The vectors of a file, as parameters named as they are."""
    vectors = json.loads((VECTORS / file).read_text())["vectors"]
    chosen = [case for case in vectors if ("invalid" not in case) is valid and case.get("op") == op]
    assert chosen
    return pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in chosen])


def refused(case):
    """Expect exactly the error that the vector names, no broader and no narrower one."""
    return pytest.raises(
        getattr(errors, case["invalid"]), check=lambda e: type(e).__name__ == case["invalid"]
    )


def unhex(text):
    return None if text is None else bytes.fromhex(text)


def test_make_formats_makes_these_files():
    subprocess.run([sys.executable, VECTORS / "make_formats.py", "--check"], check=True)


@cases("payload.json", valid=True)
def test_payload(case):
    data = unhex(case["payload"])
    headers = tuple((unhex(name), unhex(content)) for name, content in case["headers"])
    payload = Payload(unhex(case["salt"]), unhex(case["key"]), headers, unhex(case["value"]))
    assert decode_payload(data) == payload
    assert encode_payload(*payload) == data


@cases("payload.json", valid=False)
def test_payload_refused(case):
    with refused(case):
        decode_payload(unhex(case["payload"]))


def leaf_of(case):
    hashes = {name: unhex(case[name]) for name in ("previous_hash", "trail_id", "payload_hash", "extension")}
    return Leaf(**{"kind": Kind(case["kind"]), **{name: case[name] for name in Leaf._fields[1:]}, **hashes})


@cases("leaf.json", valid=True, op="parse")
def test_leaf(case):
    data, leaf = unhex(case["leaf"]), leaf_of(case)
    assert Leaf.parse(data) == leaf
    assert leaf.encode() == data
    assert entry_hash(data).hex() == case["entry_hash"]


@cases("leaf.json", valid=False, op="parse")
def test_leaf_refused(case):
    with refused(case):
        Leaf.parse(unhex(case["leaf"]))


@cases("leaf.json", valid=True, op="link")
def test_link(case):
    leaf, salt = unhex(case["leaf"]), unhex(case["salt"])
    assert make_link(leaf, salt).hex() == case["link"]
    assert split_link(unhex(case["link"])) == (leaf, salt)


@cases("leaf.json", valid=False, op="link")
def test_link_refused(case):
    with refused(case):
        split_link(unhex(case["link"]))


def body_of(members):
    """The body that these members make, by the shortest way."""
    match members["type"]:
        case "heartbeat":
            return body.HeartbeatBody()
        case "control":
            return body.ControlBody(members["control"], members.get("note"))
        case "rejected":
            size, offset = int(members["size"]), int(members["source_offset"])
            return body.RejectedBody(members["reason"], unhex(members["sha256"]), size, offset)
    before = members["predecessor"]
    return body.GenesisBody(
        origin=members["origin"],
        incarnation=unhex(members["incarnation"]),
        raw_topic=body.TopicRef(members["raw_topic"]["name"], unhex(members["raw_topic"]["id"])),
        chained_topic=body.TopicRef(members["chained_topic"]["name"], unhex(members["chained_topic"]["id"])),
        first_source_offset=int(members["first_source_offset"]),
        keys=tuple(members["keys"]),
        created_at_ms=int(members["created_at"]),
        predecessor=before
        and body.Predecessor(
            origin=before["origin"],
            size=int(before["size"]),
            root=unhex(before["root"]),
            last_seal=unhex(before["last_seal"]),
            reason=before["reason"],
            key=before.get("key"),
        ),
    )


@cases("body.json", valid=True, op="body")
def test_body(case):
    expected = body_of(case["members"])
    assert parse_body(Kind[case["kind"].upper()], case["text"].encode()) == expected
    assert (encode_body(expected).decode() == case["text"]) is case["canonical"]


@cases("body.json", valid=False, op="body")
def test_body_refused(case):
    text = case.get("text")
    value = unhex(case.get("text_hex")) if text is None else text.encode()
    with refused(case):
        parse_body(Kind[case["kind"].upper()], value)


@cases("body.json", valid=True, op="trail_id")
def test_trail_id(case):
    assert trail_id(case["origin"], unhex(case["incarnation"])).hex() == case["trail_id"]


@cases("body.json", valid=False, op="trail_id")
def test_trail_id_refused(case):
    with refused(case):
        trail_id(case["origin"], unhex(case["incarnation"]))


def control_of(members):
    """The statement that these members make, by the shortest way."""
    match members["control"]:
        case "key-change":
            deed = KeyChange(Verifier.parse(members["old"]), Verifier.parse(members["new"]))
        case "continuation":
            deed = Continuation(topic_of(members["chained_topic"]), members["stop"])
        case "gap":
            offsets = int(members["first_lost"]), int(members["first_kept"])
            deed = Gap(topic_of(members["raw_topic"]), *offsets)
    return Control(
        origin=members["origin"],
        trail_id=unhex(members["trail_id"]),
        sequence=int(members["sequence"]),
        previous_hash=unhex(members["previous"]),
        at_ms=int(members["at"]),
        reason=members["reason"],
        deed=deed,
    )


def topic_of(members):
    return body.TopicRef(members["name"], unhex(members["id"]))


@cases("control.json", valid=True, op="open")
def test_control(case):
    verifier = Verifier.parse(case["vkey"])
    control = open_control(case["data"].encode(), verifier)
    assert control == control_of(case["members"])
    assert control.name == case["members"]["control"]
    labels = ["key of payments/0", "another key"]
    seeds = [sha256(f"sealtrail vectors: {label}".encode()).digest() for label in labels]
    signers = [Signer.from_seed(verifier.name, seed) for seed in seeds]
    count = 2 if control.name == "key-change" else 1
    assert sign_control(control, signers[:count]).decode() == case["data"]


@cases("control.json", valid=False, op="open")
def test_control_refused(case):
    with refused(case):
        open_control(case["data"].encode(), Verifier.parse(case["vkey"]))


@cases("batch.json", valid=True)
def test_batch(case):
    reader = BatchReader(io.BytesIO(unhex(case["file"])))
    entries = [(unhex(leaf), unhex(payload)) for leaf, payload in case["entries"]]
    assert (reader.origin, reader.codec) == (case["origin"], case["codec"])
    assert list(reader) == entries
    writer = BatchWriter(case["origin"], case["codec"])
    for entry in entries:
        writer.add(*entry)
    assert (writer.finish().hex() == case["file"]) is case["written"]


@cases("batch.json", valid=False)
def test_batch_refused(case):
    read = []
    with refused(case) as caught:
        read.extend(BatchReader(io.BytesIO(unhex(case["file"]))))
    assert len(read) == case["entries_read"]
    assert getattr(caught.value, "entries_read", 0) == case["entries_read"]


@cases("seal.json", valid=True, op="open")
def test_seal(case):
    verifier = Verifier.parse(case["vkey"])
    opened = open_seal(case["data"].encode(), verifier)
    text, said = opened.seal.text(), case["members"]
    assert text.encode() == dumps_canonical(said) + b"\n"
    assert opened.text_sha256.hex() == case["text_sha256"]
    assert opened.checkpoint.size == opened.right_edge.size == int(said["last"]["sequence"]) + 1
    assert (
        sign_seal(opened.seal, Signer.from_seed(verifier.name, unhex(case["seed"]))).decode() == case["data"]
    )


@cases("seal.json", valid=False, op="open")
def test_seal_refused(case):
    with refused(case):
        open_seal(case["data"].encode(), Verifier.parse(case["vkey"]))


def check_pair(case):
    verifier = Verifier.parse(case["vkey"])
    previous = case["previous"] and open_seal(case["previous"].encode(), verifier)
    seal = open_seal(case["data"].encode(), verifier)

    def check():
        check_extends(previous, seal)

    return check


@cases("seal.json", valid=True, op="extends")
def test_seal_extends(case):
    check_pair(case)()


@cases("seal.json", valid=False, op="extends")
def test_seal_does_not_extend(case):
    check = check_pair(case)
    with refused(case):
        check()
