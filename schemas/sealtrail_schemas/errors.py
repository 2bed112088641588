"""Errors of the formats. Every parser answers malformed input with one of these, whatever the bytes are.

FormatError
├── PayloadError · LeafError · BodyError · ControlError · BatchError
├── ProofError
├── NoteError
│   ├── NoteSignatureError      a known key's signature is wrong
│   ├── NoteUnsignedError       no signature of a known key
│   └── CheckpointError
├── TlogProofError
├── OriginError
├── SealError · PolicyError · EventError · MappingError · ViewError · PackError · StampError
└── UnknownFormatError          well-formed, but of a version or algorithm this program does not know
"""

from __future__ import annotations


class FormatError(Exception):
    """Bytes are not what the format allows."""


class PayloadError(FormatError):
    """Not a canonical payload."""


class LeafError(FormatError):
    """Not a leaf."""


class BodyError(FormatError):
    """Not the body of an entry that sealtrail writes itself."""


class ControlError(FormatError):
    """Not a control statement, or not one for its place."""


class BatchError(FormatError):
    """Not a batch, or a damaged one.

    Attributes:
        entries_read: How many entries a reader had handed out before it met the damage.
    """

    def __init__(self, message: str, *, entries_read: int = 0) -> None:
        super().__init__(message)
        self.entries_read = entries_read


class ProofError(FormatError):
    """A Merkle proof does not prove what it was offered for."""


class TlogProofError(FormatError):
    """Not a tlog-proof, the text that carries a Merkle proof."""


class NoteError(FormatError):
    """Not a signed note."""


class NoteSignatureError(NoteError):
    """A signature of a known key does not verify."""


class NoteUnsignedError(NoteError):
    """No signature of a known key."""


class CheckpointError(NoteError):
    """Not a checkpoint."""


class OriginError(FormatError):
    """Not the origin of a trail."""


class SealError(FormatError):
    """Not a seal."""


class PolicyError(FormatError):
    """Not a policy."""


class EventError(FormatError):
    """Not an AuditEvent."""


class MappingError(FormatError):
    """Not a path into JSON, or not a mapping of such paths."""


class ViewError(FormatError):
    """Not a view, or not that of the batch that it is offered for."""


class PackError(FormatError):
    """Not an evidence pack."""


class StampError(FormatError):
    """Not a producer's stamp, or not void numbers."""


class UnknownFormatError(FormatError):
    """Well-formed, but of a version or algorithm that this program does not know."""
