"""The options that the ways onward share, and what they are carried out on.

@click.command
@onward_options
@output_options
def command(onward: OnwardChoice) -> None:
    with onward.opened("continue") as sites: ...
"""

from __future__ import annotations

import functools
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import click

from sealtrail import logs, stores
from sealtrail.archive_option import data_option, endpoint_option, profile_option
from sealtrail.data_folder import DataFolder
from sealtrail.exits import CommandError
from sealtrail.folder_lock import locked
from sealtrail.kafka_option import librdkafka_option, log_option
from sealtrail.trail_choice import choose_trails
from sealtrail_archiver.onward import Site
from sealtrail_transport.clock import system_clock_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from sealtrail.data_folder import Deployment
    from sealtrail.logs import DeployedLog
    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer
    from sealtrail_transport.kafka_settings import Property
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class OnwardChoice:
    """What the user said.

    Attributes:
        folder: The data folder.
        trails: Which of its trails, by name; none: all of them.
        reason: Why, one line for people; None where nothing was said.
        dry_run: Only say what would be done.
        assume_yes: Ask nothing.
        deployment: What `init` fixed, reached as the user said.
        librdkafka: Properties of librdkafka. Not shown: they hold passwords.
    """

    folder: DataFolder
    trails: Sequence[str]
    reason: str | None
    dry_run: bool
    assume_yes: bool
    deployment: Deployment
    librdkafka: Mapping[str, Property]

    @contextmanager
    def opened(self, command: str) -> Iterator[tuple[DeployedLog, Store]]:
        """Log and store, with the data folder held by this process alone.

        Raises:
            CommandError: another process holds the data folder.
            TransportError: log or store can't be reached.
        """
        with (
            locked(self.folder, command=command),
            logs.open_log(self.folder, self.deployment, self.librdkafka) as log,
            stores.opened_for_work(self.folder, self.deployment) as (store, _),
        ):
            yield log, store

    def chosen_trails(self) -> list[Trail]:
        """The trails that were named, or all. Raises as `DataFolder.policy_trails`."""
        from sealtrail_schemas.policy import Policy

        trails = self.folder.policy_trails()
        origins = choose_trails(Policy.parse(self.folder.policy.read_bytes()), self.trails)
        return [trail for trail in trails if origins is None or trail.origin in origins]

    def site(self, log: DeployedLog, store: Store, trail: Trail, signer: Signer) -> Site:
        """What a way is carried out on."""
        return Site(
            log,
            store,
            trail,
            signer,
            self.deployment.retention,
            clock_ms=system_clock_ms,
            entropy=secrets.token_bytes,
        )

    def stated_reason(self) -> str:
        """The reason. Raises CommandError where none was given, or it is no line of text."""
        reason = (self.reason or "").strip()
        if not reason or not reason.isprintable():
            raise CommandError(
                "say why with --reason TEXT, in one line: it is stated in the trail and stays there"
            )
        return reason


def onward_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a way onward; the command gets one `onward`."""

    @functools.wraps(command)
    def with_choice(
        *,
        data: Path,
        trail: tuple[str, ...],
        reason: str | None,
        dry_run: bool,
        yes: bool,
        log: str | None,
        endpoint_url: str | None,
        profile: str | None,
        librdkafka: Mapping[str, Property],
        **others: Any,
    ) -> Any:
        folder = DataFolder(data)
        deployment = folder.deployment()
        reached = replace(
            deployment,
            log=logs.choose_address(deployment.log, log),
            endpoint_url=endpoint_url or deployment.endpoint_url,
            profile=profile or deployment.profile,
        )
        choice = OnwardChoice(folder, trail, reason, dry_run, yes, reached, librdkafka)
        return command(onward=choice, **others)

    for decorator in reversed(_DECORATORS):
        with_choice = decorator(with_choice)
    return with_choice


_DECORATORS: Final = (
    click.option(
        "--trail",
        metavar="ORIGIN",
        multiple=True,
        help="Only this trail, as payments/0 or in full. May be repeated.  [default: all of the data folder]",
    ),
    click.option(
        "--reason", metavar="TEXT", help="Why, in one line. It is stated in the trail, and stays there."
    ),
    click.option("--dry-run", is_flag=True, help="Only say what would be done, and why."),
    click.option("--yes", is_flag=True, help="Ask nothing: yes, do it."),
    log_option,
    librdkafka_option,
    endpoint_option,
    profile_option,
    data_option,
)
