"""`sealtrail doctor` without a broker: embedded store, plain folder, SeaweedFS, moto."""

import json
import sqlite3

import pytest

from command_line import call
from sealtrail import doctor_text
from sealtrail.doctor_report import JSON_FORMAT, Diagnosis, Group, Promise
from sealtrail_transport.check_result import Severity
from sealtrail_transport.s3_access import S3Access, connect
from sealtrail_transport.s3_probe import CHECKS

pytest_plugins = ["fixtures.seaweed"]

WORD = "fake-words-of-a-test-server"
KNOWN_OF_MOTO = {
    "ST-STORE-VERSIONING-SUSPENDED",
    "ST-STORE-SHORTENED",
    "ST-STORE-SHORTENED-BYPASS",
    "ST-STORE-CLEARED",
    "ST-STORE-CLEARED-BYPASS",
    "ST-STORE-DOWNGRADED",
    "ST-STORE-DOWNGRADED-BYPASS",
    "ST-STORE-LOCK-DATE-PAST",
    "ST-STORE-LOCK-DATE-MISSING",
    "ST-STORE-DAMAGE-ACCEPTED",
}
WIDE_RIGHTS = {"ST-RIGHT-DELETE-VERSIONS", "ST-RIGHT-BYPASS", "ST-RIGHT-VERSIONING"}


def doctor(*arguments, check=0, **options):
    """The diagnosis as JSON."""
    answer = call("doctor", "--json", *arguments, **options)
    assert answer.exit_code == check, answer.output
    return json.loads(answer.stdout)


def codes(told, severity):
    """Codes of the checks that failed with this severity."""
    return {
        each["code"]
        for each in told["results"]
        if each["status"] == "failed" and each["severity"] == severity
    }


def result(told, code):
    (found,) = [each for each in told["results"] if each["code"] == code]
    return found


@pytest.mark.embedded
def test_the_embedded_store_is_sound_and_not_worm():
    assert call("init", "--base", "audit.example.com").exit_code == 0
    assert call("up", "--drain").exit_code == 0
    answer = call("doctor")
    assert answer.exit_code == 0, answer.output
    assert "ST-STORE-NOT-WORM" in answer.stdout
    assert "for trying, not WORM" in answer.stdout
    assert answer.stdout.splitlines()[-1].startswith("SOUND: ")
    told = doctor("--strict", check=13)
    assert codes(told, "error") == set()
    assert codes(told, "warning") == {"ST-STORE-NOT-WORM", "ST-LOG-EMBEDDED"}
    assert told["counts"]["not_checked"] == told["counts"]["not_permitted"] == 0
    assert told["probe"]["removed"] == 0, "what the first one left is still locked"
    assert call("verify").exit_code == 0, "an archive is as good after an examination as before"


@pytest.mark.usefixtures("trail")
def test_a_plain_folder_has_no_lock():
    told = doctor()
    assert told["format"] == JSON_FORMAT
    assert (told["verdict"], told["exit_code"], told["probe"]) == ("sound", 0, None)
    assert codes(told, "warning") == {"ST-STORE-NO-LOCK", "ST-LOG-EMBEDDED"}
    assert codes(told, "error") == set()
    assert {each["group"] for each in told["results"]} == {"store", "topics", "trails", "keys", "policy"}
    assert result(told, "ST-TRAIL-IDS")["status"] == "passed"
    assert doctor("--strict", check=13)["verdict"] == "unprotected"


@pytest.mark.usefixtures("trail")
def test_quietly_it_says_the_verdict_alone():
    answer = call("doctor", "-q")
    assert answer.stdout.startswith("SOUND: ")
    assert answer.stdout.count("\n") == 1


def test_nothing_in_the_data_folder_changes(trail):
    def everything():
        return {
            str(path): path.read_bytes()
            for path in trail.rglob("*")
            if path.is_file() and not path.name.startswith(("lock", "log.db-"))
        }

    before = everything()
    doctor()
    assert everything() == before


@pytest.fixture
def key(trail):
    return trail / "keys" / "events-0.key"


@pytest.mark.parametrize("which", ["key", "folder"])
def test_a_key_that_others_can_read(key, which):
    (key if which == "key" else key.parent).chmod(0o750)
    told = doctor(check=13)
    assert codes(told, "error") == {"ST-KEY-MODE"}
    assert "mode 0750" in result(told, "ST-KEY-MODE")["found"]


@pytest.mark.parametrize("content", ["", "PRIVATE+KEY+secret", "\udcff"])
def test_a_damaged_key_is_told_without_what_it_holds(key, content):
    key.write_bytes(content.encode(errors="surrogateescape"))
    answer = call("doctor", "--json")
    assert answer.exit_code == 13
    assert codes(json.loads(answer.stdout), "error") == {"ST-KEY-WRONG"}
    assert "PRIVATE" not in answer.output


def test_the_key_of_another_trail(here, key):
    assert call("init", "--archive", "folder", "--base", "b.example.com", "--data", "other").exit_code == 0
    key.write_bytes((here / "other" / "keys" / "events-0.key").read_bytes())
    assert codes(doctor(check=13), "error") == {"ST-KEY-WRONG"}


def test_a_key_that_the_policy_does_not_name(here, key):
    assert call("init", "--archive", "folder", "--base", "audit.example.com", "--data", "o").exit_code == 0
    key.write_bytes((here / "o" / "keys" / "events-0.key").read_bytes())
    assert codes(doctor(check=13), "error") == {"ST-POLICY-OTHER-KEY"}


def test_without_keys_it_is_another_machine(key):
    key.unlink()
    told = doctor()
    assert codes(told, "info") == {"ST-KEY-ELSEWHERE"}


def test_one_key_of_two_is_missing(here):
    arguments = ("--archive", "folder", "--base", "audit.example.com", "--partitions", "2")
    assert call("init", *arguments).exit_code == 0
    (here / ".sealtrail" / "keys" / "events-1.key").unlink()
    told = doctor(check=13)
    assert codes(told, "error") == {"ST-KEY-MISSING"}
    assert "events-1.key" in result(told, "ST-KEY-MISSING")["found"]


def test_a_damaged_policy(trail):
    (trail / "policy").write_text("log me in\n")
    told = doctor(check=13)
    assert codes(told, "error") == {"ST-POLICY-DAMAGED"}
    assert "line 1" in result(told, "ST-POLICY-DAMAGED")["found"]
    assert result(told, "ST-TRAIL-IDS")["status"] == "not_checked"


def test_a_policy_that_lacks_a_trail_and_one_that_anybody_may_change(trail):
    policy = trail / "policy"
    policy.write_text("quorum none\n")
    policy.chmod(0o666)
    told = doctor(check=13)
    assert codes(told, "error") == {"ST-POLICY-INCOMPLETE"}
    assert "ST-POLICY-WRITABLE" in codes(told, "warning")


def test_a_policy_that_wants_witnesses(trail):
    policy = trail / "policy"
    text = policy.read_text().replace("quorum none", "")
    policy.write_text(f"{text}quorum nobody\n")
    assert codes(doctor(check=13), "error") == {"ST-POLICY-DAMAGED"}


def test_topics_of_another_log_put_the_trail_in_doubt(here, trail):
    assert call("up", "--drain").exit_code == 0
    assert call("init", "--archive", "folder", "--base", "audit.example.com", "--data", "o").exit_code == 0
    for name in ("log.db", "log.db-wal", "log.db-shm"):
        (trail / name).unlink(missing_ok=True)
    (trail / "log.db").write_bytes(_whole(here / "o" / "log.db"))
    told = doctor(check=3)
    assert told["verdict"] == "in doubt"
    assert codes(told, "error") == {"ST-TRAIL-IDS"}
    assert "audit.example.com/events/0" in result(told, "ST-TRAIL-IDS")["found"]


def _whole(file):
    """A database as one file."""
    with sqlite3.connect(file) as log:
        log.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    log.close()
    return file.read_bytes()


def test_a_log_that_is_gone_is_not_made_anew(trail):
    for file in trail.glob("log.db*"):
        file.unlink()
    told = doctor(check=3)
    assert codes(told, "error") == {"ST-TOPIC-MISSING"}
    assert not (trail / "log.db").exists()


def test_the_evidence_of_a_stop(trail):
    (trail / "stopped-20260101T000000.000000Z.json").write_text("{}")
    told = doctor(check=3)
    assert codes(told, "error") == {"ST-TRAIL-STOPPED"}


def test_no_data_folder_is_one_line():
    answer = call("doctor")
    assert answer.exit_code == 5
    assert "run `sealtrail init`" in answer.stderr


@pytest.fixture
def moto():
    """Options for a moto with the bucket `audit`, and a client of it."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    client = connect(S3Access(endpoint_url=url, access_key=WORD, secret_key=WORD))
    client.create_bucket(Bucket="audit", ObjectLockEnabledForBucket=True)
    yield client, ("s3://audit/prod", "--endpoint-url", url)
    client.close()
    server.stop()


KEYS = {"AWS_ACCESS_KEY_ID": WORD, "AWS_SECRET_ACCESS_KEY": WORD}


@pytest.mark.embedded
def test_moto_fails(moto):
    _, options = moto
    told = doctor(*options, check=13, env=KEYS)
    assert codes(told, "error") == KNOWN_OF_MOTO
    assert codes(told, "warning") == WIDE_RIGHTS
    answer = call("doctor", *options, env=KEYS)
    assert answer.exit_code == 13
    assert answer.stdout.splitlines()[-1].startswith("UNPROTECTED: ")
    for code in KNOWN_OF_MOTO:
        assert answer.stdout.count(f"  error    {code}\n") == 1


@pytest.mark.embedded
def test_a_deployment_on_moto_fails(moto):
    _, (archive, *options) = moto
    arguments = ("init", "--base", "audit.example.com", "--archive", archive, "--retention", "1d")
    assert call(*arguments, *options, env=KEYS).exit_code == 0
    told = doctor(check=13, env=KEYS)
    assert codes(told, "error") == KNOWN_OF_MOTO
    assert result(told, "ST-TRAIL-IDS")["status"] == "passed"


@pytest.mark.embedded
@pytest.mark.parametrize(
    ("prefix", "status", "warned"),
    [
        ("", "Enabled", True),
        ("prod/", "Enabled", True),
        ("prod/", "Disabled", False),
        ("b/", "Enabled", False),
    ],
)
def test_a_lifecycle_rule_that_expires_what_is_sealed(moto, prefix, status, warned):
    client, options = moto
    rule = {"ID": "tidy", "Status": status, "Filter": {"Prefix": prefix}, "Expiration": {"Days": 1}}
    client.put_bucket_lifecycle_configuration(Bucket="audit", LifecycleConfiguration={"Rules": [rule]})
    told = doctor(*options, check=13, env=KEYS)
    assert ("ST-STORE-LIFECYCLE" in codes(told, "warning")) is warned


@pytest.mark.embedded
def test_a_bucket_that_is_open_to_everybody(moto):
    client, options = moto
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}
    client.put_bucket_policy(Bucket="audit", Policy=json.dumps({"Statement": [statement]}))
    told = doctor(*options, check=13, env=KEYS)
    assert "ST-STORE-PUBLIC" in codes(told, "warning")
    assert result(told, "ST-STORE-PUBLIC")["found"] == "s3:GetObject"


@pytest.mark.embedded
def test_seaweedfs_by_its_address_passes(seaweed):
    access = seaweed.access
    keys = {"AWS_ACCESS_KEY_ID": access.access_key, "AWS_SECRET_ACCESS_KEY": access.secret_key}
    told = doctor("s3://tests/doctor-test", "--endpoint-url", access.endpoint_url, env=keys)
    assert told["verdict"] == "sound"
    assert codes(told, "info") == {"ST-STORE-MARKER-REOPENS"}
    assert codes(told, "warning") == WIDE_RIGHTS
    assert {each["code"] for each in told["results"]} >= {check.code for check in CHECKS}


def test_a_store_that_is_away_and_no_store_at_all():
    options = ("--endpoint-url", "http://127.0.0.1:9")
    told = doctor("s3://audit", *options, check=5, env=KEYS)
    assert told["verdict"] == "unreached"
    assert codes(told, "error") == {"ST-STORE-ANSWERS"}
    assert "there is no folder" in call("doctor", "nowhere").stderr


def test_no_code_means_two_things_and_every_text_is_one_line():
    promises = _promises()
    assert len({each.code for each in promises}) == len(promises) > 20
    for each in promises:
        assert each.code.startswith("ST-")
        assert all("\n" not in text and 0 < len(text) < 120 for text in (each.title, each.expected, each.fix))


def _promises():
    from sealtrail import doctor_kafka, doctor_keys, doctor_log, doctor_store

    modules = (doctor_kafka, doctor_keys, doctor_log, doctor_store)
    values = [value for module in modules for value in vars(module).values()]
    rights = doctor_store._RIGHTS.values()
    return {*(value for value in values if isinstance(value, Promise)), *rights}


@pytest.mark.parametrize("strict", [False, True])
def test_the_exit_code_is_that_of_the_worst(strict):
    from sealtrail.exits import ExitCode

    def promise(severity=Severity.ERROR, code=ExitCode.UNPROTECTED):
        return Promise(Group.KEYS, "ST-T", "t", "e", "f", severity, code)

    stopped = promise(code=ExitCode.LINE_STOPPED).broken("x")
    away = promise(code=ExitCode.IO).broken("x")
    broken, warned = promise().broken("x"), promise(Severity.WARNING).broken("x")
    known, denied = promise(Severity.INFO).broken("x"), promise().not_permitted("x")
    unseen, kept = promise().not_checked("x"), promise().kept("x")

    def exit_code(*examined):
        return int(Diagnosis(examined, strict, {}).exit_code)

    assert exit_code(kept, known, denied) == 0
    assert exit_code(warned) == exit_code(unseen) == (13 if strict else 0)
    assert exit_code(away, kept) == 5
    assert exit_code(away, broken) == 13
    assert exit_code(away, broken, stopped) == 3


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width):
    from rich.console import Console

    examined = [each for promise in _promises() for each in (promise.kept("x"), promise.broken("word " * 50))]
    lines = doctor_text._lines(Diagnosis(examined, False, {Group.STORE: "s3://audit"}), width)
    shown = [text.plain for text in lines]
    assert max(map(len, shown)) <= width
    assert sum(line.startswith("  ok") for line in shown) == len(examined) // 2
    assert Console(width=width).is_terminal is False
