"""Groups recipients into batches. Each batch is one request to the vendor."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.voice import MAX_CALLS, Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.recipients.recipient_store import Recipient

CHECKSUM_MODULUS = 1 << 16
"""A checksum of 16 bits shows a change, but is too short to find a phone by trying all phones."""


@dataclass(frozen=True)
class Batch:
    """The recipients of one request.

    :ivar number: Number of the batch, from 1.
    :ivar recipients: At most 100 recipients, in the order of the rows.
    """

    number: int
    recipients: Sequence[Recipient]

    @cached_property
    def _fingerprint(self) -> tuple[str, tuple[int, ...]]:
        rows = [[recipient.key, recipient.phone, recipient.text] for recipient in self.recipients]
        return digest(rows), (
            checksum(f"{key}" for key, _, _ in rows),
            checksum(f"{key} {phone}" for key, phone, _ in rows),
            checksum(f"{key} {text}" for key, _, text in rows),
        )

    @property
    def digest(self) -> str:
        """Digest of the keys, phones and texts of the recipients. It changes with any of them."""
        return self._fingerprint[0]

    @property
    def checksums(self) -> tuple[int, ...]:
        """Checksums of the keys, the phones and the texts. The recipients' order does not change them."""
        return self._fingerprint[1]

    @property
    def keys(self) -> list[str]:
        """The keys of the recipients."""
        return [recipient.key for recipient in self.recipients]

    def calls(self, send_id: str) -> list[Call]:
        """Return the calls of the batch, each with ``<send_id>-<key>`` as CustomerMessageID.

        :param send_id: ID of the send.
        """
        return [
            Call(phone=recipient.phone, text=recipient.text, message_id=f"{send_id}-{recipient.key}")
            for recipient in self.recipients
        ]


def plan_batches(recipients: Sequence[Recipient]) -> list[Batch]:
    """Return the batches of a send. For example, 250 recipients make batches of 100, 100 and 50.

    :param recipients: All recipients of the send.
    """
    starts = range(0, len(recipients), MAX_CALLS)
    return [
        Batch(number, recipients[start : start + MAX_CALLS]) for number, start in enumerate(starts, start=1)
    ]


def batch_size(number: int, recipients: int) -> int:
    """Return the number of recipients in a batch.

    :param number: Number of the batch, from 1.
    :param recipients: The number of recipients of the send.
    """
    return max(0, min(MAX_CALLS, recipients - (number - 1) * MAX_CALLS))


def batch_places(number: int, recipients: int) -> tuple[int, int]:
    """Return the positions of a batch's first and last recipient in the send, counted from 1.

    :param number: Number of the batch, from 1.
    :param recipients: The number of recipients of the send.
    """
    first = (number - 1) * MAX_CALLS + 1
    return first, first + batch_size(number, recipients) - 1


def checksum(texts: Iterable[str]) -> int:
    """Return a short checksum of texts that does not depend on their order."""
    return sum(zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts) % CHECKSUM_MODULUS


def sum_checksums(batches: Iterable[Batch]) -> list[int]:
    """Return three checksums: of all keys, of all phones and of all texts. Without batches, return [].

    :param batches: All batches of a send.
    """
    columns = zip(*(batch.checksums for batch in batches), strict=True)
    return [sum(column) % CHECKSUM_MODULUS for column in columns]


def digest(content: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return a digest of a JSON value: 16 hexadecimal digits."""
    return sha256(json.dumps(content, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
