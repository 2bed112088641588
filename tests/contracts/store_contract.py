"""What the adapters of the store port promise.

A test module subclasses the classes that its store's abilities name: `StoreContract` for every store, one of
versioned and unversioned, one of locking and unlocked. So nothing is left out by a skip.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from sealtrail_transport.errors import (
    LockUnsupportedError,
    ObjectExistsError,
    ObjectMissingError,
    StoreDeniedError,
    StoreError,
)
from sealtrail_transport.store import LockKnowledge, LockMode, Retention

NO_SUCH_VERSION = "0" * 32
VIEW = "views/payments/0/1b36487e/00000000000000000003.parquet"
OVER_A_PAGE = 1_005
"""More than S3 lists in one answer."""


def a_day(mode: LockMode = LockMode.COMPLIANCE) -> Retention:
    return Retention(mode, datetime.now(UTC) + timedelta(days=1, microseconds=765_432))


def put(store, key: str, body: bytes = b"body", **options) -> str:
    return store.put(key, body, retention=options.pop("retention", None), **options)


def keys(listing) -> list[str]:
    return [version.key for version in listing]


def read(store, key: str, version_id: str) -> bytes:
    with store.open(key, version_id) as file:
        return file.read()


class StoreContract:
    """Every store. Subclasses override `store` with a fixture: an adapter over an empty bucket or prefix."""

    knowledge: LockKnowledge

    @pytest.fixture
    def store(self):
        raise NotImplementedError

    def test_it_says_how_it_knows_of_locks(self, store):
        assert store.lock_knowledge is self.knowledge

    def test_an_empty_store_lists_nothing(self, store):
        assert list(store.versions("")) == []

    @pytest.mark.parametrize("body", [b"", b"\x00", b"body" * 1000], ids=["empty", "one byte", "4 kB"])
    def test_what_was_put_is_listed_described_and_read(self, store, body):
        version_id = put(store, "trail/0/object", body)
        (version,) = store.versions("")
        info = store.head("trail/0/object", version_id)
        assert (version.key, version.version_id, version.size) == ("trail/0/object", version_id, len(body))
        assert (version.is_latest, version.is_delete_marker) == (True, False)
        assert (info.key, info.version_id, info.size) == ("trail/0/object", version_id, len(body))
        assert (info.retention, info.legal_hold) == (None, False)
        assert read(store, "trail/0/object", version_id) == body

    def test_twenty_megabytes_are_streamed(self, store):
        body = bytes(range(256)) * 4096 * 20
        version_id = put(store, "large", body)
        with store.open("large", version_id) as file:
            pieces = [file.read(1_000_003)]
            while pieces[-1]:
                pieces.append(file.read(1_000_003))
        assert b"".join(pieces) == body

    def test_an_opened_version_may_be_closed_unread(self, store):
        version_id = put(store, "large", b"x" * 3_000_000)
        with store.open("large", version_id) as file:
            assert file.read(10) == b"x" * 10
        assert len(read(store, "large", version_id)) == 3_000_000

    @pytest.mark.parametrize(
        "key", ["ünï/çødé", "日本/語.avro", "a b/c+d%20&e=f", "'quote\"", "~tilde/=:@,;"]
    )
    def test_keys_may_hold_any_letters(self, store, key):
        version_id = put(store, key, key.encode())
        assert keys(store.versions("")) == [key]
        assert keys(store.versions(key)) == [key]
        assert store.head(key, version_id).key == key
        assert read(store, key, version_id) == key.encode()

    @pytest.mark.parametrize(
        ("start", "length", "expected"),
        [
            (0, 1, b"\x00"),
            (0, 256, bytes(range(256))),
            (100, 3, b"def"),
            (250, 6, bytes(range(250, 256))),
            (250, 1_000, bytes(range(250, 256))),
            (256, 10, b""),
            (1_000_000, 1, b""),
        ],
    )
    def test_a_range_is_read_without_the_rest(self, store, start, length, expected):
        version_id = put(store, "object", bytes(range(256)))
        assert store.read_range("object", version_id, start=start, length=length) == expected

    def test_nothing_has_no_ranges(self, store):
        version_id = put(store, "empty", b"")
        assert store.read_range("empty", version_id, start=0, length=10) == b""

    def test_a_view_is_written_without_a_lock_and_over_what_is_there(self, store):
        store.put_view(VIEW, b"first")
        version_id = store.put_view(VIEW, b"second")
        top = next(store.versions("views/"))
        assert (top.key, top.version_id, top.is_latest) == (VIEW, version_id, True)
        assert read(store, VIEW, version_id) == b"second"
        assert store.head(VIEW, version_id).retention is None

    @pytest.mark.parametrize(
        "key",
        [
            "payments/0/1b36487e/batches/00000000000000000003.avro",
            "payments/0/1b36487e/seals/00000000000000000005.seal",
            "format/0123456789abcdef/format.md",
            "payments/0/1b36487e/00000000000000000003.parquet",
            "views/0/1b36487e/batches/00000000000000000003.avro",
            "views/5/12345678/1b36487e/00000000000000000003.parquet",
            "views/payments/0/1b36487e/3.parquet",
            "views/payments/0/1b36487e/../00000000000000000003.parquet",
            "views/../0/1b36487e/00000000000000000003.parquet",
            "views/",
        ],
    )
    def test_nothing_but_a_view_is_written_as_one(self, store, key):
        with pytest.raises(StoreError):
            store.put_view(key, b"anything")
        assert list(store.versions("")) == []

    def test_a_name_is_written_once(self, store):
        version_id = put(store, "once", b"first")
        with pytest.raises(ObjectExistsError):
            put(store, "once", b"second")
        assert [version.version_id for version in store.versions("")] == [version_id]
        assert read(store, "once", version_id) == b"first"

    def test_of_sixteen_racing_writers_one_wins(self, store):
        def race(number: int) -> int | None:
            try:
                put(store, "race", bytes([number]) * 1000)
            except ObjectExistsError:
                return None
            return number

        with ThreadPoolExecutor(16) as pool:
            (winner,) = [number for number in pool.map(race, range(16)) if number is not None]
        (version,) = store.versions("")
        assert read(store, "race", version.version_id) == bytes([winner]) * 1000

    def test_without_the_condition_the_newest_bytes_are_on_top(self, store):
        put(store, "again", b"first")
        version_id = put(store, "again", b"second", only_if_absent=False)
        top = next(store.versions("again"))
        assert (top.version_id, top.is_latest) == (version_id, True)
        assert read(store, "again", version_id) == b"second"

    def test_times_are_whole_seconds_and_agree(self, store):
        version_id = put(store, "timed")
        (version,) = store.versions("")
        assert version.last_modified.utcoffset() == timedelta(0)
        assert version.last_modified.microsecond == 0
        assert store.head("timed", version_id).last_modified == version.last_modified

    def test_keys_are_listed_in_the_order_of_their_letters(self, store):
        names = [
            "a-b",
            "a.b",
            "a/b",
            "a/b-c",
            "a0",
            "b",
            "é",
        ]  # `/` is a letter like any other: after `-` and `.`
        for name in reversed(names):
            put(store, name)
        assert keys(store.versions("")) == names

    def test_a_prefix_is_letters_not_a_folder(self, store):
        for name in ["seals/1", "seals/10", "seals/2", "sealsx", "views/1"]:
            put(store, name)
        assert keys(store.versions("seals/1")) == ["seals/1", "seals/10"]
        assert keys(store.versions("seals")) == ["seals/1", "seals/10", "seals/2", "sealsx"]
        assert keys(store.versions("seals/")) == ["seals/1", "seals/10", "seals/2"]
        assert keys(store.versions("none/")) == []

    def test_after_and_limit_walk_through_a_listing(self, store):
        names = [f"seals/{number:03}" for number in range(7)]
        for name in names:
            put(store, name)
        walked: list[str] = []
        while page := keys(store.versions("seals/", after=walked[-1] if walked else None, limit=3)):
            assert len(page) <= 3
            walked += page
        assert walked == names

    @pytest.mark.parametrize(
        ("after", "expected"),
        [
            (None, ["a/1", "a/2", "b/1"]),
            ("a/1", ["a/2", "b/1"]),
            ("a/", ["a/1", "a/2", "b/1"]),
            ("a/11", ["a/2", "b/1"]),
            ("a/9", ["b/1"]),
            ("b/1", []),
        ],
    )
    def test_after_need_not_be_a_key(self, store, after, expected):
        for name in ["a/1", "a/2", "b/1"]:
            put(store, name)
        assert keys(store.versions("", after=after)) == expected
        assert keys(store.versions("", after=after, limit=0)) == []

    def test_what_is_not_there_is_missing(self, store):
        version_id = put(store, "there")
        for key, version in [
            ("nowhere", version_id),
            ("there/below", version_id),
            ("there", NO_SUCH_VERSION),
        ]:
            with pytest.raises(ObjectMissingError):
                store.head(key, version)
            with pytest.raises(ObjectMissingError):
                store.open(key, version)
            with pytest.raises(ObjectMissingError):
                store.read_range(key, version, start=0, length=1)


class VersionedStoreContract:
    """A store that keeps versions. Subclasses give `delete`: a plain delete of a name, open to anybody."""

    def delete(self, store, key: str) -> None:
        raise NotImplementedError

    def test_versions_come_newest_first_within_their_key(self, store):
        expected = []
        for key in ["a", "b"]:
            ids = [put(store, key, bytes([number]), only_if_absent=False) for number in range(4)]
            expected += [
                (key, version_id, number == 3) for number, version_id in reversed(list(enumerate(ids)))
            ]
        assert [(line.key, line.version_id, line.is_latest) for line in store.versions("")] == expected

    def test_older_versions_are_read_by_their_id(self, store):
        first, second = put(store, "key", b"first"), put(store, "key", b"second", only_if_absent=False)
        assert (read(store, "key", first), read(store, "key", second)) == (b"first", b"second")
        assert store.read_range("key", first, start=1, length=3) == b"irs"

    def test_after_leaves_out_all_versions_of_its_key(self, store):
        for key in ["a", "a", "b", "b", "c"]:
            put(store, key, only_if_absent=False)
        assert keys(store.versions("", after="a")) == ["b", "b", "c"]
        assert keys(store.versions("", limit=3)) == ["a", "a", "b"]

    def test_a_marker_hides_the_name_and_is_listed_on_top(self, store):
        first = put(store, "key", b"first")
        self.delete(store, "key")
        marker, version = store.versions("")
        assert (marker.is_delete_marker, marker.is_latest, marker.size) == (True, True, 0)
        assert (version.version_id, version.is_delete_marker, version.is_latest) == (first, False, False)
        assert read(store, "key", first) == b"first"

    def test_under_a_marker_write_once_succeeds_a_second_time(self, store):
        """The trap of `If-None-Match: *`: it heeds the current version only, so readers list all versions."""
        first = put(store, "key", b"first")
        self.delete(store, "key")
        second = put(store, "key", b"second")
        assert [line.version_id for line in store.versions("") if not line.is_delete_marker] == [
            second,
            first,
        ]
        assert [line.is_latest for line in store.versions("")] == [True, False, False]

    def test_a_marker_has_no_bytes(self, store):
        put(store, "key")
        self.delete(store, "key")
        marker = next(store.versions("key"))
        with pytest.raises(ObjectMissingError):
            store.head("key", marker.version_id)
        with pytest.raises(ObjectMissingError):
            store.open("key", marker.version_id)
        with pytest.raises(ObjectMissingError):
            store.read_range("key", marker.version_id, start=0, length=1)

    def test_a_listing_of_more_than_a_page_is_whole_and_in_order(self, store):
        names = [f"batches/{number:05}" for number in range(OVER_A_PAGE - 5)]
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: put(store, name, b""), names))
        for _ in range(5):  # the versions of one key lie on both sides of the page's end
            put(store, names[-3], b"", only_if_absent=False)
        expected = sorted(names + [names[-3]] * 5)
        assert keys(store.versions("batches/")) == expected
        assert keys(store.versions("batches/", limit=1001)) == expected[:1001]
        assert keys(store.versions("batches/", after=names[-4])) == expected[-8:]
        newest = [line.is_latest for line in store.versions(names[-3])]
        assert newest == [True, False, False, False, False, False]


class UnversionedStoreContract:
    """A store that keeps one version of a name."""

    def test_a_newer_body_replaces_the_older_one(self, store):
        put(store, "key", b"first")
        put(store, "key", b"second", only_if_absent=False)
        (version,) = store.versions("")
        assert read(store, "key", version.version_id) == b"second"


class LockingStoreContract:
    """A store with Object Lock. Subclasses give the calls that anybody with credentials may send."""

    def delete(self, store, key: str) -> None:
        raise NotImplementedError

    def delete_version(self, store, key: str, version_id: str) -> None:
        raise NotImplementedError

    def set_retention(self, store, key: str, version_id: str, retention: Retention) -> None:
        raise NotImplementedError

    def test_the_bucket_is_there_with_its_lock(self, store):
        assert store.ensure_bucket() is False

    @pytest.mark.parametrize("mode", list(LockMode))
    def test_a_lock_reads_back_in_whole_seconds(self, store, mode):
        asked = a_day(mode)
        version_id = put(store, "locked", retention=asked)
        kept = store.head("locked", version_id).retention
        assert kept == Retention(mode, asked.until.replace(microsecond=0))
        assert kept.until.utcoffset() == timedelta(0)

    def test_each_version_has_its_own_lock(self, store):
        locked = put(store, "key", retention=a_day())
        free = put(store, "key", only_if_absent=False)
        assert store.head("key", locked).retention is not None
        assert store.head("key", free).retention is None

    def test_a_locked_version_can_not_be_deleted(self, store):
        version_id = put(store, "locked", b"body", retention=a_day())
        with pytest.raises(StoreDeniedError):
            self.delete_version(store, "locked", version_id)
        assert read(store, "locked", version_id) == b"body"

    def test_neither_a_marker_nor_a_newer_version_opens_the_lock(self, store):
        version_id = put(store, "locked", b"body", retention=a_day())
        put(store, "locked", b"newer", only_if_absent=False)
        self.delete(store, "locked")
        with pytest.raises(StoreDeniedError):
            self.delete_version(store, "locked", version_id)
        assert read(store, "locked", version_id) == b"body"

    def test_an_unlocked_version_can_be_deleted(self, store):
        version_id = put(store, "free")
        self.delete_version(store, "free", version_id)
        assert list(store.versions("")) == []
        with pytest.raises(ObjectMissingError):
            store.head("free", version_id)

    def test_a_compliance_lock_can_be_extended_and_not_shortened(self, store):
        asked = a_day()
        version_id = put(store, "locked", retention=asked)
        with pytest.raises(StoreDeniedError):
            self.set_retention(
                store, "locked", version_id, Retention(asked.mode, asked.until - timedelta(hours=1))
            )
        longer = Retention(asked.mode, asked.until.replace(microsecond=0) + timedelta(hours=1))
        self.set_retention(store, "locked", version_id, longer)
        assert store.head("locked", version_id).retention == longer

    def test_a_lock_that_has_ended_already_is_refused(self, store):
        with pytest.raises(StoreError):
            put(store, "late", retention=Retention(LockMode.COMPLIANCE, datetime(2020, 1, 1, tzinfo=UTC)))
        assert list(store.versions("")) == []


class UnlockedStoreContract:
    """A store without Object Lock."""

    def test_a_lock_is_refused_and_nothing_written(self, store):
        with pytest.raises(LockUnsupportedError):
            put(store, "locked", retention=a_day())
        assert list(store.versions("")) == []
