"""Digests and checksums of recipients. The ledger stores them, and shows changes without storing phones."""

from __future__ import annotations

import json
import zlib
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

CHECKSUM_MODULUS = 1 << 16
"""A checksum of 16 bits shows a change, but is too short to find a phone by trying all phones."""


class Fingerprint(NamedTuple):
    """The fingerprint of recipients.

    :ivar digest: Digest of the keys, phones and texts. It changes with any of them.
    :ivar checksums: Checksums of the keys, the phones and the texts. The recipients' order does not change
        them.
    """

    digest: str
    checksums: tuple[int, int, int]


def write_rows(rows: Sequence[Sequence[object]]) -> str:
    """Return the JSON text of rows. Ledgers contain digests of it, so it must not change."""
    return json.dumps(rows, ensure_ascii=False)


def make_fingerprint(rows: Sequence[Sequence[object]], written: str) -> Fingerprint:
    """Return the fingerprint of recipients.

    :param rows: The key, the phone and the text of each recipient.
    :param written: The return value of `write_rows` for these rows.
    """
    return Fingerprint(
        digest_text(written),
        (
            checksum(f"{key}" for key, _, _ in rows),
            checksum(f"{key} {phone}" for key, phone, _ in rows),
            checksum(f"{key} {text}" for key, _, text in rows),
        ),
    )


def checksum(texts: Iterable[str]) -> int:
    """Return a short checksum of texts that does not depend on their order."""
    return sum(zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts) % CHECKSUM_MODULUS


def digest_text(text: str) -> str:
    """Return a digest of a text: 16 hexadecimal digits."""
    return sha256(text.encode()).hexdigest()[:16]
