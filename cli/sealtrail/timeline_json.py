"""A timeline as JSON lines: one for each step, one for each gap, and one that sums up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sealtrail_auditor.timeline_words import moment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_auditor.timeline import Session, Step, Timeline, Unread
    from sealtrail_auditor.verdict import Verdict


def timeline_json(timeline: Timeline, verdict: Verdict, resembling: list[str]) -> Iterator[dict[str, Any]]:
    """The lines; docs/investigation.md has what each member means."""
    for step in timeline.steps:
        yield _step(step)
    for missing in timeline.unread:
        yield {"unread": _unread(missing)}
    yield {
        "timeline": {
            "steps": len(timeline.steps),
            "actors": [{"actor": actor, "steps": count} for actor, count in timeline.actors.items()],
            "first_time": None if timeline.span_ms is None else moment(timeline.span_ms[0]),
            "last_time": None if timeline.span_ms is None else moment(timeline.span_ms[1]),
            "failed": len(timeline.failures),
            "sessions": [_session(session) for session in timeline.sessions],
            "entries_read": timeline.entries,
            "resembling": resembling,
            "verdict": verdict.value,
        }
    }


def _step(step: Step) -> dict[str, Any]:
    return {
        "trail": step.origin,
        "sequence": step.sequence,
        "time": _moment(step.time_ms),
        "actor": step.actor,
        "action": step.action,
        "resource": step.resource,
        "outcome": step.outcome,
        "mark": None if step.mark is None else step.mark.name.lower(),
        "session": step.session,
        "credential": step.how.credential,
        "signed_in": _moment(step.how.signed_in_ms),
        "address": step.how.address,
        "through": step.how.through,
        "gained": step.how.gained,
        "reason": step.how.reason,
        "detail": step.how.detail,
    }


def _session(session: Session) -> dict[str, Any]:
    how, steps = session.how, session.steps
    return {
        "session": session.number,
        "actor": session.actor,
        "credential": how.credential,
        "credentials": len(session.credentials),
        "signed_in": _moment(how.signed_in_ms),
        "address": how.address,
        "through": how.through,
        "first_time": _moment(steps[0].time_ms),
        "last_time": _moment(steps[-1].time_ms),
        "steps": len(steps),
        "failed": sum(step.failed for step in steps),
    }


def _unread(missing: Unread) -> dict[str, Any]:
    finding = missing.finding
    return {
        "trail": missing.origin,
        "first": missing.span.first,
        "last": missing.span.last,
        "after": _moment(missing.after_ms),
        "before": _moment(missing.before_ms),
        "expired": finding is None,
        "finding": None if finding is None else finding.to_json(),
    }


def _moment(time_ms: int | None) -> str | None:
    return None if time_ms is None else moment(time_ms)
