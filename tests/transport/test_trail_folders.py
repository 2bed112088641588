"""Finding the folders of trails among whatever else lies in a store."""

from datetime import UTC, datetime

import pytest

from contracts.store_contract import put
from sealtrail_transport.memory_store import MemoryStore
from sealtrail_transport.trail_folders import past_folder, trail_folders

TRAILS = ["payments/0/5be1a7c2/", "payments/0/ffffffff/", "payments/10/00000000/", "payments/2/00000000/"]
OTHERS = [
    "format/0123456789abcdef/format.md",
    "payments/0/5be1a7c2",
    "payments/0/5be1a7c20",
    "payments/0/5be1a7c2.old/seals/1",
    "payments/0/junk/1",
    "payments/0/junk/2",
    "payments/02/00000000/seals/1",
    "zzz",
]


@pytest.fixture
def store():
    store = MemoryStore(lambda: datetime.now(UTC))
    for key in [*OTHERS, *(f"{trail}seals/{number}" for trail in TRAILS for number in range(3))]:
        put(store, key)
    return store


@pytest.mark.parametrize(
    ("prefix", "found"),
    [("", TRAILS), ("payments/0/", TRAILS[:2]), ("payments/2/", TRAILS[3:]), ("other/", [])],
)
def test_each_folder_is_named_once(store, prefix, found):
    assert list(trail_folders(store, prefix)) == found


def test_views_are_jumped_over_trail_by_trail(monkeypatch):
    store = MemoryStore(lambda: datetime.now(UTC))
    trails = ["aaa/0/00000000/", "views/0/5be1a7c2/", "zzz/0/00000000/"]  # a topic may be named "views"
    for trail in trails:
        put(store, f"{trail}seals/1")
        for number in range(50):
            store.put_view(f"views/{trail}{number:020}.parquet", b"")
    listed = []
    versions = store.versions

    def counted(*arguments, **named):
        for line in versions(*arguments, **named):
            listed.append(line.key)
            yield line

    monkeypatch.setattr(store, "versions", counted)
    assert list(trail_folders(store)) == trails
    assert len(listed) == len(trails) + len(trails)  # a line for each trail, and one for its views


def test_listing_goes_on_behind_a_folder_however_full_it_is(store, monkeypatch):
    listed = []
    versions = store.versions

    def counted(*arguments, **options):
        for line in versions(*arguments, **options):
            listed.append(line.key)
            yield line

    monkeypatch.setattr(store, "versions", counted)
    list(trail_folders(store))
    assert [key for key in listed if key.startswith(tuple(TRAILS))] == [f"{trail}seals/0" for trail in TRAILS]


def test_past_a_folder_comes_what_lies_outside_of_it():
    assert "a/b/~" < past_folder("a/b/") < "a/b1"
