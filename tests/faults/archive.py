"""The final archive as the checker sees it: through the shipped verifier and the shipped reading."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from faults.checker import Archive, Archived, Head
from sealtrail_auditor.reading import Reading, TrailFolder, VerifiedBatch, find_trails
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.errors import FormatError
from sealtrail_schemas.layout import SEALS
from sealtrail_schemas.leaf import Kind, entry_hash
from sealtrail_schemas.merkle import RightEdge
from sealtrail_schemas.seal import open_seal
from sealtrail_transport.trail_folders import trail_folders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sealtrail_schemas.policy import Policy
    from sealtrail_transport.s3_store import S3Store


def read_archive(store: S3Store, policy: Policy, *, now: datetime | None = None) -> Archive:
    """Verify, read and list everything."""
    now = now or datetime.now(UTC)
    report = verify_archive(store, policy, now=now)
    times, heads = put_times(store), tuple(_heads(store, policy))
    events: list[Archived] = []
    kinds: Counter[Kind] = Counter()
    roots: dict[str, dict[int, bytes]] = {}
    sealed_at: dict[int, list[tuple[int, float]]] = {}
    for trail in find_trails(store, policy):
        edge, partition = RightEdge.empty(), partition_of(trail)
        of_trail = roots.setdefault(trail.origin, {})
        sizes = {head.size for head in heads if head.origin == trail.origin}
        for batch in Reading(store, trail, now=now):
            if not isinstance(batch, VerifiedBatch):
                continue  # the verifier has its finding on it
            for read in batch.entries():
                kinds[read.leaf.kind] += 1
                edge.append(entry_hash(read.entry.leaf))
                if edge.size in sizes:
                    of_trail[edge.size] = edge.root()
                if read.leaf.kind is Kind.EVENT:
                    events.append(
                        Archived(partition, read.sequence, read.leaf.source_offset, read.payload.value or b"")
                    )
            placed = batch.placed
            time = times[placed.key, placed.version_id].timestamp()
            sealed_at.setdefault(partition, []).append((placed.opened.seal.last.sequence, time))
    return Archive(
        verdict=report.verdict.value,
        findings=tuple(f"{found.code.code} {found.key} {found.span}" for found in report.all_findings()),
        events=tuple(events),
        rejected=kinds[Kind.REJECTED],
        heads=heads,
        roots=roots,
        sealed_at=sealed_at,
    )


def put_times(store: S3Store) -> dict[tuple[str, str], datetime]:
    """When the store took each version, by its own word and as exactly as it says; by key and version id."""
    bucket, _, prefix = store.url.removeprefix("s3://").partition("/")
    base = f"{prefix}/" if prefix else ""
    pages = store.client.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=base)
    return {
        (line["Key"].removeprefix(base), line["VersionId"]): line["LastModified"]
        for page in pages
        for line in page.get("Versions", [])
    }


def partition_of(trail: TrailFolder) -> int:
    return int(trail.origin.rsplit("/", 1)[1])


def _heads(store: S3Store, policy: Policy) -> Iterator[Head]:
    for folder in trail_folders(store):
        for line in store.versions(folder + SEALS):
            if line.is_delete_marker:
                continue
            with store.open(line.key, line.version_id) as stream:
                data = stream.read()
            for origin, verifier in policy.logs.items():
                try:
                    checkpoint = open_seal(data, verifier).checkpoint
                except FormatError:
                    continue
                where = f"{line.key} ({line.version_id})"
                yield Head(origin, folder, checkpoint.size, checkpoint.root, where)
