"""MemoryStore: the contract, and the side of the attacker and the network."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from contracts.store_contract import (
    LockingStoreContract,
    StoreContract,
    VersionedStoreContract,
    a_day,
    put,
    read,
)
from sealtrail_transport.errors import (
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreUnavailableError,
)
from sealtrail_transport.memory_store import MemoryStore
from sealtrail_transport.store import LockKnowledge, LockMode, Retention


class Clock:
    def __init__(self):
        self.now = datetime.now(UTC)

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock)


class TestMemoryStore(LockingStoreContract, VersionedStoreContract, StoreContract):
    knowledge = LockKnowledge.ENFORCED

    @pytest.fixture
    def store(self, clock):
        return MemoryStore(clock)

    def delete(self, store, key):
        store.delete(key)

    def delete_version(self, store, key, version_id):
        store.delete_version(key, version_id)

    def set_retention(self, store, key, version_id, retention):
        store.set_retention(key, version_id, retention)


def test_a_lock_ends_at_its_second(store, clock):
    version_id = put(
        store, "key", retention=Retention(LockMode.COMPLIANCE, clock.now + timedelta(seconds=10))
    )
    clock.now += timedelta(seconds=9)
    with pytest.raises(StoreDeniedError):
        store.delete_version("key", version_id)
    clock.now += timedelta(seconds=1)
    store.delete_version("key", version_id)
    assert list(store.versions("")) == []


def test_governance_yields_to_who_may_bypass_it(store):
    version_id = put(store, "key", retention=a_day(LockMode.GOVERNANCE))
    with pytest.raises(StoreDeniedError):
        store.delete_version("key", version_id)
    store.delete_version("key", version_id, bypass_governance=True)


@pytest.mark.parametrize("weaker", [None, a_day(LockMode.GOVERNANCE)])
def test_compliance_is_not_weakened_by_bypassing(store, weaker):
    version_id = put(store, "key", retention=a_day())
    with pytest.raises(StoreDeniedError):
        store.set_retention("key", version_id, weaker, bypass_governance=True)
    with pytest.raises(StoreDeniedError):
        store.delete_version("key", version_id, bypass_governance=True)


def test_a_legal_hold_needs_no_date(store):
    version_id = put(store, "key")
    store.set_legal_hold("key", version_id, held=True)
    assert store.head("key", version_id).legal_hold
    with pytest.raises(StoreDeniedError):
        store.delete_version("key", version_id, bypass_governance=True)
    store.set_legal_hold("key", version_id, held=False)
    store.delete_version("key", version_id)


def test_deleting_the_marker_shows_the_name_again(store):
    put(store, "key")
    store.delete_version("key", store.delete("key"))
    assert next(store.versions("key")).is_latest
    with pytest.raises(ObjectExistsError):
        put(store, "key")


def test_below_the_api_no_lock_helps(store):
    version_id = put(store, "key", b"body", retention=a_day())
    before = store.head("key", version_id)
    store.corrupt("key", version_id, b"rot!")
    assert (read(store, "key", version_id), store.head("key", version_id)) == (b"rot!", before)
    store.erase("key")
    assert list(store.versions("")) == []
    with pytest.raises(ObjectMissingError):
        store.open("key", version_id)


def test_one_version_can_be_erased_alone(store):
    first, second = put(store, "key", retention=a_day()), put(store, "key", only_if_absent=False)
    store.erase("key", first)
    assert [version.version_id for version in store.versions("")] == [second]


@pytest.mark.parametrize(("phase", "persisted"), [("before", False), ("after", True)])
def test_a_put_fails_with_or_without_effect(store, phase, persisted):
    def fault(operation, key, at):
        if (operation, key, at) == ("put", "key", phase):
            raise StoreUnavailableError("the line is cut")

    store.fault = fault
    with pytest.raises(StoreUnavailableError):
        put(store, "key")
    store.fault = None
    assert [version.key for version in store.versions("")] == (["key"] if persisted else [])


@pytest.mark.parametrize("operation", ["versions", "head", "open", "read"])
def test_every_read_can_fail(store, operation):
    version_id = put(store, "key", b"body")

    def fault(called, _key, _phase):
        if called == operation:
            raise StoreUnavailableError("the line is cut")

    store.fault = fault
    with pytest.raises(StoreUnavailableError):
        list(store.versions("")), store.head("key", version_id), read(store, "key", version_id)
