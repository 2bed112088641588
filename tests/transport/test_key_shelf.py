import pytest

from deployment import Deployment
from sealtrail_schemas.control import Control, KeyChange, sign_control
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.layout import key_change_key
from sealtrail_transport.key_shelf import key_changes, read_trail_keys

FOLDER = "events/0/01010101/"
TRAIL_ID = bytes([1]) * 32


@pytest.fixture
def deployment():
    return Deployment()


def signer(number):
    return Signer.from_seed(Deployment.origin, bytes([number]) * 32)


def note(old, new, sequence, trail_id=TRAIL_ID):
    deed = KeyChange(signer(old).verifier, signer(new).verifier)
    control = Control(Deployment.origin, trail_id, sequence, bytes(32), 0, "because", deed)
    return sign_control(control, [signer(old), signer(new)])


def put(store, size, *bodies):
    for body in bodies:
        key = FOLDER + key_change_key(size)
        store.put(key, body, retention=None, only_if_absent=False, content_type="text/plain")


def keys(store, trusted=1):
    return read_trail_keys(store, FOLDER, signer(trusted).verifier).keys


def test_the_keys_are_found_from_either_end(deployment):
    store = deployment.store
    put(store, 6, note(1, 2, 5))
    put(store, 20, note(2, 3, 19))
    expected = tuple(signer(number).verifier for number in (1, 2, 3))
    assert keys(store, 1) == keys(store, 2) == keys(store, 3) == expected


def test_what_is_on_top_of_a_key_change_or_beside_it_does_not_matter(deployment):
    store = deployment.store
    put(store, 6, b"squatted", note(1, 2, 5), b"junk", note(1, 3, 5))
    store.delete(FOLDER + key_change_key(6))
    put(store, 7, b"x" * 100_000)
    store.put(FOLDER + "keys/README", b"x", retention=None, only_if_absent=True, content_type="text/plain")
    assert keys(store) == (signer(1).verifier, signer(2).verifier)
    (placed,) = key_changes(store, FOLDER)
    assert placed.version_id == store_versions(store)[1]


def store_versions(store):
    key = FOLDER + key_change_key(6)
    return [line.version_id for line in store.versions(key) if line.key == key][::-1]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(note(1, 2, 6), id="of another size"),
        pytest.param(note(1, 2, 5, bytes(32)), id="of another trail"),
        pytest.param(note(1, 2, 5)[:-10], id="cut off"),
        pytest.param(b"", id="empty"),
    ],
)
def test_what_is_not_for_this_place_is_passed_over(deployment, body):
    put(deployment.store, 6, body)
    assert keys(deployment.store) == (signer(1).verifier,)


def test_a_change_of_another_origin_is_passed_over(deployment):
    origin = "other.example.com/events/0"
    old, new = (Signer.from_seed(origin, bytes([number]) * 32) for number in (1, 2))
    control = Control(origin, TRAIL_ID, 5, bytes(32), 0, "because", KeyChange(old.verifier, new.verifier))
    put(deployment.store, 6, sign_control(control, [old, new]))
    assert keys(deployment.store) == (signer(1).verifier,)
    assert [placed.control for placed in key_changes(deployment.store, FOLDER)] == [control]
