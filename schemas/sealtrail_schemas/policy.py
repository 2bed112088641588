"""Policies, C2SP tlog-policy: the one file that an auditor believes. It lists the key of each trail to trust.

    # SHA256:2uJYvxcqgSRrMaqvRC8EYcIjfCkWWSHBHZ5GO5Jn8cQ
    log audit.example.com/payments/0+5b1d3c5e+AVx...
    quorum none

Lines are `log`, `witness`, `group` and `quorum`; `#` starts a comment line. All of the language is read, so
that a policy with witnesses is understood and not mistaken for a broken one; what this version can't enforce,
`Policy.require_supported` refuses.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from sealtrail_schemas.errors import FormatError, PolicyError, UnknownFormatError
from sealtrail_schemas.keys import COSIGNATURE_ED25519, COSIGNATURE_MLDSA44, Verifier, VerifierKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

MAX_POLICY_BYTES: Final = 1 << 20
"""Room for some 8,000 trails."""

NO_QUORUM: Final = "none"

_WITNESS_TYPES: Final = (COSIGNATURE_ED25519, COSIGNATURE_MLDSA44)
_THRESHOLD = re.compile("[1-9][0-9]{0,5}")
_CONTROL = re.compile(b"[\x00-\x08\x0b-\x1f\x7f]")
_HEADER = """\
# Trust policy (C2SP tlog-policy). Whoever holds this file can verify the trails below, offline.
# Compare each fingerprint with what the trail's operator says by another way than this file came.
"""


@dataclass(frozen=True, slots=True)
class Witness:
    """A key whose cosignature can count towards the quorum, under its name in the policy."""

    name: str
    key: VerifierKey
    url: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """Members (witnesses or earlier groups) of whom at least `threshold` must have cosigned."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """What an auditor trusts.

    Attributes:
        logs: The key of each trail, by origin, in the order of the file.
        urls: Where a trail may be found, by origin, where its line says so: a hint, never trusted.
        witnesses: By name.
        groups: By name.
        quorum: Name of the witness or group that must have cosigned, or `none`.
    """

    logs: Mapping[str, Verifier]
    urls: Mapping[str, str]
    witnesses: Mapping[str, Witness]
    groups: Mapping[str, Group]
    quorum: str

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Read a policy file.

        Raises:
            PolicyError: It is no policy; the message names the line.
            UnknownFormatError: A key is of a signature type unknown here; the message names the line.
        """
        reader = _Reader()
        for number, words in _lines(data):
            try:
                reader.read_line(words)
            except FormatError as error:
                kind = UnknownFormatError if isinstance(error, UnknownFormatError) else PolicyError
                raise kind(f"policy line {number}: {error}") from None
        if reader.quorum is None:
            raise PolicyError(
                "the policy has no quorum line: add `quorum none` if it asks for no cosignatures"
            )
        return cls(
            logs=MappingProxyType(reader.logs),
            urls=MappingProxyType(reader.urls),
            witnesses=MappingProxyType(reader.witnesses),
            groups=MappingProxyType(reader.groups),
            quorum=reader.quorum,
        )

    def require_supported(self) -> None:
        """Refuse a policy that asks for more than this version checks: any quorum but `none`.

        Raises:
            UnknownFormatError: It does.
        """
        if self.quorum != NO_QUORUM:
            raise UnknownFormatError(
                f"this version can't check the cosignatures that the policy wants (quorum {self.quorum!a}): "
                "use a newer one, or `quorum none` if the logs' own signatures are enough for you"
            )


def format_policy(verifiers: Iterable[Verifier]) -> bytes:
    """Return a policy that trusts the trails of `verifiers` and asks for no cosignatures.

    Raises:
        PolicyError: Two of them have the same name or the same public key.
    """
    logs = "".join(f"\n# {v.name}\n# {v.fingerprint}\nlog {v.vkey}\n" for v in verifiers)
    data = f"{_HEADER}{logs}\nquorum {NO_QUORUM}\n".encode()
    Policy.parse(data)
    return data


@dataclass(slots=True)
class _Reader:
    """What was read so far, and the rule for each kind of line."""

    logs: dict[str, Verifier] = field(default_factory=dict)
    urls: dict[str, str] = field(default_factory=dict)
    witnesses: dict[str, Witness] = field(default_factory=dict)
    groups: dict[str, Group] = field(default_factory=dict)
    quorum: str | None = None
    _log_keys: set[bytes] = field(default_factory=set)
    _witness_keys: set[bytes] = field(default_factory=set)
    _grouped: set[str] = field(default_factory=set)

    def read_line(self, words: list[str]) -> None:
        match words:
            case ["log", vkey]:
                self._log(vkey, None)
            case ["log", vkey, url]:
                self._log(vkey, url)
            case ["witness", name, vkey]:
                self._witness(name, vkey, None)
            case ["witness", name, vkey, url]:
                self._witness(name, vkey, url)
            case ["group", name, threshold, *members] if members:
                self._group(name, threshold, members)
            case ["quorum", name]:
                self._quorum(name)
            case [keyword, *_]:
                raise PolicyError(_usage(keyword))

    def _log(self, vkey: str, url: str | None) -> None:
        key = Verifier.parse(vkey)
        if key.name in self.logs:
            raise PolicyError(f"a second key for the log {key.name}: keep one")
        if key.public_key in self._log_keys:
            raise PolicyError(
                f"the public key of log {key.name} is already that of another: each log has its own"
            )
        self._log_keys.add(key.public_key)
        self.logs[key.name] = key
        if url is not None:
            self.urls[key.name] = url

    def _witness(self, name: str, vkey: str, url: str | None) -> None:
        self._require_new(name)
        key = VerifierKey.parse(vkey)
        if key.signature_type not in _WITNESS_TYPES:
            raise PolicyError(
                f"the key of witness {name!a} is of signature type 0x{key.signature_type:02x}: "
                "ask the witness for its cosigning key (0x04 or 0x06)"
            )
        if key.public_key in self._witness_keys:
            raise PolicyError(f"the public key of witness {name!a} is already that of another: keep one")
        self._witness_keys.add(key.public_key)
        self.witnesses[name] = Witness(name, key, url)

    def _group(self, name: str, threshold: str, members: list[str]) -> None:
        self._require_new(name)
        for member in members:
            self._require_defined(member)
            if member in self._grouped:
                raise PolicyError(f"{member!a} is a member twice: each witness or group counts once")
            self._grouped.add(member)
        self.groups[name] = Group(name, _threshold(threshold, len(members)), tuple(members))

    def _quorum(self, name: str) -> None:
        if self.quorum is not None:
            raise PolicyError("a second quorum: keep one")
        if name != NO_QUORUM:
            self._require_defined(name)
        self.quorum = name

    def _require_new(self, name: str) -> None:
        if name == NO_QUORUM or name in self.witnesses or name in self.groups:
            raise PolicyError(f"the name {name!a} is taken: choose another")

    def _require_defined(self, name: str) -> None:
        if name not in self.witnesses and name not in self.groups:
            raise PolicyError(f"no witness or group {name!a} on the lines above: define it first")


def _lines(data: bytes) -> Iterator[tuple[int, list[str]]]:
    """Yield number (from 1) and words of each line that says something."""
    if len(data) > MAX_POLICY_BYTES:
        raise PolicyError(f"the policy has {len(data)} bytes, more than {MAX_POLICY_BYTES}")
    lines = data.split(b"\n")
    for number, line in enumerate(lines, start=1):
        if _CONTROL.search(line):
            hint = "save it with LF line ends" if line.endswith(b"\r") else "remove it"
            raise PolicyError(f"policy line {number}: a control character that a policy can't hold: {hint}")
        # Words are octets, not characters: str.split() would also part them at, say, U+00A0.
        words = [word for word in line.replace(b"\t", b" ").split(b" ") if word]
        if words and number == len(lines):
            raise PolicyError(
                f"policy line {number}: no line feed at the end: add one, unless the file was cut"
            )
        if words and not words[0].startswith(b"#"):
            yield number, [word.decode("utf-8", "surrogateescape") for word in words]


def _threshold(text: str, members: int) -> int:
    """Return how many of a group's members must have cosigned."""
    named = {"any": 1, "all": members}.get(text)
    if named is not None:
        return named
    if not _THRESHOLD.fullmatch(text) or int(text) > members:
        raise PolicyError(f"the threshold {text!a} is not any, all or a number from 1 to {members}")
    return int(text)


_USAGE: Final[Mapping[str, str]] = {
    "log": "log <vkey> [<url>]",
    "witness": "witness <name> <vkey> [<url>]",
    "group": "group <name> all|any|<k> <name>...",
    "quorum": "quorum <name>",
}


def _usage(keyword: str) -> str:
    """Say how a line that starts with `keyword` is written."""
    if keyword in _USAGE:
        return f"write `{_USAGE[keyword]}`"
    return f"{keyword!a} is not log, witness, group or quorum"
