"""Make ready what the services of docker-compose.yml need; each step finds what an earlier run has done.

Users of Kafka and of MinIO get random passwords and the rights that the files beside this one grant;
`sealtrail init` makes topics, bucket and keys; each role's volume gets what that role needs, and no more.

It runs in the network of the broker, whose one listener without a password is not reached from elsewhere.
"""

from __future__ import annotations

import argparse
import configparser
import json
import os
import secrets
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

from botocore.credentials import Credentials
from confluent_kafka.admin import (
    AclBinding,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from minio_admin import MinioAdmin

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE: Final = Path(__file__).parent
VOLUMES: Final = Path("/volumes")
ARCHIVER, CHAINER, CLIENTS = VOLUMES / "archiver", VOLUMES / "chainer", VOLUMES / "clients"
SETTINGS, BUCKET_KEYS = "sealtrail.toml", "credentials"

ADMIN_LISTENER: Final = "127.0.0.1:9094"
KAFKA_USERS: Final = {
    "archiver": ARCHIVER / SETTINGS,
    "auditor": CLIENTS / "auditor.toml",
    "chainer": CHAINER / SETTINGS,
    "producer": CLIENTS / "producer.toml",
}
S3_USERS: Final = {
    "archiver": ARCHIVER / BUCKET_KEYS,
    "auditor": CLIENTS / "auditor.credentials",
    "chainer": CHAINER / BUCKET_KEYS,
}
TIMEOUT_S: Final = 30

_RESOURCES: Final = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional_id": ResourceType.TRANSACTIONAL_ID,
}
_OPERATIONS: Final = {
    "Delete": AclOperation.DELETE,
    "Describe": AclOperation.DESCRIBE,
    "DescribeConfigs": AclOperation.DESCRIBE_CONFIGS,
    "Read": AclOperation.READ,
    "Write": AclOperation.WRITE,
}


def main() -> None:
    """Do it all."""
    os.umask(0o077)
    admin = AdminClient({"bootstrap.servers": ADMIN_LISTENER})
    for role, file in KAFKA_USERS.items():
        make_kafka_user(admin, role, file)
    root = Credentials(
        (VOLUMES / "minio-root/user").read_text().strip(),
        (VOLUMES / "minio-root/password").read_text().strip(),
    )
    begin_trails(root)
    minio = MinioAdmin(os.environ["SEALTRAIL_ENDPOINT_URL"], root)
    for role, file in S3_USERS.items():
        make_s3_user(minio, role, file)
    hand_out()


def make_kafka_user(admin: AdminClient, role: str, file: Path) -> None:
    """Make a user of the broker with the rights of its `.acl` file; write down how it logs in."""
    upsertion = UserScramCredentialUpsertion(
        role, ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096), kafka_password(role, file).encode()
    )
    for done in admin.alter_user_scram_credentials([upsertion]).values():
        done.result(TIMEOUT_S)
    for done in admin.create_acls(list(bindings(role))).values():
        done.result(TIMEOUT_S)


def kafka_password(role: str, file: Path) -> str:
    """The password in a role's settings file, which is made if it is not there."""
    if not file.exists():
        outside = file.parent == CLIENTS
        settings = {
            "security.protocol": "SASL_PLAINTEXT",
            "sasl.mechanisms": "SCRAM-SHA-512",
            "sasl.username": role,
            "sasl.password": secrets.token_urlsafe(24),
        }
        lines = [
            f'log = "kafka://{os.environ["KAFKA_OUTSIDE" if outside else "KAFKA_INSIDE"]}"',
            f'topic = "{os.environ["SEALTRAIL_TOPIC"]}"' if outside else "",
            "[kafka]",
            *(f'"{name}" = "{value}"' for name, value in settings.items()),
        ]
        write(file, "\n".join(filter(None, lines)) + "\n")
    return str(tomllib.loads(file.read_text())["kafka"]["sasl.password"])


def bindings(role: str) -> Iterator[AclBinding]:
    """The rights in a role's `.acl` file, whose lines are arguments of kafka-acls.sh."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--operation", action="append", choices=_OPERATIONS)
    parser.add_argument("--resource-pattern-type", default="literal")
    for kind in _RESOURCES:
        parser.add_argument(f"--{kind.replace('_', '-')}")
    for line in filled_in(HERE / f"acls/{role}.acl").splitlines():
        if not line or line.startswith("#"):
            continue
        rights = parser.parse_args(line.split())
        (resource,) = (kind for kind in _RESOURCES if getattr(rights, kind))
        pattern = ResourcePatternType[rights.resource_pattern_type.upper()]
        for operation in rights.operation:
            yield AclBinding(
                _RESOURCES[resource],
                getattr(rights, resource),
                pattern,
                f"User:{role}",
                "*",
                _OPERATIONS[operation],
                AclPermissionType.ALLOW,
            )


def begin_trails(root: Credentials) -> None:
    """Run `sealtrail init` in the archiver's volume, as the only one who may make topics and buckets."""
    environment = os.environ | {
        "AWS_ACCESS_KEY_ID": root.access_key,
        "AWS_SECRET_ACCESS_KEY": root.secret_key,
        "SEALTRAIL_ARCHIVE": f"s3://{os.environ['SEALTRAIL_BUCKET']}",
        "SEALTRAIL_DATA": str(ARCHIVER / "data"),
        "SEALTRAIL_LOG": f"kafka://{ADMIN_LISTENER}",
    }
    command = [
        Path(sys.executable).with_name("sealtrail"),
        "init",
        "--quiet",
        "--create-raw",
        "--replication",
        "1",
    ]
    subprocess.run(command, env=environment, check=True)  # noqa: S603 - nothing in it comes from elsewhere


def make_s3_user(minio: MinioAdmin, role: str, file: Path) -> None:
    """Make a user of the store with the rights of its policy file; write down how it logs in."""
    keys = configparser.ConfigParser()
    if not keys.read(file):
        secret = secrets.token_urlsafe(24)
        write(file, f"[default]\naws_access_key_id = {role}\naws_secret_access_key = {secret}\n")
        keys.read(file)
    policy = json.dumps(json.loads(filled_in(HERE / f"policies/{role}.json")))
    minio.put_policy(role, policy)
    minio.put_user(role, keys["default"]["aws_secret_access_key"])
    minio.attach_policy(role, role)


def hand_out() -> None:
    """Give the chainer what `init` fixed without the signing keys, and the policy to whoever verifies."""
    (CHAINER / "data").mkdir(mode=0o700, exist_ok=True)
    for name in ("policy", "deployment.toml"):  # the deployment last: it says that the folder is complete
        write(CHAINER / "data" / name, (ARCHIVER / "data" / name).read_text())
    shutil.copy(ARCHIVER / "data/policy", CLIENTS / "policy")


def filled_in(file: Path) -> str:
    """The text of a file with this deployment's names in it."""
    return Template(file.read_text()).substitute(os.environ)


def write(file: Path, text: str) -> None:
    """Write a file that is there whole or not at all: services read it while this runs."""
    part = file.with_name(f".{file.name}-part")
    part.write_text(text)
    part.replace(file)


if __name__ == "__main__":
    main()
