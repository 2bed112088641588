"""The demo's forgeries are well made: what catches them is the seal and the kept head, not clumsiness."""

import io

from auditor.builders import codes, make_trail, new_store, verify
from sealtrail.tamper import SealedBatch, edit_batch, forge_history, remove_entry
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.layout import seal_key
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.seal import sign_seal


def entries(batch):
    return list(BatchReader(io.BytesIO(batch)))


def accuse(sequence, payload):
    return payload.replace(b'{"n":4}', b'{"n":9}') if sequence == 4 else payload


def test_an_edited_batch_differs_in_one_payload_only():
    before = make_trail(2, 5).placed[1].batch_bytes
    after = edit_batch(before, accuse)
    changed = [(old, new) for old, new in zip(entries(before), entries(after), strict=True) if old != new]
    [(old, new)] = changed
    assert old.leaf == new.leaf
    assert decode_payload(new.payload).value == b'{"n":9}'


def test_a_removed_entry_is_all_that_is_missing():
    before = make_trail(2, 5).placed[1].batch_bytes
    after = [Leaf.parse(entry.leaf).sequence for entry in entries(remove_entry(before, 4))]
    assert after == [2, 3, 5, 6]


def test_a_forged_history_passes_for_genuine_without_a_pinned_head():
    genuine = make_trail(2, 5, 3)
    history = [SealedBatch(placed.batch_bytes, placed.text) for placed in genuine.placed]
    forged_store = new_store()
    for placed, (batch, seal) in zip(
        genuine.placed, forge_history(history, accuse, genuine.signer), strict=True
    ):
        for old, new in (
            (placed.batch_version, batch),
            (placed.seal_version, sign_seal(seal, genuine.signer)),
        ):
            key = placed.batch if new is batch else genuine.folder + seal_key(seal.size)
            retention = genuine.store.head(placed.batch, placed.batch_version).retention
            assert forged_store.put(key, new, retention=retention) == old
    head, genuine.store = genuine.head, forged_store
    assert verify(genuine).verdict == "intact"
    assert codes(verify(genuine, pinned=[head])) == ["ST-HEAD-ROOT"]


def test_what_comes_before_the_forgery_stays_as_it_was():
    genuine = make_trail(2, 5, 3)
    history = [SealedBatch(placed.batch_bytes, placed.text) for placed in genuine.placed]
    forged = forge_history(history, accuse, genuine.signer)
    assert forged[0] == history[0]
    assert forged[1].seal.checkpoint != history[1].seal.checkpoint
    assert forged[2].seal.first.hash != history[2].seal.first.hash
