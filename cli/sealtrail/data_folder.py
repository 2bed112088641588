"""The data folder of a deployment: what lies where, and what `init` fixed once and for all.

.sealtrail/
  deployment.toml     what `init` fixed: origins, topics, log, retention, archive
  policy              the keys to trust: hand it to your auditors
  keys/               one signing key per trail, for the owner's eyes only; only the archiver needs them
  log.db              topics and records of the embedded log
  store/              the embedded store's files
  lock, running.json  who uses the folder
  stopped-….json      evidence, when the line stopped
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from sealtrail.durations import format_duration, parse_duration
from sealtrail.exits import CommandError, ExitCode

if TYPE_CHECKING:
    from datetime import timedelta

    from sealtrail_chainer.trail import Trail
    from sealtrail_schemas.keys import Signer, Verifier

DEFAULT_DATA: Final = Path(".sealtrail")
S3_SCHEME: Final = "s3://"
CHAINED_SUFFIX: Final = ".chained"
EMBEDDED: Final = "embedded"
"""An archive in the embedded store: SeaweedFS, as a child process. It locks, but is not WORM."""
SQLITE: Final = "sqlite"
"""The embedded log: a file under the data folder."""
FOLDER: Final = "folder"
"""An archive in a plain folder: nothing is locked."""


@dataclass(frozen=True, slots=True)
class Deployment:
    """What `init` fixed.

    Attributes:
        base: The first part of every trail's origin.
        topic: The raw topic.
        partitions: How many trails there are.
        retention: For how long each object is locked; None where the store can't lock.
        archive: `s3://bucket[/prefix]`, or one of the two under the data folder: `EMBEDDED`, `FOLDER`.
        log: `kafka://host:port[,host:port…]`, or `SQLITE`, the one under the data folder.
        chained: The chained topic, where it is not `<topic>.chained`: that of a successor.
        succeeds: Whether the trails go on from others.
        endpoint_url: Of an S3 store that is not Amazon's.
        profile: Of the AWS configuration.
    """

    base: str
    topic: str
    partitions: int
    retention: timedelta | None
    archive: str
    endpoint_url: str | None = None
    profile: str | None = None
    log: str = SQLITE
    chained: str | None = None
    succeeds: bool = False

    @property
    def is_kafka(self) -> bool:
        """Whether the log is elsewhere than under the data folder."""
        return self.log != SQLITE

    @property
    def is_s3(self) -> bool:
        """Whether the archive is elsewhere than under the data folder."""
        return self.archive.startswith(S3_SCHEME)

    @property
    def chained_topic(self) -> str:
        """The topic that the chainer writes."""
        return self.chained or self.topic + CHAINED_SUFFIX

    def trail(self, verifier: Verifier) -> Trail:
        """The trail that a key of this deployment signs."""
        from sealtrail_chainer.trail import Trail

        return Trail(verifier, self.chained_topic, succeeds=self.succeeds)

    def origin(self, partition: int) -> str:
        """The origin of a partition's trail. Raises OriginError for a base or topic that can't be."""
        from sealtrail_schemas.origin import make_origin

        return make_origin(self.base, self.topic, partition)

    def origins(self) -> list[str]:
        """The origin of each partition's trail."""
        return [self.origin(number) for number in range(self.partitions)]

    def to_toml(self) -> str:
        """The text of deployment.toml."""
        members = {
            "base": self.base,
            "topic": self.topic,
            "chained": self.chained,
            "succeeds": self.succeeds or None,
            "partitions": self.partitions,
            "log": self.log,
            "retention": self.retention and format_duration(self.retention),
            "archive": self.archive,
            "endpoint_url": self.endpoint_url,
            "profile": self.profile,
        }
        # A JSON string without characters above ASCII is a TOML string, too.
        lines = [f"{name} = {json.dumps(value)}" for name, value in members.items() if value is not None]
        return "\n".join(
            ["# Written by `sealtrail init`. The archive relies on it: do not change it.", *lines, ""]
        )

    @classmethod
    def parse(cls, text: str) -> Deployment:
        """Read deployment.toml. Raises ValueError, TypeError or KeyError when it is none."""
        members = tomllib.loads(text)
        retention = members.get("retention")
        return cls(**{**members, "retention": retention and parse_duration(retention)})


@dataclass(frozen=True, slots=True)
class DataFolder:
    """A data folder, there or not."""

    root: Path

    @property
    def deployment_file(self) -> Path:
        """What `init` fixed; written last by `init`, so its presence says that the folder is complete."""
        return self.root / "deployment.toml"

    @property
    def policy(self) -> Path:
        """The policy of the folder's own trails."""
        return self.root / "policy"

    @property
    def keys(self) -> Path:
        """The signing keys."""
        return self.root / "keys"

    @property
    def log(self) -> Path:
        """The SQLite log."""
        return self.root / "log.db"

    @property
    def store(self) -> Path:
        """The embedded store's files."""
        return self.root / "store"

    @property
    def exists(self) -> bool:
        """Whether `init` has completed it."""
        return self.deployment_file.is_file()

    def require(self) -> DataFolder:
        """This folder, if it is one. Raises CommandError otherwise."""
        self.deployment()
        return self

    def deployment(self) -> Deployment:
        """What `init` fixed.

        Raises:
            CommandError: there is none, or it can't be read.
        """
        try:
            return Deployment.parse(self.deployment_file.read_text("utf-8"))
        except FileNotFoundError:
            raise CommandError(
                f"there is no trail in {self.root}: run `sealtrail init`, or name another folder with --data",
                exit_code=ExitCode.IO,
            ) from None
        except (ValueError, TypeError, KeyError) as error:
            raise CommandError(f"{self.deployment_file} is damaged: {error}", exit_code=ExitCode.IO) from None

    def key_file(self, topic: str, partition: int) -> Path:
        """The signing key of one trail."""
        return self.keys / f"{topic}-{partition}.key"

    def signer(self, origin: str) -> Signer:
        """Read the signing key of a trail.

        Raises:
            FormatError: the file holds no key, or that of another trail.
            OSError: it can't be read.
        """
        from sealtrail_schemas.keys import parse_signing_key
        from sealtrail_schemas.origin import split_origin

        _, topic, partition = split_origin(origin)
        file = self.key_file(topic, partition)
        signer = parse_signing_key(file.read_text("utf-8"))
        if signer.name != origin:
            raise CommandError(f"{file} holds the key of {signer.name}, not of {origin}")
        return signer

    def signer_of(self, trail: Trail) -> Signer:
        """Read the signing key of a trail of the policy.

        Raises:
            CommandError: there is no such file, or its key is not the one that the policy names.
            FormatError, OSError: as `signer`.
        """
        file = self.key_file(trail.raw_topic, trail.partition)
        try:
            signer = self.signer(trail.origin)
        except FileNotFoundError:
            raise CommandError(
                f"{file}: No such file or directory; an archiver needs the signing key of each trail that it "
                "is given: restore it from its backup",
                exit_code=ExitCode.IO,
            ) from None
        if signer.verifier != trail.verifier:
            raise CommandError(
                f"{self.policy} names the key {trail.verifier.vkey}, {file} holds {signer.verifier.vkey}: "
                "find out which of them auditors hold, and restore the other from its backup"
            )
        return signer

    def trail(self, deployment: Deployment, partition: int) -> Trail | None:
        """The trail of a partition, by its key in the policy; None if that has none. No signing key is read.

        Raises:
            FormatError: the policy is none.
            OSError: it can't be read.
        """
        from sealtrail_schemas.policy import Policy

        verifier = Policy.parse(self.policy.read_bytes()).logs.get(deployment.origin(partition))
        return None if verifier is None else deployment.trail(verifier)

    def policy_trails(self) -> list[Trail]:
        """Each trail of the deployment. Raises as `trail`, and CommandError where the policy lacks one."""
        deployment = self.deployment()
        found = [self.trail(deployment, number) for number in range(deployment.partitions)]
        if None in found:
            origin = deployment.origin(found.index(None))
            raise CommandError(f"{self.policy} has no key of {origin}: run `sealtrail init` again")
        return [trail for trail in found if trail is not None]

    def trails(self) -> list[tuple[Trail, Signer]]:
        """Each trail with its signing key."""
        deployment = self.deployment()
        signers = [self.signer(origin) for origin in deployment.origins()]
        return [(deployment.trail(signer.verifier), signer) for signer in signers]
