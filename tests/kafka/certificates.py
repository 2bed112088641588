"""A certificate authority, and certificates of a server on this machine signed by it."""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

if TYPE_CHECKING:
    from pathlib import Path

_VALID = dt.timedelta(days=1)


def write_certificates(folder: Path) -> None:
    """Write `ca.pem`, for clients; `broker.pem` and `expired.pem`, each with key and chain, for servers.

    `stranger.pem` is another authority.
    """
    now = dt.datetime.now(dt.UTC)
    authority = _authority("sealtrail test authority")
    (folder / "ca.pem").write_bytes(_pem(authority[1]))
    (folder / "broker.pem").write_bytes(_server(*authority, until=now + _VALID))
    (folder / "expired.pem").write_bytes(_server(*authority, until=now - _VALID / 2))
    (folder / "stranger.pem").write_bytes(_pem(_authority("a stranger")[1]))


def _server(ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, *, until: dt.datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        _builder("localhost", issuer=ca.subject, key=key, until=until)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return private + _pem(certificate) + _pem(ca)


def _authority(name: str) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key = ec.generate_private_key(ec.SECP256R1())
    until = dt.datetime.now(dt.UTC) + _VALID
    builder = _builder(name, issuer=_name(name), key=key, until=until)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return key, builder.sign(key, hashes.SHA256())


def _builder(
    name: str, *, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, until: dt.datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(until - 2 * _VALID)
        .not_valid_after(until)
    )


def _name(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
