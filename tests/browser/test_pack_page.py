"""The page of an evidence pack in a real browser: what it checks, shows, and does not let happen."""

from __future__ import annotations

import io
import json

import pytest

from auditor.builders import make_rotated, make_trail, policy_of
from packs import FAILS, ONE_BYTE, checked, member, one_byte_changed, selected, states, zipped
from sealtrail_auditor.pack import About, PackedChange
from sealtrail_auditor.pack_check import check_pack
from sealtrail_auditor.pack_select import changes_of
from sealtrail_auditor.reading import find_trails
from sealtrail_producers.event_fields import as_resource
from sealtrail_schemas.audit_event import Actor, AuditEvent, Outcome, encode_event
from sealtrail_schemas.control import KeyChange
from sealtrail_schemas.keys import Signer
from sealtrail_schemas.payload import encode_payload

ALL_GOOD = dict.fromkeys(("form", "leaf", "payload", "inclusion", "signature", "seal"), "good")
MARKUP = '</script><script>window.pwned=1</script><img src=x onerror="window.pwned=1"><b id=bold>'
REVERSED = "evil\u202etxt.exe\x07"


def event_of(actor: str, action: str, **members) -> AuditEvent:
    said = {
        "id": "e-1",
        "time_ms": 1_790_000_000_000,
        "source": "https://services.example.com",
        "type": "payment",
        "actor": Actor("user", actor),
        "action": action,
        "resource": as_resource(("payment", "4711")),
        "outcome": Outcome.SUCCESS,
    }
    return AuditEvent(**(said | members))


@pytest.fixture(scope="module")
def trail():
    """Genesis and events of all forms, in two batches."""
    made = make_trail()
    made.event(encode_event(event_of("alice", "payment.approve", attributes={"amount": "12.50"})))
    made.event(encode_event(event_of("bob", "payment.delete", outcome=Outcome.DENIED)))
    made.seal()
    made.event(b'{"n":  1.10, "n":12345678901234567890}', b"key", ((b"h", b"v"), (b"none", None)))
    made.event(bytes(range(256)), b"\xff")
    made.event(None)
    made.heartbeat()
    made.rejected()
    made.seal()
    return made


@pytest.fixture(scope="module")
def pack(trail):
    return zipped(trail, selected(trail))


def test_a_good_pack_is_green_as_the_command_line_says(trail, pack, open_pack):
    opened = open_pack(pack)
    assert opened.colour == "green"
    assert opened.states() == states(checked(trail, pack)) == [ALL_GOOD] * 8
    assert opened.page.title() == "Case 17"
    assert opened.page.locator(".fingerprint").all_inner_texts() == [trail.signer.verifier.fingerprint]
    assert opened.page.locator("#missing").is_hidden()


def test_it_asks_the_network_for_nothing_and_is_silent(pack, open_pack):
    opened = open_pack(pack)
    assert (opened.console, len(opened.requests)) == ([], 1)


@pytest.mark.parametrize("where", ONE_BYTE)
def test_one_changed_byte_is_judged_as_on_the_command_line(trail, open_pack, where):
    data = one_byte_changed(trail, where, 4)
    opened = open_pack(data)
    assert opened.colour == "red"
    assert opened.states() == states(checked(trail, data))
    assert opened.states()[4] == ALL_GOOD | FAILS[where]
    assert opened.colours()[4] == "red"
    assert opened.colours()[:3] == ["green"] * 3


@pytest.fixture(scope="module")
def rotated():
    """A trail whose key was changed twice."""
    return make_rotated(b"\x02" * 32, b"\x03" * 32)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_keys_of_a_trail_lead_to_each_other(rotated, open_pack, seed):
    """Whichever of them the pack's policy names, and all can be compared."""
    key = Signer.from_seed(rotated.origin, bytes([seed]) * 32).verifier
    opened = open_pack(zipped(rotated, selected(rotated), key=key))
    assert opened.colour == "green"
    shown = opened.page.locator(".fingerprint").all_inner_texts()
    assert sorted(shown) == sorted(one.verifier.fingerprint for one in rotated.signers)
    assert shown[0] == key.fingerprint


def changes_for_the_page(rotated):
    """Key changes in packs, right and wrong, by what is wrong with them."""
    note = changes_of(rotated.store, find_trails(rotated.store, policy_of(rotated))[0])
    keys = [one.verifier for one in rotated.signers]
    thief = Signer.from_seed(rotated.origin, b"\x09" * 32)
    forked = rotated.statement(KeyChange(keys[0], thief.verifier), rotated.signers[0], thief, sequence=3)
    return {
        "none": [],
        "one": note[:1],
        "another": note[1:],
        "changed": [note[0], note[1]._replace(note=note[1].note.replace(b"agreed", b"wished"))],
        "one signature": [
            note[0],
            note[1]._replace(note=note[1].note.rpartition("\n\u2014".encode())[0] + b"\n"),
        ],
        "of another size": [note[0], note[1]._replace(size=7)],
        "in another folder, twice": [*note, note[1]._replace(folder="other/0/00000000/")],
        "a fork": [PackedChange(rotated.folder, 4, forked), *note],
    }


@pytest.mark.parametrize(
    "which",
    [
        "none",
        "one",
        "another",
        "changed",
        "one signature",
        "of another size",
        "in another folder, twice",
        "a fork",
    ],
)
@pytest.mark.parametrize("seed", [1, 3])
def test_key_changes_are_judged_as_on_the_command_line(rotated, open_pack, which, seed):
    key = Signer.from_seed(rotated.origin, bytes([seed]) * 32).verifier
    data = zipped(rotated, selected(rotated), changes=changes_for_the_page(rotated)[which], key=key)
    expected = states(check_pack(io.BytesIO(data), {key.name: key}))
    assert open_pack(data).states() == expected
    assert {each["signature"] for each in expected} >= {"good"}


def test_a_redacted_pack_is_green_and_shows_nothing(trail, open_pack):
    data = zipped(trail, selected(trail, redacted=True))
    opened = open_pack(data)
    assert opened.colour == "green"
    assert opened.states() == states(checked(trail, data)) == [ALL_GOOD | {"payload": "hidden"}] * 8
    assert "alice" not in opened.page.content()


def test_what_is_missing_is_said(trail, open_pack):
    opened = open_pack(zipped(trail, [*selected(trail)[:3], "payments/0, entries 3 to 7: damaged"]))
    assert opened.page.locator("#missing-list li").all_inner_texts() == [
        "payments/0, entries 3 to 7: damaged"
    ]


def test_an_empty_pack_is_grey(trail, open_pack):
    assert open_pack(zipped(trail, [])).colour == "grey"


NO_ED25519 = """
const importKey = crypto.subtle.importKey.bind(crypto.subtle);
crypto.subtle.importKey = (format, key, algorithm, ...rest) => algorithm.name === "Ed25519"
  ? Promise.reject(new DOMException("Unrecognized name.", "NotSupportedError"))
  : importKey(format, key, algorithm, ...rest);
"""
NO_CRYPTO = "Object.defineProperty(crypto, 'subtle', { value: undefined });"
LYING = "crypto.subtle.verify = () => Promise.resolve(true);"


@pytest.mark.parametrize(
    ("before", "signature", "payload"),
    [(NO_ED25519, "cannot", "good"), (NO_CRYPTO, "cannot", "cannot"), (LYING, "cannot", "good")],
    ids=["no Ed25519", "no Web Crypto", "accepts anything"],
)
def test_where_the_browser_cannot_it_is_grey(pack, open_pack, before, signature, payload):
    opened = open_pack(pack, before=before)
    assert opened.colour == "grey"
    assert {each["signature"] for each in opened.states()} == {signature}
    assert {each["payload"] for each in opened.states()} == {payload}
    assert set(opened.colours()) == {"grey"}


def test_without_ed25519_a_changed_payload_is_red(trail, open_pack):
    assert open_pack(one_byte_changed(trail, "payload", 4), before=NO_ED25519).colour == "red"


def test_without_scripts_it_is_grey(pack, open_pack):
    opened = open_pack(pack, java_script_enabled=False, waits=False)
    assert "nothing was checked" in opened.page.locator("#verdict").inner_text()
    assert "grey" in opened.page.locator("#verdict").get_attribute("class")


def test_the_key_is_compared_with_the_readers_own(trail, pack, open_pack):
    opened = open_pack(pack)
    assert "means nothing until" in opened.page.locator("#compare").inner_text()
    field, answer = opened.page.locator("#own-fingerprint"), opened.page.locator("#comparison")
    fingerprint = trail.signer.verifier.fingerprint
    for typed in (fingerprint, f"  {fingerprint}\n", fingerprint.removeprefix("SHA256:")):
        field.fill(typed)
        assert answer.get_attribute("class") == "same"
    field.fill(fingerprint[:-1])
    assert answer.get_attribute("class") == "different"
    field.fill("")
    assert answer.inner_text() == ""


def body_of(opened, number: int) -> str:
    entry = opened.page.locator(".entry").nth(number)
    entry.locator("summary").click()
    return entry.locator(".body").inner_text()


def test_values_of_all_forms_can_be_read(pack, open_pack):
    opened = open_pack(pack)
    event = body_of(opened, 1)
    assert '"id": "alice"' in event
    assert '"amount": "12.50"' in event
    assert '"time": "2026-09-21T14:13:20.000Z"' in event
    number = body_of(opened, 3)
    assert "1.10" in number
    assert "12345678901234567890" in number
    assert number.count('"n"') == 2
    assert "none" in number
    binary = body_of(opened, 4)
    assert "0040  40 41 42 43" in binary
    assert "0xff" in binary
    assert "null" in body_of(opened, 5)
    assert opened.page.locator(".entry").nth(6).locator(".what").inner_text().startswith("nothing happened")


def test_hostile_values_are_text(open_pack):
    made = make_trail()
    made.event(encode_event(event_of(MARKUP, MARKUP, reason=REVERSED)))
    made.event(MARKUP.encode(), MARKUP.encode(), ((MARKUP.encode(), MARKUP.encode()),))
    made.event(json.dumps({"a": MARKUP, "b": REVERSED}, ensure_ascii=False).encode())
    made.seal()
    contents = [*selected(made), f"missing {MARKUP}"]
    opened = open_pack(zipped(made, contents, About(MARKUP, MARKUP)))
    assert opened.colour == "green"
    bodies = [body_of(opened, number) for number in range(4)]
    assert opened.page.evaluate("window.pwned") is None
    assert opened.page.locator("img, #bold, #pack-data ~ script ~ script").count() == 0
    assert opened.console == []
    for body in bodies[1:]:
        assert "<script>window.pwned=1</script>" in body
    assert "\\u{202e}" in bodies[1]
    assert "\u202e" not in opened.page.locator("body").inner_text()
    assert opened.page.locator("#title").inner_text() == MARKUP


def test_nothing_but_its_own_script_runs(pack, open_pack):
    opened = open_pack(pack)
    opened.page.evaluate(
        """() => {
            const script = document.createElement("script");
            script.textContent = "window.pwned = 1";
            document.body.append(script);
            const image = document.createElement("img");
            image.src = "https://example.com/x.png";
            document.body.append(image);
            document.body.insertAdjacentHTML("beforeend", "<p onclick='window.pwned = 1' id=click>x</p>");
        }"""
    )
    opened.page.locator("#click").click()
    opened.page.wait_for_function("document.querySelector('img').complete")
    assert opened.page.evaluate("window.pwned") is None
    assert len([text for text in opened.console if "Content Security Policy" in text]) == 3


def test_the_time_line_shows_each_event_and_leads_to_it(trail, open_pack):
    opened = open_pack(one_byte_changed(trail, "payload", 4))
    marks = opened.page.locator("#timeline .mark")
    assert marks.count() == 5
    assert opened.page.locator("#timeline .mark.failure").count() == 1
    assert opened.page.locator("#timeline .mark.broken").count() == 1
    lanes = opened.page.locator("#timeline text.lane").all_text_contents()
    assert [lane.split()[0] for lane in lanes] == ["alice", "bob", "somebody", "content"]
    opened.page.locator("#timeline .mark.broken").dispatch_event("click")
    assert opened.page.locator(".entry").nth(4).get_attribute("open") is not None


def test_what_is_wrong_can_be_gone_to_and_is_not_shown(trail, open_pack):
    opened = open_pack(one_byte_changed(trail, "payload", 4))
    opened.page.get_by_role("button", name="#4").click()
    entry = opened.page.locator(".entry").nth(4)
    assert entry.get_attribute("open") is not None
    text = entry.locator(".body").inner_text()
    assert "The payload is not the one that was sealed" in text
    assert "are not shown, since they do not verify" in text


def test_a_headline_is_shown_only_with_a_payload_that_verifies(open_pack):
    made = make_trail()
    made.event(encode_event(event_of("alice", "payment.approve")))
    made.seal()
    other = encode_event(event_of("mallory", "payment.approve"))
    contents = [
        each._replace(payload=encode_payload(bytes(16), None, (), other)) if each.sequence else each
        for each in selected(made)
    ]
    opened = open_pack(zipped(made, contents))
    assert opened.colour == "red"
    assert b"mallory" in member(zipped(made, contents), "index.html")
    assert "mallory" not in opened.page.locator("main").inner_text()
    assert "content not shown" in opened.page.locator("#timeline text.lane").all_text_contents()[0]


def test_many_entries_come_in_pages_and_can_be_found(open_pack):
    made = make_trail(450)
    opened = open_pack(zipped(made, selected(made)))
    assert opened.colour == "green"
    assert opened.page.locator(".entry").count() == 200
    opened.page.locator("#more").click()
    opened.page.locator("#more").click()
    assert opened.page.locator(".entry").count() == 450
    assert opened.page.locator("#more").is_hidden()
    opened.page.locator("#find").fill("entry-450")
    assert opened.page.locator(".entry .number").all_inner_texts() == ["#449"]


def test_a_large_event_is_shown_in_part(open_pack):
    made = make_trail()
    made.event(b'{"a":"' + b"x" * 5_000_000 + b'"}')
    made.seal()
    opened = open_pack(zipped(made, selected(made)))
    assert opened.colour == "green"
    assert "the rest is not shown" in body_of(opened, 1)


@pytest.mark.parametrize("width", [320, 390, 800, 1400])
def test_it_fits_every_width(pack, open_pack, width):
    opened = open_pack(pack, viewport={"width": width, "height": 800})
    body_of(opened, 1)
    assert opened.page.evaluate("document.documentElement.scrollWidth") == width
