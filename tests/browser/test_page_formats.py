"""The page's readers of the formats, held against the vectors that the Python ones are held against."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest

from auditor.builders import make_trail
from packs import member, selected, zipped

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name, op=None):
    found = json.loads((VECTORS / name).read_text())["vectors"]
    return [vector for vector in found if vector.get("op") == op]


@pytest.fixture
def page(open_page):
    trail = make_trail(1)
    return open_page(member(zipped(trail, selected(trail)), "index.html")).page


# Answers for each text in hex: "good", or the name of the error.
OUTCOMES = """
([reader, texts]) => texts.map((text) => {
  try {
    globalThis.eval(reader)(fromHex(text));
    return "good";
  } catch (error) {
    return error.constructor.name;
  }
})
"""


def outcomes(page, reader, texts):
    script = OUTCOMES.replace("globalThis.eval(reader)", reader)
    return page.evaluate(script, [reader, texts])


def expected(vector):
    if "invalid" not in vector:
        return "good"
    return "UnknownVersion" if vector["invalid"] == "UnknownFormatError" else "Refused"


@pytest.mark.parametrize(
    ("file", "op", "member", "reader"),
    [
        ("leaf.json", "parse", "leaf", "parseLeaf"),
        ("payload.json", None, "payload", "parsePayload"),
    ],
)
def test_leaf_and_payload_are_read_alike(page, file, op, member, reader):
    cases = [vector for vector in vectors(file, op) if member in vector]
    assert len(cases) > 10
    found = outcomes(page, reader, [vector[member] for vector in cases])
    assert {v["name"]: o for v, o in zip(cases, found, strict=True)} == {
        v["name"]: expected(v) for v in cases
    }


def test_proofs_are_read_alike(page):
    cases = vectors("tlog_proof.json", "parse")
    found = outcomes(page, "parseProof", [vector["data"].encode().hex() for vector in cases])
    assert {v["name"]: o for v, o in zip(cases, found, strict=True)} == {
        v["name"]: expected(v) for v in cases
    }


def test_checkpoints_are_read_alike(page):
    cases = vectors("checkpoint.json", "parse")
    reader = "((bytes) => parseCheckpoint(decodeUtf8(bytes)))"
    found = outcomes(page, reader, [vector["text"].encode().hex() for vector in cases])
    assert {v["name"]: o for v, o in zip(cases, found, strict=True)} == {
        v["name"]: expected(v) for v in cases
    }


def test_proofs_are_judged_alike(page):
    cases = vectors("tlog_proof.json", "verify")
    for vector in cases:
        payload = vector["payload"]
        entry = {
            "proof": base64.b64encode(vector["data"].encode()).decode(),
            "payload": None if payload is None else base64.b64encode(bytes.fromhex(payload)).decode(),
        }
        found = page.evaluate(
            """async ([entry, vkey]) => {
                const key = await parseKey(vkey);
                const keys = { trusted: new Map([[key.name, key]]), changes: [] };
                const result = await checkEntry(entry, keys, await browserAbilities());
                const states = Object.entries(result.checks).map(([name, [state]]) => [name, state]);
                return Object.fromEntries(states);
            }""",
            [entry, vector["vkey"]],
        )
        assert found == vector["checks"], vector["name"]


def test_inclusion_is_judged_alike(page):
    cases = vectors("merkle.json", "inclusion")
    assert len(cases) > 50
    found = page.evaluate(
        """async (cases) => Promise.all(cases.map(async ({ index, size, leaf_hash, proof, root }) => {
            const nodes = proof.map(fromHex);
            const isOdd = (hash) => hash.length !== 64;
            if (index.startsWith("-") || [leaf_hash, root, ...proof].some(isOdd)) return false;
            const climbed = await climb(BigInt(index), BigInt(size), fromHex(leaf_hash), nodes);
            return climbed !== null && toHex(climbed) === root;
        }))""",
        [{**vector, "index": str(vector["index"]), "size": str(vector["size"])} for vector in cases],
    )
    wanted = {vector["name"]: "invalid" not in vector for vector in cases}
    assert {vector["name"]: outcome for vector, outcome in zip(cases, found, strict=True)} == wanted
