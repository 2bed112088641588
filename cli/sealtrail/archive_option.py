"""The options that every reading command shares: which archive, whose keys, which trails.

@click.command
@archive_options
@output_options
def command(archive: ArchiveChoice) -> None:
    policy = archive.read_policy()
    with archive.opened() as store:
        ...
"""

from __future__ import annotations

import functools
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from click.core import ParameterSource

from sealtrail.data_folder import DEFAULT_DATA, EMBEDDED, FOLDER, S3_SCHEME, DataFolder
from sealtrail.exits import CommandError
from sealtrail.settings import setting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.store import Store


@dataclass(frozen=True, slots=True)
class ArchiveChoice:
    """What the user said about the archive.

    Attributes:
        address: `s3://bucket[/prefix]` or a folder; None: that of the data folder.
        endpoint_url: of an S3 store that is not Amazon's.
        profile: of the AWS configuration.
        policy: The policy file; None: that of the data folder.
        trails: Origins of the trails to read; empty: all.
        data: The data folder of the embedded pipeline.
    """

    address: str | None
    endpoint_url: str | None
    profile: str | None
    policy: Path | None
    trails: tuple[str, ...]
    data: DataFolder

    @property
    def data_folder(self) -> DataFolder | None:
        """The data folder whose archive this is; None for an archive that was addressed itself."""
        if self.address in {None, EMBEDDED, FOLDER}:
            return self.data
        if self.address.startswith(S3_SCHEME):
            ours = self.data.exists and self.data.deployment().archive == self.address
            return self.data if ours else None
        folder = DataFolder(Path(self.address))
        return folder if folder.exists else None

    @property
    def label(self) -> str:
        """The archive as a person would write it."""
        return self.address or str(self.data.root)

    def read_policy(self) -> Policy:
        """Read the policy.

        Raises:
            CommandError: none was named, and there is no data folder that has one.
            FormatError: it is none.
            OSError: it can't be read.
        """
        from sealtrail_schemas.policy import Policy

        policy = Policy.parse(self.policy_path().read_bytes())
        policy.require_supported()
        return policy

    def policy_path(self) -> Path:
        """Where the policy is. Raises CommandError as `read_policy` does."""
        if self.policy is not None:
            return self.policy
        if self.data_folder is None:
            raise CommandError(
                "no policy: say with --policy FILE whose keys to trust. The operator of the trail hands that "
                "file over by another way than the archive"
            )
        self.data_folder.require()
        return self.data_folder.policy

    @contextmanager
    def opened(self) -> Iterator[Store]:
        """Open the archive for as long as the context lasts, starting the embedded store if need be.

        Raises:
            CommandError: there is no such archive.
            TransportError: it can't be reached.
        """
        from sealtrail import stores

        if (folder := self.data_folder) is not None:
            if not folder.deployment().is_s3:
                self._refuse_options_of_s3()
            with stores.opened_for_reading(
                folder,
                command=click.get_current_context().info_name or "",
                endpoint_url=self.endpoint_url,
                profile=self.profile,
            ) as store:
                yield store
        else:
            assert self.address is not None  # noqa: S101 - for the type checker
            if not self.address.startswith(S3_SCHEME):
                self._refuse_options_of_s3()
            yield stores.open_address(self.address, endpoint_url=self.endpoint_url, profile=self.profile)

    def _refuse_options_of_s3(self) -> None:
        """Raise CommandError if one was said in so many words; settings are there for other commands, too."""
        context = click.get_current_context()
        for name in ("endpoint_url", "profile"):
            if context.get_parameter_source(name) is ParameterSource.COMMANDLINE:
                option = f"--{name.replace('_', '-')}"
                raise CommandError(f"{option} is for an archive in S3; {self.label} is none: leave it out")


def archive_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ARCHIVE, --policy, --trail, --endpoint-url, --profile, --data; the command gets one `archive`.

    ARCHIVE may be left out before further arguments, too.
    """

    @functools.wraps(command)
    def with_choice(
        *args: Any,
        address: tuple[str, ...],
        archive: str | None,
        endpoint_url: str | None,
        profile: str | None,
        policy: Path | None,
        trail: tuple[str, ...],
        data: Path,
        **others: Any,
    ) -> Any:
        choice = ArchiveChoice(
            _one(address) or archive, endpoint_url, profile, policy, trail, DataFolder(data)
        )
        return command(*args, archive=choice, **others)

    for decorator in reversed(_DECORATORS):
        with_choice = decorator(with_choice)
    return with_choice


def _one(addresses: tuple[str, ...]) -> str | None:
    if len(addresses) > 1:
        raise click.UsageError(f"one ARCHIVE at a time, not {len(addresses)}: {' '.join(addresses)}")
    return addresses[0] if addresses else None


endpoint_option: Final = setting(
    "--endpoint-url", metavar="URL", help="Where the S3 store is, if it is not Amazon's."
)
profile_option: Final = setting(
    "--profile", metavar="NAME", help="Profile of the AWS configuration, for credentials."
)
data_option: Final = setting(
    "--data",
    metavar="FOLDER",
    type=click.Path(readable=False, path_type=Path),  # what can't be read is no mistake of usage
    default=DEFAULT_DATA,
    help="Data folder of the embedded pipeline.",
)
_DECORATORS: Final = (
    click.argument("address", metavar="[ARCHIVE]", nargs=-1),
    setting("--archive", metavar="ARCHIVE", hidden=True, help="The archive, where the argument is left out."),
    setting(
        "--policy",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="Whose keys to trust.  [default: the policy of the data folder]",
    ),
    click.option(
        "--trail",
        metavar="ORIGIN",
        multiple=True,
        help="Only this trail (may be repeated), as payments/0 or in full.  [default: all]",
    ),
    endpoint_option,
    profile_option,
    data_option,
)
