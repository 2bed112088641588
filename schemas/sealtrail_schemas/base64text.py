"""Base64 that has one spelling only.

RFC 4648 section 3.5: the unused bits of the last character are free, so a lenient decoder reads several texts
as the same bytes, and a signed file could be altered without a signature noticing. Here text that does not
encode back to itself is refused.
"""

from __future__ import annotations

import binascii


def encode_base64(data: bytes) -> str:
    """Return the standard, padded base64 of `data` (RFC 4648 section 4)."""
    return binascii.b2a_base64(data, newline=False).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Return the bytes whose standard, padded base64 is exactly `text`.

    Raises:
        ValueError: `text` is not base64, or not the one spelling of its bytes.
    """
    try:
        data = binascii.a2b_base64(text.encode("ascii"))  # overlooks what is not base64
    except (UnicodeEncodeError, binascii.Error):
        raise ValueError("not base64") from None
    if encode_base64(data) != text:
        raise ValueError("not the canonical base64 of its bytes")
    return data
