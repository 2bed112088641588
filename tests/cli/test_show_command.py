import base64
import json
from pathlib import Path

import pytest

from cli.archives import archive_of, json_of, lasting_trail
from command_line import call
from sealtrail_producers.event_fields import as_resource
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, encode_event

CLOUDTRAIL = Path(__file__).parents[3] / "shared/data/cloudtrail"
ORIGIN = "audit.example.com/payments/0"
EVIL = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e"

DELETE_TRAIL = {
    "eventVersion": "1.08",
    "userIdentity": {"type": "IAMUser", "arn": "arn:aws:iam::111122223333:user/ops-2"},
    "eventTime": "2026-11-20T18:53:00Z",
    "eventSource": "cloudtrail.amazonaws.com",
    "eventName": "DeleteTrail",
    "requestParameters": {"name": "main"},
    "responseElements": None,
    "eventID": "4b1f0c0e-5b0f-4f2e-9d4c-1d2f5f0a9f10",
    "eventType": "AwsApiCall",
}
AUDIT_EVENT = AuditEvent(
    id="e-1",
    time_ms=1_790_000_000_000,
    source="https://services.example.com",
    type="payment.approve",
    actor=Actor("user", "u-17"),
    action="payment.approve",
    resource=as_resource(("payment", "4711")),
    outcome=Outcome.DENIED,
    attributes={"amount": "12.50"},
)


def show(tmp_path, *arguments, value=b"{}", key=None, headers=()):
    """Show entry 1 of a trail whose one event this is."""
    trail = lasting_trail()
    trail.event(value, key, headers)
    trail.seal()
    return archive_of(tmp_path, trail).run("show", 1, *arguments)


def test_a_delete_trail_event_reads_well(tmp_path):
    result = show(tmp_path, value=json.dumps(DELETE_TRAIL).encode())
    assert result.exit_code == 0, result.output
    lines = result.stdout.splitlines()
    assert lines[0] == f"Entry 1 of {ORIGIN}"
    assert lines[1].strip() == (
        "arn:aws:iam::111122223333:user/ops-2 did cloudtrail:DeleteTrail on main (success)"
        " at 2026-11-20T18:53:00Z"
    )
    for row in (
        "  kind            event",
        "  actor           arn:aws:iam::111122223333:user/ops-2",
        "  action          cloudtrail:DeleteTrail",
        "  resource        main",
        "  outcome         success",
        "  happened at     2026-11-20T18:53:00.000Z (the event's word)",
        '    "eventName": "DeleteTrail",',
    ):
        assert row in lines


@pytest.mark.skipif(not CLOUDTRAIL.is_dir(), reason="the public CloudTrail data is not here")
def test_a_real_delete_trail_event_reads_well(tmp_path):
    records = [
        record for file in CLOUDTRAIL.glob("*.json") for record in json.loads(file.read_text())["Records"]
    ]
    event = next(record for record in records if record["eventName"] == "DeleteTrail")
    result = show(tmp_path, value=json.dumps(event).encode())
    assert "did cloudtrail:DeleteTrail on " in result.stdout.splitlines()[1]
    assert event["eventID"] in result.stdout


def test_an_audit_event_is_shown_by_its_members(tmp_path):
    lines = show(tmp_path, value=encode_event(AUDIT_EVENT)).stdout.splitlines()
    assert lines[1].strip() == ("u-17 did payment.approve on payment/4711 (denied) at 2026-09-21T14:13:20Z")
    assert "  actor.id: u-17" in lines
    assert "  attributes.amount: 12.50" in lines


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ["Value", "  null"]),
        (b"", ["Value (0 bytes, text)", "  "]),
        (b"two\nlines", ["Value (9 bytes, text)", "  two", "  lines"]),
        (b'{"b":1,"a":1.0}', ["Value (15 bytes, JSON)", "  {", '    "b": 1,', '    "a": 1.0', "  }"]),
        (
            b"\xff\x00",
            ["Value (2 bytes, binary)", "  00000000  ff 00" + 43 * " " + " .."],
        ),
    ],
)
def test_a_value_is_shown_as_what_it_is(tmp_path, value, shown):
    lines = show(tmp_path, value=value).stdout.splitlines()
    start = lines.index(shown[0])
    assert lines[start : start + len(shown)] == shown


def test_a_large_value_is_cut_and_says_so(tmp_path):
    output = show(tmp_path, value="ä".encode() * 500_000).stdout
    assert len(output) < 100_000
    assert "--raw writes all of it" in output


def test_key_and_headers_are_shown_in_order_with_duplicates(tmp_path):
    headers = ((b"h", b"1"), (b"h", None), (b"\xff", b"\xfe"))
    lines = show(tmp_path, key=b"k\n1", headers=headers).stdout.splitlines()
    assert "  k\\n1" in lines
    start = lines.index("Headers (3)")
    assert lines[start + 1 : start + 4] == ["  h: 1", "  h: null", "  0xff: 0xfe"]


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_nothing_in_an_event_reaches_the_terminal_raw(tmp_path, arguments):
    event = DELETE_TRAIL | {"userIdentity": {"arn": EVIL}, "requestParameters": {"name": EVIL}, EVIL: [EVIL]}
    raw = json.dumps(event, ensure_ascii=False).encode()
    for number, value in enumerate((raw, EVIL.encode(), EVIL.encode("utf-16"))):
        result = show(
            tmp_path / str(number),
            *arguments,
            value=value,
            key=EVIL.encode(),
            headers=[(EVIL.encode(), EVIL.encode())],
        )
        assert result.exit_code == 0, result.output
        assert all(line.isprintable() for line in result.output.split("\n"))


def test_raw_writes_the_bytes_and_nothing_else(tmp_path):
    value = bytes(range(256))
    assert show(tmp_path, "--raw", value=value).stdout_bytes == value


def test_json_has_the_entry_and_what_was_verified(tmp_path):
    shown = json_of(show(tmp_path, "--json", value=b"\xff{}", key=b"k", headers=[(b"h", None)]))
    assert (shown["origin"], shown["sequence"], shown["kind"]) == (ORIGIN, "1", "event")
    assert base64.b64decode(shown["value"]) == b"\xff{}"
    assert shown["value_text"] is None
    assert shown["key"] == base64.b64encode(b"k").decode()
    assert shown["headers"] == [{"key": base64.b64encode(b"h").decode(), "value": None}]
    assert shown["recognised"] is None
    assert len(bytes.fromhex(shown["entry_hash"])) == 32
    assert shown["checks"]
    assert shown["not_checked"]


def test_the_genesis_and_heartbeats_say_what_they_are(tmp_path):
    trail = lasting_trail()
    trail.heartbeat()
    trail.rejected()
    trail.seal()
    archive = archive_of(tmp_path, trail)
    assert "the beginning of the trail" in archive.run("show", 0).stdout
    assert "nothing happened" in archive.run("show", 1).stdout
    assert "could not be chained" in archive.run("show", 2).stdout


def test_what_was_verified_is_said(tmp_path):
    output = show(tmp_path).stdout
    assert "Verified\n" in output
    assert "is signed by the policy's key" in output
    assert "Not checked\n" in output


def test_an_entry_of_a_damaged_batch_is_not_shown(tmp_path):
    trail = lasting_trail()
    trail.event(b'{"secret":1}')
    trail.seal()
    archive = archive_of(tmp_path, trail)
    file = archive.batch(0)
    file.write_bytes(file.read_bytes().replace(b'{"secret":1}', b'{"secret":2}'))
    result = archive.run("show", 1)
    assert result.exit_code == 10
    assert result.stdout == ""
    assert "ST-ENTRY-PAYLOAD" in result.stderr


def test_an_entry_that_is_not_there_is_a_mistake(tmp_path):
    result = archive_of(tmp_path, lasting_trail(3)).run("show", 3)
    assert result.exit_code == 2
    assert result.stderr == f"Error: no valid seal of {ORIGIN} covers entry 3\n"


def test_with_several_trails_one_has_to_be_named(tmp_path):
    first = lasting_trail(2)
    second = lasting_trail(2, store=first.store, origin="audit.example.com/refunds/0", seed=b"\x05" * 32)
    archive = archive_of(tmp_path, first, second)
    result = archive.run("show", 1)
    assert result.exit_code == 2
    assert result.stderr == (f"Error: say with --trail which one: {ORIGIN}, audit.example.com/refunds/0\n")
    assert archive.run("show", "--trail", "refunds/0", 1).exit_code == 0


@pytest.mark.parametrize("sequence", ["-1", "x", "1.5"])
def test_a_sequence_is_a_number(tmp_path, sequence):
    archive = archive_of(tmp_path, lasting_trail(2))
    assert call("show", archive.copy, "--policy", archive.policy, "--", sequence).exit_code == 2
