"""Recipients become batches: one request to the vendor each."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from airflow_provider_inforu.capi.voice import MAX_CALLS, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from airflow_provider_inforu.sending.spool import Recipient


@dataclass(frozen=True)
class Batch:
    """The recipients of one request.

    :ivar number: Counts from 1.
    :ivar recipients: At most 100, in the order of the rows.
    """

    number: int
    recipients: Sequence[Recipient]

    @cached_property
    def digest(self) -> str:
        """What tells whether the same people would hear the same: of keys, phones and texts."""
        return digest([[one.key, one.phone, one.text] for one in self.recipients])

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


def digest(content: Any) -> str:  # noqa: ANN401 - a JSON value
    """Return what tells one content from another."""
    return sha256(json.dumps(content, ensure_ascii=False, default=str).encode()).hexdigest()[:16]
