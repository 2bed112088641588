"""A report as the members of report.json: from a verification and what was counted, to plain JSON values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sealtrail_auditor.controls import CONTROLS, state_of
from sealtrail_auditor.notable import Mark
from sealtrail_auditor.reporting.activity import is_notable
from sealtrail_auditor.reporting.checks import QUESTIONS, Evidence, make_checks
from sealtrail_auditor.reporting.rows import (
    action_row,
    gaps_of,
    names_table,
    number_text,
    pauses_row,
    place_row,
    span_row,
    time_text,
)
from sealtrail_auditor.reporting.shape import FORMAT
from sealtrail_auditor.reporting.wording import shown_text, shown_time
from sealtrail_auditor.verdict import Verdict
from sealtrail_schemas.canonical_json import dumps_canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import timedelta

    from sealtrail_auditor.catalogue import FindingCode
    from sealtrail_auditor.findings import Finding, FindingLog
    from sealtrail_auditor.report import Report, TrailReport
    from sealtrail_auditor.reporting.activity import Activity
    from sealtrail_schemas.keys import Verifier
    from sealtrail_schemas.policy import Policy

MAX_REPORT_BYTES: Final = 990_000
"""Go's `sumdb/note` opens notes of up to a million bytes; signatures take some of them."""

_VERDICTS: Final = list(Verdict)
_VERDICT_TEXTS: Final = {
    Verdict.TAMPERED: "Something was changed after it was sealed, or a key has signed two histories.",
    Verdict.INCOMPLETE: "Something that was sealed is missing, or a trail ends too early or has stopped.",
    Verdict.UNVERIFIABLE: "Something could not be judged, since its key or its format is not known.",
    Verdict.UNPROTECTED: "Nothing was changed or is missing, but it is protected less than it should be.",
    Verdict.INTACT: "Everything that was looked at is as it was sealed.",
}


@dataclass(frozen=True, slots=True)
class About:
    """What a report says of itself.

    Attributes:
        title: Its heading.
        auditor: The key that is to sign it.
        program: The program that makes it, with its version.
        policy: The keys that were trusted.
        policy_sha256: Of the policy file.
        max_age: The greatest age that the newest entry might have.
        pinned: Origins of the trails of which a head was held against the archive.
    """

    title: str
    auditor: Verifier
    program: str
    policy: Policy
    policy_sha256: bytes
    max_age: timedelta | None = None
    pinned: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows a report has at most where an adversary could make any number."""

    places: int = 120
    places_of_code: int = 10
    trails: int = 300
    gaps: int = 200
    sentences: int = 60

    def halved(self) -> Limits:
        """Half of all of them."""
        return Limits(
            self.places // 2,
            max(self.places_of_code // 2, 1),
            self.trails // 2,
            self.gaps // 2,
            self.sentences // 2,
        )


def make_report(
    about: About, report: Report, activity: Activity, readings: Iterable[FindingLog] = ()
) -> dict[str, Any]:
    """The members of report.json.

    Args:
        about: What the report says of itself.
        report: The verification.
        activity: What was counted in the entries of the same scope.
        readings: What the reading of those entries found wrong: the archive can have changed meanwhile.

    Raises:
        FormatError: it can't be made small enough for a note.
    """
    readings = tuple(readings)
    limits = Limits()
    while True:
        members = _Making(about, report, activity, readings, limits).members()
        if len(dumps_canonical(members)) <= MAX_REPORT_BYTES or not limits.trails:
            return members
        limits = limits.halved()


class _Making:
    """One making of a report."""

    def __init__(
        self,
        about: About,
        report: Report,
        activity: Activity,
        readings: Sequence[FindingLog],
        limits: Limits,
    ) -> None:
        self._about = about
        self._report = report
        self._activity = activity
        self._limits = limits
        self._findings, self._left_out = _gather(report, readings)
        codes = {finding.code for finding in self._findings} | set(self._left_out)
        self._verdict = Verdict.worst((report.verdict, *(code.verdict for code in codes)))
        self._checks = make_checks(
            Evidence(report, frozenset(codes), activity, about.pinned, about.max_age is not None)
        )

    def members(self) -> dict[str, Any]:
        """All members, in the order of docs/report.md."""
        about, report = self._about, self._report
        auditor, limit = about.auditor, self._limits
        return {
            "format": FORMAT,
            "title": shown_text(about.title),
            "made_at": time_text(report.verified_at),
            "program": about.program,
            "auditor": {"name": auditor.name, "key": auditor.vkey, "fingerprint": auditor.fingerprint},
            "archive": {
                "address": shown_text(report.archive),
                "lock_knowledge": report.lock_knowledge.value,
            },
            "policy": self._policy(),
            "scope": self._scope(),
            "verdict": self._verdict.value,
            "exit_code": self._verdict.exit_code,
            "verdict_text": _VERDICT_TEXTS[self._verdict],
            "findings": self._grouped(),
            "checks": [
                {"name": name.value, "question": QUESTIONS[name], "state": state.value, "says": says}
                for name, state, says in self._checks
            ],
            "controls": self._controls(),
            "not_checked": [shown_text(each) for each in self._not_checked()],
            **self._counted(),
            "gaps": self._gaps(),
            "rejected": self._rejected(),
            "trails": [self._trail(trail) for trail in report.trails[: limit.trails]],
            "more_trails": str(max(len(report.trails) - limit.trails, 0)),
        }

    def _policy(self) -> dict[str, Any]:
        keys = list(self._about.policy.logs.values())
        shown = keys[: self._limits.trails]
        return {
            "sha256": self._about.policy_sha256.hex(),
            "keys": [{"origin": key.name, "key": key.vkey, "fingerprint": key.fingerprint} for key in shown],
            "more_keys": str(len(keys) - len(shown)),
        }

    def _scope(self) -> dict[str, Any]:
        scope, period, max_age = self._report.scope, self._activity.period, self._about.max_age
        chained_from_ms, chained_to_ms = scope.chained or (None, None)
        return {
            "is_whole": scope.is_whole,
            "from": shown_time(period.from_ms),
            "to": shown_time(period.to_ms),
            "chained_from": shown_time(chained_from_ms),
            "chained_to": shown_time(chained_to_ms),
            "first_sequence": number_text(scope.first),
            "last_sequence": number_text(scope.last),
            "max_age_ms": None if max_age is None else str(int(max_age.total_seconds() * 1000)),
            "kept_heads": str(len(self._about.pinned)),
        }

    def _grouped(self) -> list[dict[str, Any]]:
        """Findings by code, the gravest first."""
        by_code: dict[FindingCode, list[Finding]] = {code: [] for code in self._left_out}
        for finding in self._findings:
            by_code.setdefault(finding.code, []).append(finding)
        room, grouped = self._limits.places, []
        for code in sorted(by_code, key=lambda code: (_VERDICTS.index(code.verdict), code.code)):
            shown = by_code[code][: min(self._limits.places_of_code, room)]
            room -= len(shown)
            grouped.append(
                {
                    "code": code.code,
                    "verdict": code.verdict.value,
                    "title": code.title,
                    "meaning": code.meaning,
                    "advice": code.advice,
                    "places": [place_row(finding) for finding in shown],
                    "more_places": str(len(by_code[code]) - len(shown) + self._left_out.get(code, 0)),
                }
            )
        return grouped

    def _controls(self) -> list[dict[str, Any]]:
        states = {check.name: check.state for check in self._checks}
        return [
            {
                "framework": control.framework,
                "clause": control.clause,
                "subject": control.subject,
                "state": state_of(control, states).value,
                "checks": [name.value for name in control.checks],
            }
            for control in CONTROLS
        ]

    def _not_checked(self) -> list[str]:
        """The verification's sentences, each once, with the trail's name where it is not true of all."""
        trails, most = self._report.trails, self._limits.sentences
        names: dict[str, list[str]] = {}
        for trail in trails:
            for sentence in trail.not_checked:
                names.setdefault(sentence, []).append(trail.origin or trail.folder)
        of_trails = []
        for sentence, of in list(names.items())[:most]:
            more = f" and {len(of) - 3} more" if len(of) > 3 else ""
            of_all = len(of) == len(trails)
            of_trails.append(sentence if of_all else f"{', '.join(of[:3])}{more}: {sentence}")
        left_out = [f"{len(names) - most} more sentences are not shown."] if len(names) > most else []
        return [*self._report.not_checked, *of_trails, *left_out]

    def _counted(self) -> dict[str, Any]:
        activity, trails = self._activity, self._report.trails
        kinds: dict[str, int] = {}
        for trail in trails:
            for kind, count in trail.kinds.items():
                kinds[kind] = kinds.get(kind, 0) + count
        marks = {mark.value: number for number, mark in enumerate(Mark)}
        notable = names_table(activity.actions, action_row, fits=is_notable)
        notable["rows"].sort(key=lambda row: marks[row["mark"]])  # the most telling first, then by count
        return {
            "entries": {
                "verified": str(sum(trail.entries_verified for trail in trails)),
                "batches": str(sum(trail.batches_verified for trail in trails)),
                "bytes": str(sum(trail.bytes_read for trail in trails)),
                "kinds": {kind: str(kinds[kind]) for kind in sorted(kinds)},
            },
            "events": {
                "count": str(activity.events),
                "failed": str(activity.failed),
                "outside": str(activity.outside),
                "undated": str(activity.undated),
                "unrecognised": str(activity.unrecognised),
                "incomplete": str(activity.incomplete),
                "first_time": shown_time(activity.first_ms),
                "last_time": shown_time(activity.last_ms),
                "outcomes": {name: str(count) for name, count in sorted(activity.outcomes.items())},
            },
            "over_time": self._over_time(),
            "actors": names_table(activity.actors, lambda name: {"actor": name or None}),
            "actions": names_table(activity.actions, action_row),
            "notable": notable,
            "failures": names_table(
                activity.failures,
                lambda who: {
                    "actor": who.actor or None,
                    "action": who.action or None,
                    "outcome": who.outcome,
                },
            ),
        }

    def _over_time(self) -> dict[str, Any] | None:
        bars = self._activity.over_time.bars(*self._activity.period)
        return bars and {
            "from": shown_time(bars.from_ms),
            "to": shown_time(bars.to_ms),
            "width_ms": str(bars.width_ms),
            "bars": [
                {"from": shown_time(bar.from_ms), "events": str(bar.events), "failed": str(bar.failed)}
                for bar in bars.bars
            ],
            "earlier": str(bars.earlier),
            "later": str(bars.later),
        }

    def _gaps(self) -> dict[str, Any]:
        rows = [
            {"origin": trail.origin, "folder": shown_text(trail.folder), "what": what, **span_row(span)}
            for trail in self._report.trails
            if trail.origin is not None
            for what, spans in gaps_of(trail, self._activity.trails.get(trail.folder))
            for span in spans
        ]
        shown = rows[: self._limits.gaps]
        return {"rows": shown, "more": str(len(rows) - len(shown))}

    def _rejected(self) -> dict[str, Any]:
        rows = [
            {
                "origin": each.origin,
                "sequence": str(each.sequence),
                "chained_at": shown_time(each.chained_at_ms),
                "reason": each.reason,
                "size": str(each.size),
            }
            for each in self._activity.rejected
        ]
        return {"count": str(self._activity.rejections), "rows": rows}

    def _trail(self, trail: TrailReport) -> dict[str, Any]:
        key = self._about.policy.logs.get(trail.origin or "")
        counted = self._activity.trails.get(trail.folder)
        return {
            "origin": trail.origin,
            "folder": shown_text(trail.folder),
            "fingerprint": key and key.fingerprint,
            "verdict": trail.verdict.value,
            "looked_at": trail.looked_at and span_row(trail.looked_at),
            "size": str(trail.size),
            "root": trail.root and trail.root.hex(),
            "head": trail.head and trail.head.decode(),
            "entries_verified": str(trail.entries_verified),
            "first_time": time_text(trail.first_time),
            "last_time": time_text(trail.last_time),
            "retention": {
                "batches": {mode: str(n) for mode, n in sorted(counted.modes.items())} if counted else {},
                "shortest_until": time_text(counted.shortest_until) if counted else None,
                "latest_until": time_text(counted.latest_until) if counted else None,
            },
            "pauses": pauses_row(counted),
        }


def _gather(report: Report, readings: Sequence[FindingLog]) -> tuple[list[Finding], dict[FindingCode, int]]:
    """All findings, and how many more there were of each code; a reading tells only what is new."""
    findings = list(report.all_findings())
    left_out: dict[FindingCode, int] = {}
    for trail in report.trails:
        for code, count in trail.findings_left_out.items():
            left_out[code] = left_out.get(code, 0) + count
    known = {(finding.origin, finding.code) for finding in findings}
    for log in readings:
        findings += [finding for finding in log.kept if (finding.origin, finding.code) not in known]
    return findings, left_out
