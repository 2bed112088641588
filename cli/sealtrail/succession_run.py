"""`init --succeed` from the command line: look, say, ask, act."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from sealtrail import logs
from sealtrail.data_folder import CHAINED_SUFFIX
from sealtrail.exits import CommandError
from sealtrail.kafka_setup import TopicWishes, prepare_topics
from sealtrail.retention import choose_retention, confirm
from sealtrail.succession import (
    choose_chained_topic,
    keep_chained_topic,
    planned_succession,
    succeed,
)
from sealtrail.terminal_text import printable
from sealtrail.trail_report import report_trails

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sealtrail.console import Output
    from sealtrail.data_folder import DataFolder, Deployment
    from sealtrail.succession import Ended, Succession
    from sealtrail_transport.kafka_settings import Property


@dataclass(frozen=True, slots=True)
class SuccessionChoice:
    """What the user said of the succession.

    Attributes:
        old: The data folder of the trails that came to their end.
        new_keys: Take no key over.
        reason: Why; None where nothing was said.
        dry_run: Only say what would be done.
        assume_yes: Ask nothing.
        create_raw: Make the raw topic if there is none.
        replication: Of topics that are made; None: as `init` chooses.
        librdkafka: Properties of librdkafka. Not shown: they hold passwords.
    """

    old: DataFolder
    new_keys: bool
    reason: str | None
    dry_run: bool
    assume_yes: bool
    create_raw: bool
    replication: int | None
    librdkafka: Mapping[str, Property]


def init_successor(
    output: Output,
    folder: DataFolder,
    choice: SuccessionChoice,
    wanted: Mapping[str, Any],
) -> None:
    """Begin trails that go on from those of another data folder.

    `wanted` is what was said of the deployment.

    Raises as `planned_succession` and `succeed`, and CommandError where nobody confirms.
    """
    reason = (choice.reason or "").strip()
    if not choice.dry_run and not (reason and reason.isprintable()):
        raise CommandError(
            "say why with --reason TEXT, in one line: it is stated in each trail's first entry"
        )
    deployment = replace(_deployment(choice, wanted), chained=None, succeeds=True)
    planned = planned_succession(choice.old, folder, deployment, new_keys=choice.new_keys, reason=reason)
    with planned as looked_at:
        plan = _with_chained_topic(looked_at, choice)
        for each in plan.ended:
            _tell(output, plan, each)
        if choice.dry_run:
            for each in plan.ended:
                _record(output, plan, each)
            output.say("Nothing was done: leave --dry-run out for that.")
            return
        if not choice.assume_yes:
            confirm("The old trails come to their end with that. Are their services stopped for good?")
        _prepare_topics(plan, choice)
        succeed(plan, choice.librdkafka)
    report_trails(output, folder, made=True)


def _deployment(choice: SuccessionChoice, wanted: Mapping[str, Any]) -> Deployment:
    """The old deployment, reached and locked as the user said."""
    before = choice.old.deployment()
    for fixed in ("base", "topic", "partitions", "archive"):
        if wanted[fixed] not in {None, getattr(before, fixed)}:
            raise CommandError(
                f"a successor keeps the {fixed} of the trail that it goes on from, "
                f"{getattr(before, fixed)}: leave --{fixed} out"
            )
    retention = before.retention
    if wanted["retention"] is not None:
        retention = choose_retention(wanted["retention"], before.archive, assume_yes=choice.assume_yes)
    return replace(
        before,
        log=logs.choose_address(before.log, wanted["log"]),
        retention=retention,
        endpoint_url=wanted["endpoint_url"] or before.endpoint_url,
        profile=wanted["profile"] or before.profile,
    )


def _with_chained_topic(plan: Succession, choice: SuccessionChoice) -> Succession:
    """The plan with a chained topic that nothing was chained into yet."""
    if not plan.deployment.is_kafka:
        return plan  # its log is a new one
    with logs.open_log(plan.folder, plan.deployment, choice.librdkafka) as log:
        name = choose_chained_topic(log, plan.folder, plan.deployment)
    usual = plan.deployment.topic + CHAINED_SUFFIX
    return replace(plan, deployment=replace(plan.deployment, chained=None if name == usual else name))


def _prepare_topics(plan: Succession, choice: SuccessionChoice) -> None:
    deployment = plan.deployment
    if not deployment.is_kafka:
        return
    keep_chained_topic(plan.folder, deployment.chained_topic)
    wishes = TopicWishes(
        deployment.topic,
        deployment.chained_topic,
        deployment.partitions,
        choice.create_raw,
        choice.replication,
    )
    prepare_topics(logs.kafka_settings(deployment.log, choice.librdkafka), wishes)


def _tell(output: Output, plan: Succession, each: Ended) -> None:
    rows = [("stopped", ", ".join(each.codes) or "no evidence of a stop")]
    if each.anchor is None:
        rows.append(("sealed", "nothing: its successor begins without a predecessor"))
    else:
        size, folder = each.anchor.state.size, each.anchor.folder
        rows.append(("goes on", f"from {size:,} entries, the newest seal in {folder}"))
    is_new = plan.new_keys or not each.has_key
    why = "" if plan.new_keys else ": the old data folder does not have the old one"
    key = f"A NEW ONE{why}. Auditors need the new policy" if is_new else "the same"
    rows += [("key", key), ("chained to", plan.deployment.chained_topic)]
    output.result(f"Trail       [bold]{escape(printable(each.trail.origin))}[/]")
    for name, text in rows:
        output.result(f"  {name:<12}{escape(printable(text))}")
    output.result("")


def _record(output: Output, plan: Succession, each: Ended) -> None:
    """What a dry run says, as JSON."""
    output.record(
        origin=each.trail.origin,
        stops=list(each.codes),
        size=each.anchor.state.size if each.anchor else 0,
        folder=each.anchor.folder if each.anchor else None,
        new_key=plan.new_keys or not each.has_key,
        chained_topic=plan.deployment.chained_topic,
        done=False,
    )
