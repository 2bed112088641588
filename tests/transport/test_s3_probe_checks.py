"""The checks of the store probe over SeaweedFS, one fault each: all can fail, none passes what is unseen."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import count
from types import SimpleNamespace

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, PaginationError

from sealtrail_transport.check_result import Severity, Status
from sealtrail_transport.errors import StoreUnavailableError
from sealtrail_transport.s3_probe import CHECKS, probe_store
from sealtrail_transport.s3_probe_scratch import Scratch
from sealtrail_transport.s3_store import S3Store

pytest_plugins = ["fixtures.seaweed"]
pytestmark = pytest.mark.embedded

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO
PASSED, FAILED, NOT_PERMITTED, NOT_CHECKED = Status
BY_CODE = {check.code.removeprefix("ST-STORE-"): check for check in CHECKS}
LOCK = ("ObjectLockMode", "ObjectLockRetainUntilDate")
DELETES = {"DELETED", "DELETED-BYPASS", "DELETED-BATCH", "DELETED-BATCH-BYPASS"}
BYPASSES = {code for code in BY_CODE if code.endswith("-BYPASS")}
RETENTIONS = {"NOT-EXTENDED", "SHORTENED", "CLEARED", "DOWNGRADED"}
LISTED = {"LOCK-DATE-PAST", "LOCK-DATE-MISSING", "OVERWRITTEN", "RACE", "MARKER-REOPENS", "DAMAGE-ACCEPTED"}


class FaultyClient:
    """A boto3 client, some of whose operations are replaced: `replacement(real, **options)`."""

    def __init__(self, real, replacements):
        self._real = real
        self._replacements = replacements

    def __getattr__(self, name):
        real = getattr(self._real, name)
        if name not in self._replacements:
            return real
        return lambda *arguments, **options: self._replacements[name](real, *arguments, **options)


@pytest.fixture
def faulty(s3_store, s3_client):
    """Make a store over SeaweedFS in which some operations are replaced."""
    bucket, _, prefix = s3_store.url.removeprefix("s3://").partition("/")
    return lambda faults: S3Store(bucket, prefix, FaultyClient(s3_client, faults))


def utc_now():
    return datetime.now(UTC)


def run(code, store, *, now=utc_now):
    scratch = Scratch(store, now=now, entropy=secrets.token_bytes)
    scratch.look()
    return BY_CODE[code].run(scratch)


def refusal(code, status):
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": {"date": format_datetime(utc_now(), usegmt=True)}}
    return ClientError({"Error": {"Code": code, "Message": code}, "ResponseMetadata": metadata}, "Operation")


def refuse(code, status):
    def refused(_real, **_options):
        raise refusal(code, status)

    return refused


def answer(*answers):
    """Give these answers, the last one again and again, and ask nobody."""
    numbers = count()
    return lambda _real, *_arguments, **_options: answers[min(next(numbers), len(answers) - 1)]


def without(*names):
    """Leave out some options of each request."""
    return lambda real, **options: real(**{name: options[name] for name in options if name not in names})


def hide(*names):
    """Leave out some fields of each answer."""

    def hidden(real, **options):
        answer = real(**options)
        return {name: answer[name] for name in answer if name not in names}

    return hidden


def listing(change):
    """Change the versions in each listing."""
    return lambda real, **options: (
        (listed := real(**options)) | {"Versions": change(listed.get("Versions", []))}
    )


def pages(change):
    """Change the pages of a paginated listing."""

    def paginated(real, name):
        return SimpleNamespace(paginate=lambda **options: change(list(real(name).paginate(**options))))

    return paginated


def in_circles(_pages):
    raise PaginationError(message="The same next token was received twice")


def default_of_a_year(real, **options):
    lock = real(**options)["ObjectLockConfiguration"]
    return {
        "ObjectLockConfiguration": lock | {"Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": 1}}}
    }


def keep_damage(real, **options):
    try:
        return real(**options)
    except ClientError:
        without("ChecksumSHA256")(real, **options)
        raise


def no_deletes_of_versions(real, **options):
    return real(**options) if "VersionId" not in options else refuse("AccessDenied", 403)(real)


def no_bypass(real, **options):
    return (
        real(**options) if "BypassGovernanceRetention" not in options else refuse("AccessDenied", 403)(real)
    )


def deny_each(_real, **options):
    return {"Errors": [item | {"Code": "AccessDenied"} for item in options["Delete"]["Objects"]]}


def only_markers_die(real, **options):
    """Say of a version that it is deleted, and let it be."""
    is_marker = options["Key"].endswith("may-delete")
    return real(**options) if "VersionId" not in options or is_marker else {}


def no_protection():
    """A store that deletes what is locked."""
    gone = set()

    def delete(real, **options):
        if "VersionId" not in options:
            return real(**options)
        gone.add(options["VersionId"])
        return {}

    def delete_in_batch(_real, **options):
        gone.update(item["VersionId"] for item in options["Delete"]["Objects"])
        return {"Deleted": options["Delete"]["Objects"]}

    def look_up(real, **options):
        return real(**options) if options["VersionId"] not in gone else refuse("NoSuchVersion", 404)(real)

    return {
        "delete_object": delete,
        "delete_objects": delete_in_batch,
        "head_object": look_up,
        "get_object": look_up,
    }


def busy_deleting(real, **options):
    is_control = "VersionId" not in options or options["Key"].endswith("may-delete")
    return real(**options) if is_control else refuse("SlowDown", 503)(real)


def busy_inside(_real, **options):
    return {"Errors": [item | {"Code": "SlowDown"} for item in options["Delete"]["Objects"]]}


def busy_with_damage(real, **options):
    return refuse("InternalError", 500)(real) if options["Key"].endswith("/damaged") else real(**options)


FAULTS = [
    ("NO-OBJECT-LOCK", ERROR, {"get_object_lock_configuration": answer({})}),
    (
        "NO-OBJECT-LOCK",
        ERROR,
        {"get_object_lock_configuration": refuse("ObjectLockConfigurationNotFoundError", 404)},
    ),
    ("NO-OBJECT-LOCK", ERROR, {"get_bucket_versioning": answer({})}),
    ("VERSIONING-SUSPENDED", WARNING, {"put_bucket_versioning": answer({})}),
    (
        "VERSIONING-SUSPENDED",
        ERROR,
        {"put_bucket_versioning": answer({}), "get_bucket_versioning": answer({"Status": "Suspended"})},
    ),
    (
        "VERSIONING-SUSPENDED",
        ERROR,
        {"put_bucket_versioning": answer({}), "get_bucket_versioning": refuse("AccessDenied", 403)},
    ),
    ("DEFAULT-RETENTION", WARNING, {"get_object_lock_configuration": default_of_a_year}),
    ("LOCK-HIDDEN", ERROR, {"put_object": without(*LOCK)}),
    ("LOCK-HIDDEN", ERROR, {"head_object": hide(*LOCK)}),
    *((code, ERROR, no_protection()) for code in sorted(DELETES)),
    ("DELETED", WARNING, {"delete_object": only_markers_die}),
    ("DELETED-BATCH", WARNING, {"delete_objects": answer({})}),
    ("NOT-EXTENDED", WARNING, {"put_object_retention": refuse("NotImplemented", 501)}),
    ("NOT-EXTENDED", WARNING, {"put_object_retention": answer({})}),
    ("LOCK-DATE-PAST", ERROR, {"put_object": without(*LOCK)}),
    ("LOCK-DATE-MISSING", ERROR, {"put_object": without(*LOCK)}),
    ("OVERWRITTEN", ERROR, {"put_object": without("IfNoneMatch")}),
    ("RACE", ERROR, {"put_object": without("IfNoneMatch")}),
    ("RACE", ERROR, {"list_object_versions": hide("Versions")}),
    ("MARKER-REOPENS", INFO, {}),
    ("MARKER-REOPENS", ERROR, {"list_object_versions": listing(lambda lines: lines[:-1])}),
    ("DAMAGE-ACCEPTED", ERROR, {"put_object": without("ChecksumSHA256")}),
    ("DAMAGE-ACCEPTED", ERROR, {"put_object": keep_damage}),
    ("HOLD", WARNING, {"put_object_legal_hold": answer({})}),
    ("HOLD", WARNING, {"put_object_legal_hold": refuse("NotImplemented", 501)}),
    ("HOLD", WARNING, {"head_object": hide("ObjectLockLegalHoldStatus")}),
    ("LISTING", ERROR, {"list_object_versions": listing(lambda lines: lines[::-1])}),
    ("LISTING", ERROR, {"list_object_versions": listing(lambda lines: lines[:-1])}),
    ("LISTING", ERROR, {"get_paginator": pages(lambda pages: pages[::-1])}),
    ("LISTING", ERROR, {"get_paginator": pages(lambda pages: pages[:-1])}),
    ("LISTING", ERROR, {"get_paginator": pages(lambda pages: pages[:1] * 1000)}),
    ("LISTING", ERROR, {"get_paginator": pages(in_circles)}),
]


@pytest.mark.parametrize(
    ("code", "severity", "faults"),
    FAULTS,
    ids=[f"{code}-{number}" for number, (code, _, _) in enumerate(FAULTS)],
)
def test_a_check_fails(faulty, code, severity, faults):
    result = run(code, faulty(faults))
    assert (result.status, result.severity) == (FAILED, severity), result.found
    assert result.found
    assert result.fix == BY_CODE[code].fix


@pytest.mark.parametrize(
    ("hours", "severity"), [(2, ERROR), (-2, ERROR), (1 / 30, WARNING), (-1 / 30, WARNING)]
)
def test_a_wrong_clock_fails(s3_store, hours, severity):
    result = run("CLOCK", s3_store, now=lambda: utc_now() - timedelta(hours=hours))
    assert (result.status, result.severity) == (FAILED, severity)
    assert ("ahead" if hours > 0 else "behind") in result.found


def test_locks_are_dated_by_the_clock_of_the_store(s3_store):
    report = probe_store(s3_store, now=lambda: utc_now() - timedelta(days=2), entropy=secrets.token_bytes)
    failed = {result.code: result.severity for result in report.failures}
    assert failed == {"ST-STORE-CLOCK": ERROR, "ST-STORE-MARKER-REOPENS": INFO}


def test_uploads_in_parts_are_told(s3_store, s3_client):
    bucket, _, prefix = s3_store.url.removeprefix("s3://").partition("/")
    s3_client.create_multipart_upload(Bucket=bucket, Key=f"{prefix}/large")
    result = run("UPLOADS-IN-PARTS", s3_store)
    assert (result.status, result.severity) == (FAILED, INFO)
    assert f"{prefix}/large" in result.found


def test_versioning_that_stays_suspended_is_shouted(faulty):
    def suspend_only(real, **options):
        return (
            {} if options["VersioningConfiguration"]["Status"] == "Suspended" else refuse("Busy", 503)(real)
        )

    result = run("VERSIONING-SUSPENDED", faulty({"put_bucket_versioning": suspend_only}))
    assert (result.status, result.severity) == (FAILED, ERROR)
    assert "ENABLE VERSIONING NOW" in result.found


def test_a_name_that_stays_taken_under_a_marker_passes(faulty):
    puts = count()

    def once(real, **options):
        return real(**options) if next(puts) == 0 else refuse("PreconditionFailed", 412)(real)

    result = run("MARKER-REOPENS", faulty({"put_object": once}))
    assert (result.status, result.found) == (PASSED, "refused (412)")


# What can't be seen is never passed

DENIED = refuse("AccessDenied", 403)
RIGHTS = [
    ({"delete_object": DENIED}, DELETES | {"MARKER-REOPENS", "LISTING", "HOLD"}, "nothing"),
    ({"delete_object": no_deletes_of_versions, "delete_objects": deny_each}, DELETES | {"HOLD"}, "nothing"),
    ({"delete_objects": DENIED}, {"DELETED-BATCH", "DELETED-BATCH-BYPASS"}, "nothing"),
    ({"put_object_retention": no_bypass}, BYPASSES, "nothing"),
    ({"put_bucket_versioning": DENIED}, {"VERSIONING-SUSPENDED"}, "nothing"),
    ({"put_object_legal_hold": DENIED}, {"HOLD"}, "nothing"),
    ({"list_multipart_uploads": DENIED}, {"UPLOADS-IN-PARTS"}, "probe"),
    ({"list_object_versions": DENIED}, LISTED | {"LISTING"}, "probe"),
    (
        {"get_object_lock_configuration": DENIED},
        {"NO-OBJECT-LOCK", "VERSIONING-SUSPENDED", "DEFAULT-RETENTION", "LOCK-DATE-MISSING", "HOLD"},
        "probe",
    ),
    (
        {"put_object": DENIED},
        {"LOCK-HIDDEN", "LISTING", "HOLD"} | DELETES | RETENTIONS | BYPASSES | LISTED,
        "probe",
    ),
]


@pytest.mark.parametrize(
    ("faults", "unseen", "fix"), RIGHTS, ids=["+".join(faults) for faults, _, _ in RIGHTS]
)
def test_what_is_not_permitted_is_not_passed(faulty, faults, unseen, fix):
    report = probe_store(faulty(faults), now=utc_now, entropy=secrets.token_bytes)
    unseen_now = {result.code.removeprefix("ST-STORE-"): result for result in report.unseen}
    assert unseen_now.keys() == unseen
    for result in unseen_now.values():
        assert (result.status, result.fix.split()[0].strip(",")) == (NOT_PERMITTED, fix), result


def test_denied_retention_hides_what_it_would_show(faulty):
    report = probe_store(faulty({"put_object_retention": DENIED}), now=utc_now, entropy=secrets.token_bytes)
    assert {result.code.removeprefix("ST-STORE-") for result in report.unseen} == RETENTIONS | BYPASSES
    assert {result.status for result in report.unseen} == {NOT_PERMITTED}


@pytest.mark.parametrize(
    ("code", "faults"),
    [
        ("VERSIONING-SUSPENDED", {"get_object_lock_configuration": answer({})}),
        ("LOCK-DATE-MISSING", {"get_object_lock_configuration": default_of_a_year}),
        ("HOLD", {"get_object_lock_configuration": default_of_a_year}),
        ("DELETED", {"head_object": hide(*LOCK)}),
        ("DELETED", {"put_object": refuse("InternalError", 500)}),
        ("DELETED", {"delete_object": busy_deleting}),
        ("DELETED-BATCH", {"delete_objects": busy_inside}),
        ("VERSIONING-SUSPENDED", {"put_bucket_versioning": refuse("", 503)}),
        ("DAMAGE-ACCEPTED", {"put_object": busy_with_damage}),
        ("RACE", {"put_object": refuse("SlowDown", 503)}),
        ("DELETED-BATCH", {"delete_objects": refuse("NotImplemented", 501)}),
        ("SHORTENED", {"put_object_retention": refuse("NotImplemented", 501)}),
        ("CLEARED", {"put_object_retention": answer({})}),
    ],
)
def test_what_stands_in_the_way_is_said(faulty, code, faults):
    result = run(code, faulty(faults))
    assert result.status is NOT_CHECKED, result.found
    assert result.found
    assert result.fix


def test_a_clock_that_is_not_told_is_not_checked(faulty):
    silent = faulty({"list_object_versions": answer({"ResponseMetadata": {"HTTPHeaders": {}}})})
    assert run("CLOCK", silent).status is NOT_CHECKED


def test_a_lock_that_ended_meanwhile_is_no_failure(faulty):
    late = []
    faults = no_protection()
    delete = faults["delete_object"]

    def slow_delete(real, **options):
        late.append(timedelta(minutes=2))
        return delete(real, **options)

    store = faulty(faults | {"delete_object": slow_delete})
    result = run("DELETED", store, now=lambda: utc_now() + sum(late[2:], timedelta()))
    assert result.status is NOT_CHECKED
    assert "ended meanwhile" in result.found


def test_a_store_that_goes_away_ends_the_probe(faulty):
    def away(_real, **_options):
        raise EndpointConnectionError(endpoint_url="http://store")

    with pytest.raises(StoreUnavailableError, match="Could not connect"):
        probe_store(faulty({"put_object_legal_hold": away}), now=utc_now, entropy=secrets.token_bytes)
