"""Trails whose batches have views, made as the program makes them."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta

from auditor.builders import NOW, policy_of
from sealtrail_archiver.views import write_view
from sealtrail_auditor.reading import find_trails
from sealtrail_auditor.search import Search
from sealtrail_schemas.layout import view_key
from sealtrail_schemas.leaf import Leaf
from sealtrail_schemas.payload import decode_payload
from sealtrail_schemas.recognise import DEFAULT
from sealtrail_schemas.view import header_of, identity_of, view_row


def rows_of(entries, recognisers=DEFAULT):
    return [view_row(Leaf.parse(entry.leaf), decode_payload(entry.payload), recognisers) for entry in entries]


def view_bytes(header, rows) -> bytes:
    file = io.BytesIO()
    write_view(file, header, rows)
    return file.getvalue()


def put_view(trail, number: int, *, recognisers=DEFAULT, rows=None, header=None, store=None) -> str:
    """Put the view of a batch, or one with other rows or another header; returns its key."""
    first = trail.placed[number].first
    header = header or header_of(trail.opened(number), identity_of(recognisers))
    if rows is None:
        rows = rows_of(trail.entries_of[first], recognisers)
    key = view_key(trail.folder, first)
    (store or trail.store).put_view(key, view_bytes(header, rows))
    return key


def put_views(trail, **settings) -> None:
    for number in range(len(trail.placed)):
        put_view(trail, number, **settings)


def cloudtrail(actor: str, action: str, at: datetime, **members) -> bytes:
    """One CloudTrail event."""
    service, name = action.split(":")
    event = {
        "eventVersion": "1.08",
        "eventTime": at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "eventType": "AwsApiCall",
        "userIdentity": {"type": "IAMUser", "arn": f"arn:aws:iam::123456789012:user/{actor}"},
    }
    return json.dumps(event | members).encode()


def search(trail, query, *, columns=("time", "actor", "action", "value"), now=NOW, **settings):
    """Run a search to its end; returns it and its hits."""
    (folder,) = find_trails(trail.store, policy_of(trail))
    run = Search(trail.store, folder, query, columns=columns, now=now, **settings)
    return run, list(run)


START = datetime(2026, 11, 1, tzinfo=UTC)
STEP = timedelta(minutes=1)
ACTORS = ("alice", "bob", "carol")
ACTIONS = ("s3:GetObject", "s3:PutObject", "iam:CreateUser", "secretsmanager:GetSecretValue")


def fill(trail, *counts: int):
    """Seal batches of CloudTrail events, one a minute: actors and actions take turns."""
    for count in counts:
        for _ in range(count):
            number = trail.size
            trail.event(cloudtrail(ACTORS[number % 3], ACTIONS[number % 4], START + number * STEP))
        trail.seal()
    return trail
