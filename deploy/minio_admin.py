"""The three calls of MinIO's admin API that give a service its own user: its image brings no client for them.

A user's secret travels encrypted under the caller's own: Argon2id, then AES-256-GCM in the manner of sio-go
(madmin-go, `EncryptData`), so that a proxy which ends TLS does not see it.
"""

from __future__ import annotations

import json
import os
import struct
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

if TYPE_CHECKING:
    from botocore.credentials import Credentials

_ARGON2ID_AES_GCM: Final = b"\x00"
_LAST_FRAGMENT: Final = b"\x80"
_FRAGMENT_BYTES: Final = 16 * 1024


class MinioAdmin:
    """The admin API of one server.

    Args:
        endpoint_url: of the server, as for S3.
        credentials: of its root user.
    """

    def __init__(self, endpoint_url: str, credentials: Credentials) -> None:
        self._url = f"{endpoint_url}/minio/admin/v3"
        self._credentials = credentials
        self._http = URLLib3Session()

    def put_policy(self, name: str, document: str) -> None:
        """Make or replace a policy."""
        self._put("add-canned-policy", {"name": name}, document.encode())

    def put_user(self, name: str, secret: str) -> None:
        """Make a user, or give one that is there this secret."""
        user = json.dumps({"secretKey": secret, "status": "enabled"}).encode()
        self._put("add-user", {"accessKey": name}, encrypt(self._credentials.secret_key, user))

    def attach_policy(self, policy: str, user: str) -> None:
        """Let this one policy hold for a user, and no other."""
        query = {"policyName": policy, "userOrGroup": user, "isGroup": "false"}
        self._put("set-user-or-group-policy", query, b"")

    def _put(self, call: str, query: dict[str, str], body: bytes) -> None:
        request = AWSRequest("PUT", f"{self._url}/{call}?{urlencode(query)}", data=body)
        S3SigV4Auth(self._credentials, "s3", "us-east-1").add_auth(request)
        answer = self._http.send(request.prepare())
        if answer.status_code >= 300:
            raise SystemExit(f"MinIO refused {call}: {answer.text}")


def encrypt(password: str, text: bytes) -> bytes:
    """Encrypt a text of one fragment: salt (32 bytes), algorithm (1), nonce (8), ciphertext with its tag.

    Raises:
        ValueError: the text is longer than a fragment.
    """
    if len(text) > _FRAGMENT_BYTES:
        raise ValueError(f"{len(text)} bytes are more than one fragment")
    salt, nonce = os.urandom(32), os.urandom(8)
    key = Argon2id(salt=salt, length=32, iterations=1, lanes=4, memory_cost=64 * 1024).derive(
        password.encode()
    )
    seal = AESGCM(key).encrypt
    header_tag = seal(nonce + struct.pack("<I", 0), b"", None)
    ciphertext = seal(nonce + struct.pack("<I", 1), text, _LAST_FRAGMENT + header_tag)
    return salt + _ARGON2ID_AES_GCM + nonce + ciphertext
