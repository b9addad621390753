"""Groups recipients into batches. Each batch is one request to the vendor."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.batch_places import batch_places, count_batches
from airflow_provider_inforu.capi.voice import Call
from airflow_provider_inforu.recipients.fingerprints import CHECKSUM_MODULUS, digest_text
from airflow_provider_inforu.recipients.recipient_store import read_fingerprint

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from airflow_provider_inforu.recipients.fingerprints import Fingerprint
    from airflow_provider_inforu.recipients.recipient_store import Recipient


@dataclass(frozen=True)
class Batch:
    """The recipients of one request. The digest and checksums of a full batch are known without reading it.

    :ivar number: Number of the batch, from 1.
    :ivar recipients: At most 100 recipients, in the order of the rows.
    """

    number: int
    recipients: Sequence[Recipient]

    @cached_property
    def _fingerprint(self) -> Fingerprint:
        return read_fingerprint(self.recipients)

    @property
    def digest(self) -> str:
        """Digest of the keys, phones and texts of the recipients. It changes with any of them."""
        return self._fingerprint.digest

    @property
    def checksums(self) -> tuple[int, int, int]:
        """Checksums of the keys, the phones and the texts. The recipients' order does not change them."""
        return self._fingerprint.checksums

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
    numbers = range(1, count_batches(len(recipients)) + 1)
    places = ((number, *batch_places(number, len(recipients))) for number in numbers)
    return [Batch(number, recipients[first - 1 : last]) for number, first, last in places]


def sum_checksums(batches: Iterable[Batch]) -> list[int]:
    """Return three checksums: of all keys, of all phones and of all texts. Without batches, return [].

    :param batches: All batches of a send.
    """
    columns = zip(*(batch.checksums for batch in batches), strict=True)
    return [sum(column) % CHECKSUM_MODULUS for column in columns]


def digest(content: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return a digest of a JSON value: 16 hexadecimal digits."""
    return digest_text(json.dumps(content, ensure_ascii=False, default=str))
