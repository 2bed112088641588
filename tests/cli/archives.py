"""Archives for the tests of commands that read them: trails in memory, copied to folders, with a policy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from auditor.builders import NOW, make_trail
from command_line import call
from sealtrail_schemas.policy import format_policy
from sealtrail_transport.copy_writer import CopyWriter, copy_store

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result


LASTING = datetime(2500, 1, 1, tzinfo=UTC)


@dataclass
class Archive:
    """A copy of trails that lie in one store, and the policy that trusts them."""

    trails: list
    copy: Path
    policy: Path

    def run(self, command: str, *arguments: object) -> Result:
        """Run a reading command on the copy."""
        return call(command, self.copy, "--policy", self.policy, *arguments)

    def batch(self, number: int) -> Path:
        return self.copy / self.trails[0].placed[number].batch

    def seal(self, number: int) -> Path:
        return self.copy / self.trails[0].placed[number].seal


def archive_of(folder: Path, *trails) -> Archive:
    """Copy the store of these trails to a folder, with a policy beside it."""
    store = trails[0].store
    copy, policy = folder / "copy", folder / "policy"
    with CopyWriter(copy, source_url=store.url, locks=store.lock_knowledge, copied_at=NOW) as writer:
        copy_store(store, writer)
    policy.write_bytes(format_policy([trail.signer.verifier for trail in trails]))
    return Archive(list(trails), copy, policy)


def lasting_trail(*counts: int, **settings):
    """A trail whose retention outlives these tests: commands go by the real clock."""
    return make_trail(*counts, **({"until": LASTING} | settings))


def small_archive(folder: Path, **settings) -> Archive:
    """One trail: two batches, of three and four entries."""
    return archive_of(folder, lasting_trail(3, 4, **settings))


def json_of(result: Result) -> dict:
    """The one line of JSON that a command wrote to stdout."""
    [line] = result.stdout.splitlines()
    return json.loads(line)
