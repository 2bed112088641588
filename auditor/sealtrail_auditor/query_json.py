"""A query as plain JSON values: for manifests, and to tell one replay from another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sealtrail_schemas.view import identity_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sealtrail_auditor.query import Query
    from sealtrail_auditor.reading import TimeRange
    from sealtrail_schemas.recognise import Recogniser


def query_json(query: Query, recognisers: Sequence[Recogniser]) -> dict[str, Any]:
    """What a query asks for; what it does not ask for is left out. 64-bit numbers are text, as in seals.

    `recognisers` are part of it where mappings of the settings decide what fits.
    """
    members: dict[str, Any] = {
        column: [pattern.text for pattern in patterns] for column, patterns in sorted(query.patterns.items())
    }
    if query.text:
        members["text"] = list(query.text)
    if query.where:
        members["where"] = [
            {"path": list(path), "values": list(texts)} for path, texts in query.where.items()
        ]
    if query.span is not None:
        members |= {"first": str(query.span.first), "last": str(query.span.last)}
    if query.time is not None:
        members["time_ms"] = _range_json(query.time)
    if query.chained is not None:
        members["chained_ms"] = _range_json(query.chained)
    mappings = identity_of(recognisers)
    if mappings and (query.patterns or query.time):
        members["recognisers"] = mappings
    return members


def _range_json(times: TimeRange) -> dict[str, str]:
    bounds = {"from": times.from_ms, "to": times.to_ms}
    return {name: str(bound) for name, bound in bounds.items() if bound is not None}
