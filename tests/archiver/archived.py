"""A deployment that is ready to be archived, and what its archive then holds."""

from deployment import Deployment, values
from sealtrail_auditor.verify import verify_archive
from sealtrail_schemas.batch import BatchReader
from sealtrail_schemas.policy import Policy
from sealtrail_schemas.seal import open_seal
from sealtrail_transport.trail_folders import trail_folders


def folder_of(deployment) -> str:
    (folder,) = trail_folders(deployment.store)
    return folder


def verify(deployment):
    policy = Policy.parse(f"log {deployment.signer.verifier.vkey}\nquorum none\n".encode())
    return verify_archive(deployment.store, policy, now=deployment.clock.now())


def sealed_entries(deployment) -> list[tuple[bytes, bytes]]:
    """Every entry of every batch that the seals name, in order."""
    folder, entries = folder_of(deployment), []
    for line in deployment.store.versions(folder + "seals/"):
        with deployment.store.open(line.key, line.version_id) as stream:
            seal = open_seal(stream.read(), deployment.signer.verifier).seal
        with deployment.store.open(folder + seal.batch.key, seal.batch.version_id) as stream:
            entries += list(BatchReader(stream))
    return entries


def ready(count=9, **kwargs) -> Deployment:
    deployment = Deployment(**kwargs)
    deployment.publish(*values(count))
    deployment.chain()
    return deployment
