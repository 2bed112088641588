"""Taking a way onward, trail by trail: look, say, ask, act, and let the services start again."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from rich.markup import escape

from sealtrail import evidence
from sealtrail.console import current_output
from sealtrail.exits import CommandError, ExitCode
from sealtrail.onward_text import tell_done, tell_plan, tell_record
from sealtrail.onward_ways import way_onward
from sealtrail.retention import confirm
from sealtrail_chainer.diagnosis import NotThisWayError
from sealtrail_chainer.errors import LineStoppedError, StopCode
from sealtrail_transport.errors import TopicMissingError, WriterFencedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from sealtrail.console import Output
    from sealtrail.evidence import Kept
    from sealtrail.onward_options import OnwardChoice
    from sealtrail_archiver.onward import Site
    from sealtrail_chainer.control_append import Place, Stated


class Way(NamedTuple):
    """One way onward.

    Attributes:
        command: Its name.
        codes: The stops that it leads on from.
        look: Says where its entry goes, or is, for a trail and why that stopped.
        prepare: What is to be done once before any trail's entry.
        act: Does it, for the stated reason.
        question: What to confirm.
    """

    command: str
    codes: frozenset[StopCode]
    look: Callable[[Site, StopCode | None], Stated | Place]
    prepare: Callable[[], None]
    act: Callable[[Site, StopCode | None, str], Stated]
    question: str = (
        "This is stated in the trail for good. Are its services stopped, and the cause understood?"
    )


class _Plan(NamedTuple):
    """What is to be done for one trail. `found` is None where nothing stops it any more."""

    site: Site
    kept: Kept | None
    found: Stated | Place | None

    @property
    def known(self) -> StopCode | None:
        return StopCode(self.kept.code) if self.kept else None


def take_way(choice: OnwardChoice, way: Way, sites: Sequence[Site]) -> None:
    """Take a way onward with each trail that it fits.

    Raises:
        CommandError: it fits none of them; nobody confirmed it; a chainer runs.
        LineStoppedError, TransportError: as the steps have it. To be called again.
    """
    output = current_output()
    reason = "" if choice.dry_run else choice.stated_reason()
    plans, refusals = _plan_all(choice, way, sites)
    if not plans:
        raise refusals[0]
    for refusal in refusals:
        output.say(f"Left as it is: {escape(refusal.message)}.")
    for plan in plans:
        tell_plan(output, plan.site.trail.origin, plan.kept, plan.found)
        if choice.dry_run:
            tell_record(output, plan.site.trail.origin, plan.kept, plan.found, done=False)
    if choice.dry_run:
        output.say("Nothing was done: leave --dry-run out for that.")
        return
    if not choice.assume_yes:
        confirm(way.question)
    way.prepare()
    for plan in plans:
        _take(output, way, plan, reason)


def _plan_all(
    choice: OnwardChoice, way: Way, sites: Sequence[Site]
) -> tuple[list[_Plan], list[CommandError]]:
    plans, refusals = [], []
    for site in sites:
        kept = [kept for kept in evidence.kept_of(choice.folder, site.trail.origin) if kept.code in way.codes]
        try:
            plans.append(_plan(way, site, kept[0] if kept else None))
        except CommandError as refusal:
            refusals.append(refusal)
    return plans, refusals


def _plan(way: Way, site: Site, kept: Kept | None) -> _Plan:
    plan = _Plan(site, kept, None)
    try:
        return plan._replace(found=way.look(site, plan.known))
    except NotThisWayError as error:
        if error.stop is None and kept is not None:
            return plan
        raise _refusal(way, site, str(error), error.stop) from None
    except LineStoppedError as error:
        raise _refusal(way, site, str(error), error) from None
    except TopicMissingError as error:
        raise CommandError(
            f"{error}: without the raw topic, see `sealtrail init --succeed`; without the chained one, "
            "`sealtrail continue`",
            exit_code=ExitCode.IO,
        ) from None


def _refusal(way: Way, site: Site, message: str, stop: LineStoppedError | None) -> CommandError:
    if stop is None:
        return CommandError(message)
    right = way_onward(site.trail.origin, stop.code, stop.evidence)
    if right is None or right.split()[0] == way.command:
        return CommandError(f"{message}. What to do: docs/operations.md, {stop.code}")
    return CommandError(f"{message}. That is not for `sealtrail {way.command}`: see `sealtrail {right}`")


def _take(output: Output, way: Way, plan: _Plan, reason: str) -> None:
    stated = None
    if plan.found is not None:
        try:
            stated = way.act(plan.site, plan.known, reason)
        except WriterFencedError:
            raise CommandError(
                f"a chainer of {plan.site.trail.origin} runs and has taken over: stop the services first",
                exit_code=ExitCode.IO,
            ) from None
    moved: Path | None = None
    for kept in [plan.kept] if plan.kept else []:
        moved = evidence.resolve(kept)
    tell_done(output, plan.site.trail.origin, stated, moved)
    tell_record(output, plan.site.trail.origin, plan.kept, stated, done=True)
