"""Recipients become batches: one request to the vendor each."""

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
"""Short on purpose: it tells that something changed, and is too short to find a phone by trying all."""


@dataclass(frozen=True)
class Batch:
    """The recipients of one request.

    :ivar number: Counts from 1.
    :ivar recipients: At most 100, in the order of the rows.
    """

    number: int
    recipients: Sequence[Recipient]

    @cached_property
    def _fingerprint(self) -> tuple[str, tuple[int, ...]]:
        rows = [[one.key, one.phone, one.text] for one in self.recipients]
        return digest(rows), (
            checksum(f"{key}" for key, _, _ in rows),
            checksum(f"{key} {phone}" for key, phone, _ in rows),
            checksum(f"{key} {text}" for key, _, text in rows),
        )

    @property
    def digest(self) -> str:
        """What tells whether the same people would hear the same: of keys, phones and texts."""
        return self._fingerprint[0]

    @property
    def checksums(self) -> tuple[int, ...]:
        """Checksums of its keys, phones and texts. The order of the recipients does not change them."""
        return self._fingerprint[1]

    @property
    def keys(self) -> list[str]:
        """The keys of its recipients."""
        return [recipient.key for recipient in self.recipients]

    def calls(self, send_id: str) -> list[Call]:
        """Return its calls, each with ``<send_id>-<key>`` as CustomerMessageID."""
        return [
            Call(phone=recipient.phone, text=recipient.text, message_id=f"{send_id}-{recipient.key}")
            for recipient in self.recipients
        ]


def plan_batches(recipients: Sequence[Recipient]) -> list[Batch]:
    """Return the batches of a send: 250 recipients make 100, 100 and 50."""
    starts = range(0, len(recipients), MAX_CALLS)
    return [
        Batch(number, recipients[start : start + MAX_CALLS]) for number, start in enumerate(starts, start=1)
    ]


def batch_size(number: int, recipients: int) -> int:
    """Return how many recipients a batch of a send has.

    :param number: The batch, from 1.
    :param recipients: How many recipients the send has.
    """
    return max(0, min(MAX_CALLS, recipients - (number - 1) * MAX_CALLS))


def batch_places(number: int, recipients: int) -> tuple[int, int]:
    """Return the places of a batch's first and last recipient in the send, from 1.

    :param number: The batch, from 1.
    :param recipients: How many recipients the send has.
    """
    first = (number - 1) * MAX_CALLS + 1
    return first, first + batch_size(number, recipients) - 1


def checksum(texts: Iterable[str]) -> int:
    """Return a short checksum of texts that does not depend on their order."""
    return sum(zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in texts) % CHECKSUM_MODULUS


def sum_checksums(batches: Iterable[Batch]) -> list[int]:
    """Return the checksums of all keys, of all phones and of all texts.

    :param batches: All batches of a send.
    """
    columns = zip(*(batch.checksums for batch in batches), strict=True)
    return [sum(column) % CHECKSUM_MODULUS for column in columns]


def digest(content: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return what tells one content from another."""
    return sha256(json.dumps(content, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
