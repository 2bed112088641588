"""The samples of docs/format.md are true: they are the schemas' own texts, or vectors."""

import json
import re
from pathlib import Path
from textwrap import dedent

import pytest

from sealtrail_schemas.layout import format_documents, parse_batch_key, parse_seal_key, parse_trail_prefix
from sealtrail_schemas.leaf import _LAYOUT, LEAF_BYTES
from sealtrail_schemas.note import Verifier
from sealtrail_schemas.policy import Policy

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/format.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:^(?:    .*)?\n)*^    .*\n", PAGE, re.MULTILINE)
SAMPLES = [dedent(block).strip("\n") + "\n" for block in BLOCKS]
ONE_LINE = ["".join(map(str.strip, sample.splitlines())) for sample in SAMPLES]


def vector(file, name):
    vectors = json.loads((ROOT / "vectors" / file).read_text())["vectors"]
    return next(case for case in vectors if case["name"] == name)


@pytest.mark.parametrize("name", ["payload.avsc", "entry.avsc"])
def test_schemas_are_the_texts_in_use(name):
    text = next(text for key, text in format_documents().items() if key.endswith("/" + name)).decode()
    assert text in SAMPLES


def test_the_page_in_the_package_is_this_page():
    assert PAGE.encode() in format_documents().values()


def test_the_payload_is_the_vector():
    (sample,) = (sample for sample in SAMPLES if "headers: a block of one" in sample)
    bytes_shown = [re.match("[0-9a-f ]*", line)[0] for line in sample.splitlines()]
    assert "".join(bytes_shown).replace(" ", "") == vector("payload.json", "sample")["payload"]


@pytest.mark.parametrize("name", ["genesis", "rejected", "heartbeat"])
def test_bodies_are_the_vectors(name):
    assert vector("body.json", name)["text"] in ONE_LINE


def test_the_seal_is_the_vector():
    case = vector("seal.json", "second")
    assert case["data"].replace("\n", "") in ONE_LINE


def test_the_control_statement_is_the_vector():
    assert vector("control.json", "key-change")["data"].replace("\n", "") in ONE_LINE


def test_the_checkpoint_is_the_one_in_the_seal():
    checkpoint = vector("seal.json", "second")["members"]["checkpoint"]
    assert checkpoint in SAMPLES


def test_the_proof_is_the_vector():
    assert vector("tlog_proof.json", "parse-sample")["data"] in SAMPLES


def test_the_policy_trusts_the_key_of_the_samples():
    (sample,) = (sample for sample in SAMPLES if "quorum none" in sample)
    verifier = Verifier.parse(vector("seal.json", "second")["vkey"])
    assert Policy.parse(sample.encode()).logs == {verifier.name: verifier}
    assert sample.startswith(f"# {verifier.name}  {verifier.fingerprint}\n")


def test_the_leaf_table_is_the_layout():
    rows = re.findall(r"^\| (\d+) \| (\d+|n) \|", PAGE, re.MULTILINE)
    sizes = [int(size) for _, size in rows[:-1]]
    assert [int(offset) for offset, _ in rows] == [sum(sizes[:number]) for number in range(len(rows))]
    assert sum(sizes) == LEAF_BYTES == _LAYOUT.size
    assert rows[-1] == (str(LEAF_BYTES), "n")


def test_the_names_are_those_of_the_seals():
    (sample,) = (sample for sample in SAMPLES if "bucket/prefix/" in sample)
    words = sample.split()
    said = vector("seal.json", "second")["members"]
    assert [parse_trail_prefix(word).id_start for word in words if word.startswith("payments/")] == [
        said["trail_id"][:8]
    ]
    assert [parse_batch_key(word).first_sequence for word in words if word.endswith(".avro")] == [0, 3]
    assert [parse_seal_key(word) for word in words if word.endswith(".seal")] == [3, 5]
